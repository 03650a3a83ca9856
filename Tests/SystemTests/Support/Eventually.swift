import Glibc

/// Asks again and again, a millisecond apart, until the answer is yes or the time is over.
func eventually(_ limit: Duration = .seconds(5), _ condition: () throws -> Bool) rethrows -> Bool {
  let deadline = ContinuousClock.now + limit
  while ContinuousClock.now < deadline {
    if try condition() { return true }
    usleep(1000)
  }
  return try condition()
}
