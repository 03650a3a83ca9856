import PacketSamples
import Testing

@testable import Forwarder

/// Two limits on the same packets, against two buckets by themselves.
@Suite struct PairedBucketsTests {
  /// Buckets of which each is asked before either is changed.
  struct Separate {
    var packets: TokenBucket?
    var bits: TokenBucket?

    mutating func take(_ count: Int, bits size: Int, now: UInt64) -> (passed: Int, withinPackets: Int) {
      var (first, second) = (packets, bits)
      let within = first?.take(packets: count, bits: size, now: now) ?? count
      guard within > 0 else { return (0, 0) }
      // A share of the bits for each of those that are left.
      let passed = second?.take(packets: within, bits: size / count * within, now: now) ?? within
      guard passed > 0 else { return (0, within) }
      if passed < within { first = packets.map { Self.taken($0, passed, now) } }
      (packets, bits) = (first, second)
      return (passed, within)
    }

    private static func taken(_ bucket: TokenBucket, _ count: Int, _ now: UInt64) -> TokenBucket {
      var bucket = bucket
      _ = bucket.take(packets: count, bits: 0, now: now)
      return bucket
    }
  }

  static let limits: [(packets: Int?, packetBurst: Int, bits: Int?, bitBurst: Int)] = [
    (1000, 10, 1_000_000, 12_144), (1000, 100, nil, 0), (nil, 0, 5_000_000, 20_000), (1, 1, 1000, 12_144),
    (1_000_000_000, 100_000_000, 400_000_000_000, 524_288), (7, 3, 400_000_000_000, 12_144),
    (100_000_000, 64, 3_000_000, 80_000), (nil, 0, nil, 0),
  ]

  @Test(arguments: limits, TokenBucketTests.clocks)
  func `a packet takes from both or from neither, and as much as from each by itself`(
    limits: (packets: Int?, packetBurst: Int, bits: Int?, bitBurst: Int), clock: (Double, UInt64)
  ) throws {
    let packets = try limits.packets.map { try RateLimit(.packets, perSecond: $0, burst: limits.packetBurst) }
    let bits = try limits.bits.map { try RateLimit(.bits, perSecond: $0, burst: limits.bitBurst) }
    var pair = PairedBuckets(packets: packets, bits: bits, ticksPerSecond: clock.0, now: clock.1)
    func bucket(_ limit: RateLimit?) -> TokenBucket? {
      limit.map { TokenBucket(TokenRate($0, ticksPerSecond: clock.0), now: clock.1) }
    }
    var separate = Separate(packets: bucket(packets), bits: bucket(bits))
    var random = SeededGenerator(UInt64(limits.packetBurst + limits.bitBurst))
    var (now, passed, refused) = (clock.1, 0, 0)
    var wrong: [Int] = []
    for round in 0..<4000 {
      // Packets come together, after short pauses, and now and then after a long one.
      if !random.once(in: 3) { now &+= UInt64.random(in: 0...(round % 100 == 0 ? 1 << 32 : 1 << 20), using: &random) }
      let count = random.once(in: 4) ? Int.random(in: 2...40, using: &random) : 1
      let size = Int.random(in: 60...1514, using: &random) * 8
      let wanted = separate.take(count, bits: size * count, now: now)
      if count == 1, pair.takeOne(bits: size, now: now) {
        if wanted.passed != 1 { wrong.append(round) }
      } else {
        let outcome = pair.take(packets: count, bits: size * count, now: now)
        if outcome.passed != wanted.passed || outcome.withinPackets != wanted.withinPackets { wrong.append(round) }
      }
      (passed, refused) = (passed + wanted.passed, refused + count - wanted.passed)
    }
    #expect(wrong.isEmpty, "rounds")
    #expect(passed > 0 && (refused > 0 || limits.packets == nil && limits.bits == nil || limits.packetBurst > 1 << 20))
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
        if pair.takeOne(bits: 8000, now: now) { return passed + 1 }
        return passed + pair.take(packets: 1, bits: 8000, now: now).passed
      }
      #expect(abs(passed - (expected * seconds + 10)) <= 2, "\(passed) of \(expected * seconds + 10)")
    }
  }

  @Test func `a packet that is larger than a burst passes when all of it is there, and counts in full`() throws {
    let bits = try RateLimit(.bits, perSecond: 1_000_000, burst: 12_144)
    var pair = PairedBuckets(packets: nil, bits: bits, ticksPerSecond: 1e9, now: 0)
    func passes(_ bits: Int, _ now: UInt64) -> Bool {
      pair.takeOne(bits: bits, now: now) || pair.take(packets: 1, bits: bits, now: now).passed == 1
    }
    #expect(passes(100_000, 0))
    // A tenth of a second until it is paid for.
    #expect(!passes(512, 87_000_000))
    #expect(passes(512, 89_000_000))
  }
}
