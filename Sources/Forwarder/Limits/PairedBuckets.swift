import XSKEngine

/// A limit in packets and one in bits for the same packets, in the 64 bytes of a cache line. A packet passes if both buckets
/// have room for it, and takes tokens from both or from neither.
///
/// Each is what a `TokenBucket` is: the time at which it will be full. A limit that is not there always has room.
struct PairedBuckets: BitwiseCopyable, Sendable {
  var packetsFull: UInt64
  var bitsFull: UInt64
  /// The time of a packet, and of a whole burst of them: as far ahead as `packetsFull` can be.
  private let packetTime: UInt64
  private let packetDepth: UInt64
  /// As in `TokenRate`.
  private let ticksPerBit: UInt64
  private let bitDepth: UInt64
  private let bitFurthest: UInt64
  private let unused: UInt64 = 0

  /// What became of packets.
  struct Outcome {
    /// The first ones that pass, and those that the limit in packets alone would have let pass.
    var passed, withinPackets: Int
  }

  /// Far more than any time, and far from wrapping.
  private static var endless: UInt64 { 1 << 60 }

  /// Full buckets.
  ///
  /// - Parameters:
  ///   - packets, bits: limits in these units; nil: none.
  ///   - ticksPerSecond, now: of the clock that will be passed, as for `TokenRate`.
  init(packets: RateLimit?, bits: RateLimit?, ticksPerSecond: Double, now: UInt64) {
    (packetsFull, bitsFull) = (TokenRate.time(now), TokenRate.time(now))
    let packets = packets.map { TokenRate($0, ticksPerSecond: ticksPerSecond) }
    let bits = bits.map { TokenRate($0, ticksPerSecond: ticksPerSecond) }
    packetTime = packets.map { max(1, TokenRate.time(1, $0.ticksPerUnit)) } ?? 0
    packetDepth = packets?.depth ?? Self.endless
    ticksPerBit = bits?.ticksPerUnit ?? 0
    bitDepth = bits?.depth ?? Self.endless
    bitFurthest = bits?.furthest ?? Self.endless
  }

  /// Takes the tokens of one packet, if it is no larger than a burst and both buckets have room.
  ///
  /// - Returns: false: `take` has to be asked. Nothing has changed then.
  @inline(__always)
  mutating func takeOne(bits: Int, now: UInt64) -> Bool {
    let time = TokenRate.time(now)
    let ahead = (packets: packetsAhead(time), bits: bitsAhead(time))
    let packetsNext = ahead.packets &+ packetTime
    let bitsNext = ahead.bits &+ max(1, TokenRate.time(UInt64(truncatingIfNeeded: bits), ticksPerBit))
    guard packetsNext <= packetDepth, bitsNext <= bitDepth else { return false }
    packetsFull = time &+ packetsNext
    bitsFull = time &+ bitsNext
    return true
  }

  /// Takes packets' tokens, as many packets' as both buckets have.
  ///
  /// - Parameters:
  ///   - packets: of a unit, 1 or more.
  ///   - bits: of all of them together; each counts an equal share.
  ///   - now: in ticks.
  @inline(never)
  mutating func take(packets: Int, bits: Int, now: UInt64) -> Outcome {
    let time = TokenRate.time(now)
    let ahead = (packets: packetsAhead(time), bits: bitsAhead(time))
    let bitTime = min(
      max(1, TokenRate.time(UInt64(truncatingIfNeeded: packets == 1 ? bits : bits / packets), ticksPerBit)), bitFurthest
    )
    let withinPackets = TokenRate.conforming(packets, packetTime, packetDepth &- ahead.packets, depth: packetDepth)
    guard withinPackets > 0 else { return Outcome(passed: 0, withinPackets: 0) }
    // A packet larger than a burst may leave the bucket in debt.
    let room = bitDepth > ahead.bits ? bitDepth &- ahead.bits : 0
    let passed = TokenRate.conforming(withinPackets, bitTime, room, depth: bitDepth)
    if passed > 0 {
      packetsFull = time &+ ahead.packets &+ packetTime &* UInt64(truncatingIfNeeded: passed)
      bitsFull = time &+ ahead.bits &+ bitTime &* UInt64(truncatingIfNeeded: passed)
    }
    return Outcome(passed: passed, withinPackets: withinPackets)
  }

  /// How far ahead of `time` the buckets are; 0 for full ones.
  @inline(__always) private func packetsAhead(_ time: UInt64) -> UInt64 {
    let ahead = packetsFull &- time
    return ahead > packetDepth ? 0 : ahead
  }

  @inline(__always) private func bitsAhead(_ time: UInt64) -> UInt64 {
    let ahead = bitsFull &- time
    return ahead > bitFurthest ? 0 : ahead
  }
}
