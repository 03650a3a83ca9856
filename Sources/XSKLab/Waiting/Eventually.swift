import Glibc

/// How long a test waits for what must happen: far longer than it ever takes, since a machine may be busy with other work,
/// and free of cost when it does happen.
public let patience: Duration = .seconds(60)

/// Asks again and again, a millisecond apart, until the answer is yes or the time is over.
public func eventually(_ limit: Duration = patience, _ condition: () throws -> Bool) rethrows -> Bool {
  let deadline = ContinuousClock.now + limit
  while ContinuousClock.now < deadline {
    if try condition() { return true }
    usleep(1000)
  }
  return try condition()
}
