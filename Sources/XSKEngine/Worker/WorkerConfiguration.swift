/// What a worker does when a turn found no packet.
public enum IdlePolicy: String, CaseIterable, Sendable {
  /// Looks again at once: the lowest latency, a whole core.
  case spin
  /// Has the kernel poll the device from the worker's own system calls, interrupts deferred.
  case busyPoll = "busy-poll"
  /// Sleeps in poll(2) until something happens.
  case sleep
  /// Spins for `spinMicroseconds`, then sleeps.
  case adaptive
}

/// How a worker runs.
public struct WorkerConfiguration: Hashable, Sendable {
  /// Packets that one burst may take, 1…1024.
  public var batch: Int
  public var idle: IdlePolicy
  /// How long *adaptive* spins before it sleeps, in microseconds.
  public var spinMicroseconds: Int
  /// A TX kick happens when this many descriptors are pending, 1…65,536 …
  public var kickThreshold: Int
  /// … or when the oldest has waited this long, in microseconds.
  public var kickMicroseconds: Int
  /// Frames kept with the kernel for receiving, per queue; 0: as many as the fill ring holds. Fewer stay in the cache,
  /// more ride out longer pauses.
  public var fillLevel: Int
  /// Packets that the handler may hold at once. Their frames are taken from what the rings would have. While any is held the
  /// worker does not sleep.
  public var holdCapacity: Int
  /// How long a stopping worker waits for what is under way in the kernel, in milliseconds.
  public var drainMilliseconds: Int
  /// SO_BUSY_POLL in microseconds and SO_BUSY_POLL_BUDGET in packets, for the busy-poll policy.
  public var busyPollMicroseconds: Int
  public var busyPollBudget: Int

  public init(
    batch: Int = 64, idle: IdlePolicy = .adaptive, spinMicroseconds: Int = 50, kickThreshold: Int = 64,
    kickMicroseconds: Int = 20, fillLevel: Int = 0, holdCapacity: Int = 0, drainMilliseconds: Int = 500,
    busyPollMicroseconds: Int = 20, busyPollBudget: Int = 64
  ) {
    self.batch = batch
    self.idle = idle
    self.spinMicroseconds = spinMicroseconds
    self.kickThreshold = kickThreshold
    self.kickMicroseconds = kickMicroseconds
    self.fillLevel = fillLevel
    self.holdCapacity = holdCapacity
    self.drainMilliseconds = drainMilliseconds
    self.busyPollMicroseconds = busyPollMicroseconds
    self.busyPollBudget = busyPollBudget
  }

  func validate() throws(XSKError) {
    let limits: [(name: String, value: Int, range: ClosedRange<Int>)] = [
      ("batch", batch, 1...1024), ("spin time in microseconds", spinMicroseconds, 0...60_000_000),
      ("kick threshold", kickThreshold, 1...65536), ("kick time in microseconds", kickMicroseconds, 0...60_000_000),
      ("fill level", fillLevel, 0...65536), ("hold capacity", holdCapacity, 0...4_194_304),
      ("drain time in milliseconds", drainMilliseconds, 0...600_000),
      ("busy-poll time in microseconds", busyPollMicroseconds, 0...1_000_000),
      ("busy-poll budget", busyPollBudget, 1...65535),
    ]
    for (name, value, range) in limits where !range.contains(value) {
      throw XSKError("\(name) \(value)", "out of range", remedy: "use \(range.lowerBound) to \(range.upperBound)")
    }
  }
}
