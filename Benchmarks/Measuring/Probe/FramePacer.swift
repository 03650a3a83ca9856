/// When the next frame may go. All times are CLOCK_MONOTONIC in nanoseconds.
public struct FramePacer: Sendable {
  public enum Schedule: Hashable, Sendable {
    /// As many as go.
    case unlimited
    /// Frames a second.
    case rate(Double)
    /// Each frame at its time behind the first, in nanoseconds; then again from the beginning after `period`.
    case times([UInt64], period: UInt64)
  }

  private let schedule: Schedule
  private let interval: Double
  private var due: Double
  private var step = 0
  private var base: UInt64

  /// Being behind by more than this is not made up for: what was missed would leave in one heap.
  public static let patience: Double = 1_000_000

  public init(_ schedule: Schedule, start: UInt64) {
    self.schedule = schedule
    interval = if case .rate(let rate) = schedule { 1e9 / rate } else { 0 }
    due = Double(start)
    base = start
  }

  /// Whether the next frame may go.
  public func isDue(_ now: UInt64) -> Bool {
    switch schedule {
    case .unlimited: true
    case .rate: Double(now) >= due
    case .times(let times, _): now >= base + times[step]
    }
  }

  /// It went.
  public mutating func advance(_ now: UInt64) {
    switch schedule {
    case .unlimited: break
    case .rate: due = max(due, Double(now) - Self.patience) + interval
    case .times(let times, let period):
      step += 1
      guard step == times.count else { return }
      step = 0
      base += period
      // A lap that ended late begins the next one late.
      if now > base + UInt64(Self.patience) { base = now }
    }
  }
}
