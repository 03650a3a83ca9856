import XSKEngine

/// Delays counted in buckets that are 1/1024 of their value wide, in memory that is there from the beginning: what the packet path can
/// do. `recorder` makes an HdrHistogram of it.
struct DelayCounts: ~Copyable {
  private static let digits = 10
  private static let half = 1 << digits
  /// Up to 2³⁴ ns, 17 seconds.
  private static let octaves = 24

  private var buckets = FixedArray<UInt64>(repeating: 0, count: half * (octaves + 1))
  private var shortest = UInt64.max
  private var longest: UInt64 = 0
  private var count: UInt64 = 0

  mutating func record(_ nanoseconds: UInt64) {
    shortest = min(shortest, nanoseconds)
    longest = max(longest, nanoseconds)
    count &+= 1
    buckets[Self.bucket(nanoseconds)] &+= 1
  }

  /// Values below 1024 have a bucket each; from there on each octave has 1024.
  private static func bucket(_ value: UInt64) -> Int {
    let value = min(value, 1 << UInt64(digits + octaves) - 1)
    guard value >= UInt64(half) else { return Int(value) }
    let octave = 63 - value.leadingZeroBitCount - digits
    return half * (octave + 1) + Int(value >> UInt64(octave)) - half
  }

  /// The middle of a bucket.
  private static func value(_ bucket: Int) -> UInt64 {
    guard bucket >= half else { return UInt64(bucket) }
    let octave = bucket / half - 1
    return (UInt64(bucket % half + half) << UInt64(octave)) + (1 << UInt64(octave)) / 2
  }

  /// Not for the packet path: it allocates.
  var recorder: LatencyRecorder {
    var recorder = LatencyRecorder()
    guard count > 0 else { return recorder }
    for bucket in 0..<buckets.count where buckets[bucket] > 0 {
      recorder.record(Self.value(bucket), count: buckets[bucket])
    }
    recorder.setRange(shortest...longest)
    return recorder
  }

  mutating func reset() {
    for bucket in 0..<buckets.count { buckets[bucket] = 0 }
    (shortest, longest, count) = (.max, 0, 0)
  }
}
