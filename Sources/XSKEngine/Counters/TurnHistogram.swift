import CXsk

/// How long turns that found packets took, in a worker's block of the counter page: places 36…63, one for each power of two
/// of nanoseconds.
///
/// Bounds don't depend on the machine, so that histograms of several can be added.
public enum TurnHistogram {
  /// Buckets: the first counts turns below 64 ns, each further one those below twice as much, the last all others.
  public static let count = 28
  static let firstPlace = CounterPageLayout.workerCounters - count

  /// The bound that a bucket's turns are below, in nanoseconds; nil: the last one's have none.
  public static func bound(_ bucket: Int) -> UInt64? { bucket < count - 1 ? 64 << UInt64(bucket) : nil }

  /// A bucket's name in the counter page.
  public static func name(_ bucket: Int) -> String {
    bound(bucket).map { "turns_below_\($0)_ns" } ?? "turns_longer"
  }

  static var places: [(String, Int)] { (0..<count).map { (name($0), firstPlace + $0) } }

  /// The bucket of a duration, 0…27.
  @inline(__always) static func bucket(nanoseconds: UInt64) -> Int {
    min(count - 1, 64 - (nanoseconds >> 6).leadingZeroBitCount)
  }
}

extension WorkerCounters {
  /// Counts a turn that found packets.
  @inline(__always) func countTurn(nanoseconds: UInt64) {
    // In bounds: buckets are 0…27, so places are 36…63.
    let place = unsafe base + (TurnHistogram.firstPlace + TurnHistogram.bucket(nanoseconds: nanoseconds))
    unsafe cxsk_counter_store(place, cxsk_counter_load(place) &+ 1)
  }
}

/// Time-stamp counter ticks as nanoseconds, without a division.
struct TickScale: Sendable {
  /// Nanoseconds a tick, times 2³².
  private let factor: UInt64

  init(_ clock: TimestampClock) { factor = UInt64(1e9 / clock.ticksPerSecond * 4_294_967_296) }

  @inline(__always) func of(_ ticks: UInt64) -> UInt64 {
    let product = ticks.multipliedFullWidth(by: factor)
    return product.high << 32 | product.low >> 32
  }
}
