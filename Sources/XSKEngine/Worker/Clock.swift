import CXsk
import Glibc

/// The time-stamp counter against CLOCK_MONOTONIC: the packet path reads the counter, which costs a few cycles.
public struct TimestampClock: Sendable {
  /// The counter's value.
  public static var now: UInt64 { cxsk_timestamp() }

  /// Ticks of the counter a second.
  public let ticksPerSecond: Double

  /// Measures the counter's rate over ~10 ms, once a process.
  public static let shared = TimestampClock()

  private init() {
    let startTime = Self.monotonicNanoseconds
    let start = cxsk_timestamp_ordered()
    var now = startTime
    while now &- startTime < 10_000_000 { now = Self.monotonicNanoseconds }
    let ticks = cxsk_timestamp_ordered() &- start
    ticksPerSecond = Double(ticks) * 1e9 / Double(now &- startTime)
  }

  /// Ticks in a number of microseconds.
  public func ticks(microseconds: Int) -> UInt64 { UInt64(ticksPerSecond * Double(microseconds) / 1e6) }

  /// Ticks in a number of nanoseconds.
  public func ticks(nanoseconds: UInt64) -> UInt64 { UInt64(ticksPerSecond * Double(nanoseconds) / 1e9) }

  /// CLOCK_MONOTONIC in nanoseconds.
  public static var monotonicNanoseconds: UInt64 {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }
}
