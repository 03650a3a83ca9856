import Foundation
import Histogram

/// How long probes took, and how that varied (RFC 8219, section 7.2 and 7.3; RFC 5481), in nanoseconds.
public struct LatencySummary: Codable, Hashable, Sendable {
  /// Probes that it is made of.
  public var samples: UInt64
  public var minimum: UInt64
  public var mean: Double
  /// RFC 8219's typical latency.
  public var median: UInt64
  public var p90: UInt64
  public var p99: UInt64
  /// RFC 8219's worst-case latency.
  public var p999: UInt64
  public var maximum: UInt64
  /// Packet delay variation: the 99.9th percentile minus the minimum (RFC 5481, section 4.2).
  public var variation: UInt64

  enum CodingKeys: String, CodingKey {
    case samples
    case minimum = "min_ns"
    case mean = "mean_ns"
    case median = "median_ns"
    case p90 = "p90_ns"
    case p99 = "p99_ns"
    case p999 = "p999_ns"
    case maximum = "max_ns"
    case variation = "pdv_ns"
  }
}

/// Delays of single probes, recorded in constant memory with three significant digits.
public struct LatencyRecorder: Sendable {
  /// Longer delays, in nanoseconds, count as this: ten seconds.
  public static let longest: UInt64 = 10_000_000_000

  private var histogram = Histogram<UInt64>(highestTrackableValue: longest, numberOfSignificantValueDigits: .three)
  private var shortest = UInt64.max
  private var longest: UInt64 = 0

  public init() {}

  /// Counts one delay in nanoseconds.
  public mutating func record(_ nanoseconds: UInt64) {
    histogram.record(min(nanoseconds, Self.longest))
    shortest = min(shortest, nanoseconds)
    longest = max(longest, nanoseconds)
  }

  /// Counts several delays at once.
  mutating func record(_ nanoseconds: UInt64, count: UInt64) {
    histogram.record(min(nanoseconds, Self.longest), count: count)
    shortest = min(shortest, nanoseconds)
    longest = max(longest, nanoseconds)
  }

  /// The shortest and longest delay, where they are known better than from what was recorded.
  mutating func setRange(_ range: ClosedRange<UInt64>) { (shortest, longest) = (range.lowerBound, range.upperBound) }

  public mutating func add(_ other: LatencyRecorder) {
    histogram.add(other.histogram)
    shortest = min(shortest, other.shortest)
    longest = max(longest, other.longest)
  }

  public var count: UInt64 { histogram.totalCount }

  /// The value that this share of the delays, 0…100 percent, is not above.
  public func percentile(_ percent: Double) -> UInt64 { min(histogram.valueAtPercentile(percent), longest) }

  /// nil: nothing was recorded.
  public var summary: LatencySummary? {
    guard count > 0 else { return nil }
    let worst = percentile(99.9)
    return LatencySummary(
      samples: count, minimum: shortest, mean: histogram.mean, median: percentile(50), p90: percentile(90),
      p99: percentile(99), p999: worst, maximum: longest, variation: worst - min(worst, shortest))
  }
}
