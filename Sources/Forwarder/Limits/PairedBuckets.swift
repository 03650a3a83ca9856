import XSKEngine

/// A limit in packets and one in bits for the same packets. A packet passes if both buckets have room for it, and takes tokens from
/// both or from neither.
///
/// Each is what a `TokenBucket` is, to the tick, but kept the other way round: not as the time at which it will be full, but as the
/// time that is left of a burst's, and when that was. So packets that have the time of the one before, as all of a worker's burst
/// have, are asked for two subtractions. A limit that is not there always has room.
struct PairedBuckets: BitwiseCopyable, Sendable {
  /// When tokens were added last, in ticks.
  private var time: UInt64
  /// What may pass then, in 256ths of a tick. Less than 0: a packet larger than a burst is still to be paid for.
  private var packetsLeft: Int64
  private var bitsLeft: Int64
  /// The time of a packet, and of a whole burst of them.
  private let packetTime: Int64
  private let packetDepth: Int64
  /// As in `TokenRate`.
  private let ticksPerBit: UInt64
  private let bitDepth: Int64

  /// What became of packets.
  struct Outcome: Equatable {
    /// The first ones that pass.
    var passed: Int
    /// What all others are beyond, as each by itself would be: the limit in bits, or else that in packets, which is asked first.
    var isBeyondBits: Bool
  }

  /// Far more than any time, and far from an overflow.
  private static var endless: Int64 { 1 << 60 }

  /// Full buckets.
  ///
  /// - Parameters:
  ///   - packets, bits: limits in these units; nil: none.
  ///   - ticksPerSecond, now: of the clock that will be passed, as for `TokenRate`.
  init(packets: RateLimit?, bits: RateLimit?, ticksPerSecond: Double, now: UInt64) {
    let packets = packets.map { TokenRate($0, ticksPerSecond: ticksPerSecond) }
    let bits = bits.map { TokenRate($0, ticksPerSecond: ticksPerSecond) }
    time = now
    packetTime = packets.map { max(1, Int64(TokenRate.time(1, $0.ticksPerUnit))) } ?? 0
    packetDepth = packets.map { Int64($0.depth) } ?? Self.endless
    ticksPerBit = bits?.ticksPerUnit ?? 0
    bitDepth = bits.map { Int64($0.depth) } ?? Self.endless
    (packetsLeft, bitsLeft) = (packetDepth, bitDepth)
  }

  /// Neither limit.
  init() { self.init(packets: nil, bits: nil, ticksPerSecond: 1e9, now: 0) }

  /// Takes the tokens of one packet, if it is no larger than a burst and both buckets have room.
  ///
  /// - Returns: false: `take` has to be asked. Nothing has been taken then.
  @inline(__always)
  mutating func takeOne(bytes: Int, now: UInt64) -> Bool {
    if now != time { refill(now) }
    let packets = packetsLeft &- packetTime
    let bits = bitsLeft &- cost(bytes)
    guard packets | bits >= 0 else { return false }
    (packetsLeft, bitsLeft) = (packets, bits)
    return true
  }

  /// Takes the tokens of a unit's packets, of as many as both buckets have: each as if it had come by itself, but that a shorter last
  /// one does not pass where one ahead of it doesn't.
  ///
  /// - Parameters:
  ///   - packets: of the unit, 1…1,024.
  ///   - bytes: of all of them together.
  ///   - first: bytes of each but the last, which has the rest.
  ///   - now: in ticks.
  @inline(never)
  mutating func take(packets: Int, bytes: Int, first: Int, now: UInt64) -> Outcome {
    if now != time { refill(now) }
    let each = cost(first)
    let (count, behind) = (Int64(packets), Int64(packets &- 1))
    // Packets of 64 KiB at 1,000 bits a second and 10¹¹ ticks are less than 2⁶⁴ together.
    let all = UInt64(each) &* UInt64(behind) &+ UInt64(cost(max(0, bytes &- first &* Int(behind))))
    let withinBits = bitsLeft >= 0 && all <= UInt64(bitsLeft) ? count : conformingBits(each, behind)
    let withinPackets = packetTime == 0 ? count : min(count, packetsLeft / packetTime)
    let passed = min(withinPackets, withinBits)
    packetsLeft &-= packetTime &* passed
    bitsLeft &-= passed == count && bitsLeft >= 0 && all <= UInt64(bitsLeft) ? Int64(all) : each &* passed
    return Outcome(passed: Int(passed), isBeyondBits: withinBits < withinPackets)
  }

  /// Of packets that are too many in bits, those for which there is room: a single one that is larger than a burst if all of that
  /// is there.
  private func conformingBits(_ each: Int64, _ behind: Int64) -> Int64 {
    if each > bitDepth { return bitsLeft == bitDepth ? 1 : 0 }
    return bitsLeft < 0 ? 0 : min(behind, bitsLeft / each)
  }

  /// Adds the tokens of the time that has passed. Where the clock goes back none has.
  @inline(__always)
  private mutating func refill(_ now: UInt64) {
    let passed = Int64(bitPattern: now &- time)
    // No bucket takes longer than 2⁵⁴ ticks.
    let gained = max(0, min(passed, 1 << 54)) &<< 8
    time = now
    packetsLeft = min(packetDepth, packetsLeft &+ gained)
    bitsLeft = min(bitDepth, bitsLeft &+ gained)
  }

  /// The time of a packet.
  @inline(__always)
  private func cost(_ bytes: Int) -> Int64 {
    Int64(bitPattern: max(1, TokenRate.time(bytes: UInt64(truncatingIfNeeded: bytes), ticksPerBit)))
  }

  /// Takes over what another pair has left of the same limit, in packets or in bits.
  mutating func inherit(packets isPackets: Bool, from past: PairedBuckets) {
    var past = past
    // A pair that was just made has its maker's time, and is full at any. Otherwise both count from the later one on.
    if packetsLeft == packetDepth && bitsLeft == bitDepth {
      time = past.time
    } else if Int64(bitPattern: past.time &- time) > 0 {
      refill(past.time)
    } else {
      past.refill(time)
    }
    if isPackets { packetsLeft = past.packetsLeft } else { bitsLeft = past.bitsLeft }
  }
}
