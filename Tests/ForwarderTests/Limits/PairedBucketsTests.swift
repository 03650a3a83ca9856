import PacketSamples
import Testing

@testable import Forwarder

/// Two limits on the same packets, against two buckets by themselves that packets come to one by one.
@Suite struct PairedBucketsTests {
  /// Buckets of which each is asked before either is changed: that of packets first.
  struct OneByOne {
    enum Answer { case passed, isBeyondPackets, isBeyondBits }

    var packets: TokenBucket?
    var bits: TokenBucket?

    mutating func take(bytes: Int, now: UInt64) -> Answer {
      var (first, second) = (packets, bits)
      guard first?.take(bits: bytes * 8, now: now) ?? 1 == 1 else { return .isBeyondPackets }
      guard second?.take(bits: bytes * 8, now: now) ?? 1 == 1 else { return .isBeyondBits }
      (packets, bits) = (first, second)
      return .passed
    }

    /// What a unit is to get: its packets up to the first that is refused, and why that one is. Where all have one size those behind
    /// it are refused for the same reason.
    mutating func take(_ count: Int, first: Int, last: Int, now: UInt64) -> (passed: Int, refusals: Set<Answer>) {
      var (passed, refusals) = (0, Set<Answer>())
      for number in 0..<count {
        let bytes = number == count - 1 ? last : first
        // One that is shorter does not overtake.
        if !refusals.isEmpty && bytes < first { break }
        let answer = take(bytes: bytes, now: now)
        if answer == .passed { passed += 1 } else { refusals.insert(answer) }
      }
      return (passed, refusals)
    }
  }

  static let limits: [(packets: Int?, packetBurst: Int, bits: Int?, bitBurst: Int)] = [
    (1000, 10, 1_000_000, 12_144), (1000, 100, nil, 0), (nil, 0, 5_000_000, 20_000), (1, 1, 1000, 12_144),
    (1_000_000_000, 100_000_000, 400_000_000_000, 524_288), (7, 3, 400_000_000_000, 12_144),
    (100_000_000, 64, 3_000_000, 80_000), (nil, 0, nil, 0),
  ]

  @Test(arguments: limits, TokenBucketTests.clocks)
  func `a unit's packets pass, and are refused for the reasons, as one by one`(
    limits: (packets: Int?, packetBurst: Int, bits: Int?, bitBurst: Int), clock: (Double, UInt64)
  ) throws {
    let packets = try limits.packets.map { try RateLimit(.packets, perSecond: $0, burst: limits.packetBurst) }
    let bits = try limits.bits.map { try RateLimit(.bits, perSecond: $0, burst: limits.bitBurst) }
    var pair = PairedBuckets(packets: packets, bits: bits, ticksPerSecond: clock.0, now: clock.1)
    func bucket(_ limit: RateLimit?) -> TokenBucket? {
      limit.map { TokenBucket(TokenRate($0, ticksPerSecond: clock.0), now: clock.1) }
    }
    var separate = OneByOne(packets: bucket(packets), bits: bucket(bits))
    var random = SeededGenerator(UInt64(limits.packetBurst + limits.bitBurst))
    var (now, passed, refused) = (clock.1, 0, 0)
    var wrong: [Int] = []
    for round in 0..<4000 {
      // Packets come together, after short pauses, and now and then after a long one.
      if !random.once(in: 3) { now &+= UInt64.random(in: 0...(round % 100 == 0 ? 1 << 32 : 1 << 20), using: &random) }
      let count = random.once(in: 4) ? Int.random(in: 2...40, using: &random) : 1
      // Now and then larger than a burst.
      let size = Int.random(in: 60...(random.once(in: 50) ? 9000 : 1514), using: &random)
      let last = count == 1 || random.once(in: 2) ? size : Int.random(in: 60...size, using: &random)
      let wanted = separate.take(count, first: size, last: last, now: now)
      if count == 1, pair.takeOne(bytes: size, now: now) {
        if wanted.passed != 1 { wrong.append(round) }
      } else {
        let outcome = pair.take(packets: count, bytes: size * (count - 1) + last, first: size, now: now)
        let reason = outcome.isBeyondBits ? OneByOne.Answer.isBeyondBits : .isBeyondPackets
        if outcome.passed != wanted.passed || wanted.refusals != (outcome.passed < count ? [reason] : []) {
          wrong.append(round)
        }
      }
      (passed, refused) = (passed + wanted.passed, refused + count - wanted.passed)
    }
    #expect(wrong.isEmpty, "rounds")
    #expect(passed > 0 && (refused > 0 || limits.packets == nil && limits.bits == nil || limits.packetBurst > 1 << 20))
  }

