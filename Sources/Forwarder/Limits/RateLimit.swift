public import XSKEngine

/// A limit as an operator states it: so many packets or bits a second, and a burst.
///
/// Over any time *t* at most `burst + perSecond × t` pass, exact to 3 % at the highest rates with the slowest clocks, and to
/// far less otherwise. A worker limits what it sees itself; see `divided(among:)`.
public struct RateLimit: Hashable, Sendable {
  public enum Unit: String, Hashable, Sendable {
    case packets
    /// Of whole frames as they are in memory: without preamble, checksum and gap of Ethernet.
    case bits
  }

  public let unit: Unit
  /// 1…10⁹ packets or 1,000…4 × 10¹¹ bits a second.
  public let perSecond: Int
  /// What may pass at once after a pause: 1 packet or 12,144 bits (1,518 bytes) at least, a day's worth at most.
  ///
  /// A packet larger than the burst passes when the whole burst is there, and its size counts in full. The packets of one
  /// burst of the worker's have the same time, so a limit with less burst than a worker takes in at once passes less than its
  /// rate.
  public let burst: Int

  /// - Parameter burst: nil: a tenth of a second's worth, and no less than one packet or 524,288 bits.
  /// - Throws: numbers out of range.
  public init(_ unit: Unit, perSecond: Int, burst: Int? = nil) throws(XSKError) {
    let range = Self.rates(unit)
    guard range.contains(perSecond) else {
      throw XSKError(
        "rate limit of \(perSecond) \(unit) a second", "out of range",
        remedy: "use \(range.lowerBound) to \(range.upperBound)")
    }
    let bursts = Self.smallestBurst(unit)...perSecond * 86_400
    let burst = burst ?? max(perSecond / 10, unit == .packets ? 1 : 524_288)
    guard bursts.contains(burst) else {
      throw XSKError(
        "rate limit of \(perSecond) \(unit) a second", "burst of \(burst) \(unit) out of range",
        remedy: "use \(bursts.lowerBound) to \(bursts.upperBound)")
    }
    self.unit = unit
    self.perSecond = perSecond
    self.burst = burst
  }

  private static func rates(_ unit: Unit) -> ClosedRange<Int> {
    unit == .packets ? 1...1_000_000_000 : 1000...400_000_000_000
  }

  private static func smallestBurst(_ unit: Unit) -> Int { unit == .packets ? 1 : 12_144 }

  /// Each worker's share: rate and burst divided, rounded up, and not below the smallest.
  ///
  /// For limits on all packets of a rule, which NICs spread over the workers. A limit for each flow needs no dividing: a flow
  /// stays on one queue. A limit for each source is either divided, and a source whose flows all come in on one queue gets
  /// its share only; or not, and a source gets up to the limit on each worker.
  public func divided(among workers: Int) -> RateLimit {
    precondition(workers > 0)
    let rate = max((perSecond + workers - 1) / workers, Self.rates(unit).lowerBound)
    let burst = max((self.burst + workers - 1) / workers, Self.smallestBurst(unit))
    return RateLimit(unit: unit, perSecond: rate, burst: burst)
  }

  private init(unit: Unit, perSecond: Int, burst: Int) {
    self.unit = unit
    self.perSecond = perSecond
    self.burst = burst
  }
}
