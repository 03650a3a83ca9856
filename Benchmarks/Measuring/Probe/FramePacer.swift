import XSKEngine

/// When the next frame may go. All times are CLOCK_MONOTONIC in nanoseconds.
public struct FramePacer: ~Copyable {
  public enum Schedule: Hashable, Sendable {
    /// As many as go.
    case unlimited
    /// Frames a second.
    case rate(Double)
    /// Each frame at its time behind the first, in nanoseconds; then again from the beginning after `period`.
    case times([UInt64], period: UInt64)
  }

  /// Nanoseconds between frames; 0: as many as go, or by `times`.
  private let interval: Double
  private let times: FixedArray<UInt64>
  private let period: UInt64
  private var due: Double
  private var step = 0
  private var base: UInt64

  /// Being behind by more than this is not made up for: what was missed would leave in one heap.
  public static let patience: UInt64 = 1_000_000

  public init(_ schedule: Schedule) {
    (due, base) = (0, 0)
    var (list, length, rate) = ([UInt64](), UInt64(0), Double.infinity)
    switch schedule {
    case .unlimited: break
    case .rate(let wanted): rate = wanted
    case .times(let times, let period): (list, length) = (times, period)
    }
    interval = 1e9 / rate
    times = FixedArray(list)
    period = length
  }

  /// The first frame is due.
  public mutating func begin(_ now: UInt64) { (due, base, step) = (Double(now), now, 0) }

  /// Whether the next frame may go.
  public func isDue(_ now: UInt64) -> Bool {
    times.count > 0 ? now >= base &+ times[step] : Double(now) >= due
  }

  /// It went.
  public mutating func advance(_ now: UInt64) {
    guard times.count > 0 else {
      if interval > 0 { due = max(due, Double(now) - Double(Self.patience)) + interval }
      return
    }
    step += 1
    guard step == times.count else { return }
    step = 0
    base &+= period
    // A lap that ended late begins the next one late.
    if now > base &+ Self.patience { base = now }
  }
}
