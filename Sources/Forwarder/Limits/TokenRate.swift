/// A limit in a clock's ticks, and the arithmetic of token buckets with it.
///
/// A bucket is one number: the time at which it will be full (the virtual scheduling of GCRA, ITU-T I.371). A packet takes
/// the time that it stands for, by moving that time on; it conforms if the bucket is full no later than a burst's time from
/// now.
///
///     ───────┬───────────────┬─────────────┬─────► time
///           now            full      now + depth         tokens left = (now + depth − full) ÷ time of a token
///
/// Times have 8 bits behind the point, and wrap after 2⁵⁶ ticks: 278 days at 3 GHz. A time that no bucket can have (in the
/// past, or further ahead than a whole burst) means a full one. So a bucket that was left alone for 278 days minus up to a
/// burst's time is once taken for one in use; it refills at its rate, as any other.
@frozen public struct TokenRate: Sendable {
  /// Ticks that a packet or a bit stands for, with 24 bits behind the point.
  @usableFromInline let ticksPerUnit: UInt64
  /// The time of a whole burst.
  @usableFromInline let depth: UInt64
  /// How far ahead `full` can be.
  @usableFromInline let furthest: UInt64
  @usableFromInline let countsBits: Bool

  /// - Parameter ticksPerSecond: of the clock that is passed as `now`: 10⁶…10¹¹ (`TimestampClock.shared`'s, or `Burst.now`'s
  ///   as that is the same).
  public init(_ limit: RateLimit, ticksPerSecond: Double) {
    precondition((1e6...1e11).contains(ticksPerSecond))
    let ticks = ticksPerSecond / Double(limit.perSecond)
    ticksPerUnit = max(1, UInt64((ticks * 16_777_216).rounded()))
    countsBits = limit.unit == .bits
    // As many packets as the burst has pass at once: whole packets' times, each to the nearest.
    let packet = max(1, Self.time(1, ticksPerUnit))
    let bits = max(1, Self.time(UInt64(limit.burst), ticksPerUnit))
    depth = countsBits ? bits : packet &* UInt64(limit.burst)
    furthest = max(depth, countsBits ? Self.time(524_288, ticksPerUnit) : 1)
  }

  /// The time that so many packets or bits stand for.
  @inlinable @inline(always) static func time(_ units: UInt64, _ ticksPerUnit: UInt64) -> UInt64 {
    let product = units.multipliedFullWidth(by: ticksPerUnit)
    // To the nearest: at high rates a packet is a few 256ths of a tick.
    return (product.high &<< 48 | product.low &>> 16) &+ product.low &>> 15 & 1
  }

  /// The same of bytes, where a bit stands for so many ticks: 3 bits more are behind the point.
  @inline(__always) static func time(bytes: UInt64, _ ticksPerBit: UInt64) -> UInt64 {
    let product = bytes.multipliedFullWidth(by: ticksPerBit)
    return (product.high &<< 51 | product.low &>> 13) &+ product.low &>> 12 & 1
  }

  @inlinable @inline(always) static func time(_ now: UInt64) -> UInt64 { now &<< 8 }

  /// How far ahead of `time` a bucket's `full` is; 0 for a full one.
  @inlinable @inline(always) func ahead(_ full: UInt64, _ time: UInt64) -> UInt64 {
    let ahead = full &- time
    return ahead > furthest ? 0 : ahead
  }

  /// Takes packets' tokens out of a bucket, as many packets' as it has.
  ///
  /// - Parameters:
  ///   - packets: 1 or more; of several each counts an equal share of `bits`.
  ///   - now: in ticks.
  /// - Returns: how many of the packets conform: the first ones.
  @inlinable @inline(always)
  func take(_ full: inout UInt64, packets: Int, bits: Int, now: UInt64) -> Int {
    let time = Self.time(now)
    let ahead = ahead(full, time)
    let units = countsBits ? (packets == 1 ? bits : bits / packets) : 1
    let cost = min(max(1, Self.time(UInt64(truncatingIfNeeded: units), ticksPerUnit)), furthest)
    // A packet larger than a burst may leave the bucket in debt.
    let room = depth > ahead ? depth &- ahead : 0
    if packets == 1 {
      guard min(cost, depth) <= room else { return 0 }
      full = time &+ ahead &+ cost
      return 1
    }
    let conforming = Self.conforming(packets, cost, room, depth: depth)
    if conforming > 0 { full = time &+ ahead &+ cost &* UInt64(conforming) }
    return conforming
  }

  /// How many of some packets there is room for. One that costs more than a burst passes when the whole burst is there.
  @inlinable @inline(never)
  static func conforming(_ packets: Int, _ cost: UInt64, _ room: UInt64, depth: UInt64) -> Int {
    if cost > depth { return room == depth ? 1 : 0 }
    let wanted = UInt64(packets).multipliedReportingOverflow(by: cost)
    if !wanted.overflow && wanted.partialValue <= room { return packets }
    return Int(room / cost)
  }
}

/// A bucket of its own: for a rule's limit on all of its packets.
@frozen public struct TokenBucket: Sendable {
  public let rate: TokenRate
  @usableFromInline var full: UInt64

  /// A full bucket.
  ///
  /// - Parameter now: ticks of the clock that the rate was made for.
  public init(_ rate: TokenRate, now: UInt64) {
    self.rate = rate
    full = TokenRate.time(now)
  }

  /// Takes packets' tokens, as many packets' as there are tokens for.
  ///
  /// - Parameters:
  ///   - packets: of a unit, 1 or more.
  ///   - bits: of all of them together; each counts an equal share. Not looked at by a limit in packets.
  ///   - now: in ticks.
  /// - Returns: how many of the packets conform: the first ones.
  @inlinable @inline(always)
  public mutating func take(packets: Int = 1, bits: Int, now: UInt64) -> Int {
    rate.take(&full, packets: packets, bits: bits, now: now)
  }
}