  @Test func `the limit in packets is asked first, and neither is charged for what the other refuses`() throws {
    let packets = try RateLimit(.packets, perSecond: 1, burst: 8)
    // Five of 1,000 bytes.
    let bits = try RateLimit(.bits, perSecond: 1000, burst: 40_000)
    var pair = PairedBuckets(packets: packets, bits: bits, ticksPerSecond: 1e9, now: 0)
    #expect(pair.take(packets: 20, bytes: 20_000, first: 1000, now: 0) == .init(passed: 5, isBeyondBits: true))
    // Three packets are left, and a fourth and 1,000 bits come in a second.
    let now: UInt64 = 1_000_000_000
    #expect(pair.take(packets: 3, bytes: 123, first: 41, now: now) == .init(passed: 3, isBeyondBits: false))
    #expect(pair.take(packets: 1, bytes: 1000, first: 1000, now: now) == .init(passed: 0, isBeyondBits: true))
    #expect(pair.takeOne(bytes: 1, now: now) && !pair.takeOne(bytes: 1, now: now))
    #expect(pair.take(packets: 3, bytes: 3000, first: 1000, now: now) == .init(passed: 0, isBeyondBits: false))
  }

  @Test func `a clock that goes back adds nothing, and goes on from there`() throws {
    let limit = try RateLimit(.packets, perSecond: 1, burst: 3)
    var pair = PairedBuckets(packets: limit, bits: nil, ticksPerSecond: 1e9, now: 5_000_000_000)
    func passes(_ now: UInt64) -> Bool { pair.takeOne(bytes: 60, now: now) }
    #expect(passes(1_000_000_000) && passes(1_000_000_000) && passes(1_000_000_000) && !passes(1_000_000_000))
    #expect(!passes(1_900_000_000) && passes(2_000_000_000) && !passes(2_000_000_000))
    // However long it has been.
    #expect(passes(1 << 62) && passes(1 << 62) && passes(1 << 62) && !passes(1 << 62))
  }

  @Test func `an heir has what is left of either limit, whenever it was made`() throws {
    let packets = try RateLimit(.packets, perSecond: 1, burst: 10)
    let bits = try RateLimit(.bits, perSecond: 8000, burst: 80_000)
    func pair(_ now: UInt64) -> PairedBuckets {
      PairedBuckets(packets: packets, bits: bits, ticksPerSecond: 1e9, now: now)
    }
    func left(_ pair: PairedBuckets, _ bytes: Int, _ now: UInt64) -> Int {
      var pair = pair
      return pair.take(packets: 100, bytes: bytes * 100, first: bytes, now: now).passed
    }
    var (first, second) = (pair(0), pair(0))
    #expect(first.take(packets: 6, bytes: 360, first: 60, now: 1_000_000_000).passed == 6)
    #expect(second.take(packets: 1, bytes: 9000, first: 9000, now: 2_000_000_000).passed == 1)
    for made in [0, 3_000_000_000, 1 << 40] as [UInt64] {
      var heir = pair(made)
      heir.inherit(packets: true, from: first)
      #expect(left(heir, 1, 1_000_000_000) == 4 && left(heir, 9000, 1_000_000_000) == 1)
      heir.inherit(packets: false, from: second)
      // A packet has come in the second between them.
      #expect(left(heir, 1, 2_000_000_000) == 5 && left(heir, 500, 2_000_000_000) == 2)
      var other = pair(made)
      other.inherit(packets: false, from: second)
      other.inherit(packets: true, from: first)
      #expect(left(other, 1, 2_000_000_000) == 5 && left(other, 500, 2_000_000_000) == 2)
    }
  }

  @Test(arguments: TokenBucketTests.clocks)
  func `over a long time both limits hold to the packet, without drift`(clock: (Double, UInt64)) throws {
    // Packets of 1,000 bytes: the limit in bits is 1,000 of them a second.
    for (rate, expected) in [(700, 700), (3000, 1000)] {
      let packets = try RateLimit(.packets, perSecond: rate, burst: 10)
      let bits = try RateLimit(.bits, perSecond: 8_000_000, burst: 80_000)
      var pair = PairedBuckets(packets: packets, bits: bits, ticksPerSecond: clock.0, now: clock.1)
      let seconds = 20
      let offered = 5000 * seconds
      let passed = (0..<offered).reduce(0) { passed, number in
        let now = clock.1 &+ UInt64(clock.0 * Double(seconds) / Double(offered) * Double(number))
        if pair.takeOne(bytes: 1000, now: now) { return passed + 1 }
        return passed + pair.take(packets: 1, bytes: 1000, first: 1000, now: now).passed
      }
      #expect(abs(passed - (expected * seconds + 10)) <= 2, "\(passed) of \(expected * seconds + 10)")
    }
  }

  @Test func `a packet that is larger than a burst passes when all of it is there, and counts in full`() throws {
    let bits = try RateLimit(.bits, perSecond: 1_000_000, burst: 12_144)
    var pair = PairedBuckets(packets: nil, bits: bits, ticksPerSecond: 1e9, now: 0)
    func passes(_ bytes: Int, _ now: UInt64) -> Bool {
      pair.takeOne(bytes: bytes, now: now) || pair.take(packets: 1, bytes: bytes, first: bytes, now: now).passed == 1
    }
    #expect(passes(12_500, 0))
    // A tenth of a second until it is paid for.
    #expect(!passes(64, 87_000_000))
    #expect(passes(64, 89_000_000))
  }
}
