import Forwarder
import PacketHeaders
import PacketSamples
import Testing
import XSKEngine

@Suite struct RateTableTests {
  static let ticks = 1e9
  static let second: UInt64 = 1_000_000_000

  func table(
    perSecond: Int, burst: Int, entries: Int = 1024, key: RateKey? = nil, now: UInt64 = 77
  ) throws -> RateTable {
    try RateTable(
      RateLimit(.packets, perSecond: perSecond, burst: burst), forEach: key ?? .source(), entries: entries,
      ticksPerSecond: Self.ticks, now: now, seed: 42)
  }

  /// A flow from an IPv4 source.
  func flow(_ source: UInt32, port: UInt16 = 1000) -> FlowKey {
    var key = FlowKey()
    key.address0 = UInt64(source.byteSwapped) | 0x0100_000A << 32
    key.identity = UInt64(port.byteSwapped) | 17 << 32 | 4 << 40
    return key
  }

  @Test func `each source has its own limit`() throws {
    var table = try table(perSecond: 10, burst: 3)
    for source in 1...20 as ClosedRange<UInt32> {
      let passed = (0..<5).map { table.take(table.hash(flow(source, port: $0)), bits: 0, now: 100) }
      #expect(passed == [1, 1, 1, 0, 0])
    }
    #expect(table.limitedPackets == 40 && table.sharedPackets == 0)
    #expect(table.take(table.hash(flow(1)), packets: 9, bits: 0, now: 100 + Self.second / 5) == 2)
  }

  @Test func `each flow has its own limit`() throws {
    var table = try table(perSecond: 10, burst: 3, key: .flow)
    for port in 1...20 as ClosedRange<UInt16> {
      #expect(table.take(table.hash(flow(1, port: port)), packets: 5, bits: 0, now: 100) == 3)
    }
  }

  @Test func `a key has the bits of its prefix and no more`() throws {
    var random = SeededGenerator(5)
    for _ in 0..<2000 {
      let (length4, length6) = (Int.random(in: 0...32, using: &random), Int.random(in: 0...128, using: &random))
      let isSource = random.once(in: 2)
      let key =
        try isSource
        ? RateKey.source(ipv4Length: length4, ipv6Length: length6)
        : RateKey.destination(ipv4Length: length4, ipv6Length: length6)
      let version = random.once(in: 2) ? 4 : 6
      let width = version == 4 ? 32 : 128
      let bit = Int.random(in: 0..<width, using: &random)
      var left = FlowKey()
      left.identity = UInt64(version) << 40 | UInt64.random(in: 0..<1 << 40, using: &random)
      left.address0 = .random(in: 0 ... .max, using: &random)
      if version == 6 {
        left.address1 = .random(in: 0 ... .max, using: &random)
        left.address2 = .random(in: 0 ... .max, using: &random)
        left.address3 = .random(in: 0 ... .max, using: &random)
      }
      var right = left
      right.identity ^= 0xFFFF
      // Bit 0 is an address' first: the top bit of its first byte.
      let place = (isSource ? 0 : width) + bit
      let change: UInt64 = (0x80 >> UInt64(place % 8)) << UInt64(place / 8 % 8 * 8)
      switch place / 64 {
      case 0: right.address0 ^= change
      case 1: right.address1 ^= change
      case 2: right.address2 ^= change
      default: right.address3 ^= change
      }
      let isSame = key.hash(left, seed: 3) == key.hash(right, seed: 3)
      #expect(isSame == (bit >= (version == 4 ? length4 : length6)), "IPv\(version) bit \(bit) of \(key)")
    }
  }

  @Test func `the table as a whole passes no more than its buckets do, whoever sends`() throws {
    for burst in [1, 4] {
      var table = try table(perSecond: 5, burst: burst)
      var random = SeededGenerator(6)
      // 200,000 packets in ten seconds, hardly two from one source.
      var passed = 0
      for number in 0..<200_000 as Range<UInt64> {
        passed += table.take(random.next(), bits: 0, now: 77 + number * 50_000)
      }
      let buckets = 1024 + 1024 / 4
      #expect(passed <= buckets * (burst + 5 * 10))
      #expect(passed >= buckets * 5 * 10 * 9 / 10, "full use of the memory there is")
      #expect(table.sharedPackets > 0 && table.limitedPackets == UInt64(200_000 - passed))
    }
  }

  @Test(arguments: [1, 5]) func `a flood of random sources does not exempt who is over the limit`(burst: Int) throws {
    var table = try table(perSecond: 10, burst: burst)
    var random = SeededGenerator(7)
    var passed = 0
    let heavy = table.hash(flow(1))
    // 1,000 packets a second of one source among 50,000 of a flood, for four seconds.
    for number in 0..<200_000 as Range<UInt64> {
      let now = 77 + number * 20_000
      if number % 50 == 0 { passed += table.take(heavy, bits: 0, now: now) }
      _ = table.take(random.next(), bits: 0, now: now)
    }
    #expect((39...40 + burst).contains(passed), "\(passed)")
  }

  @Test func `a flood of random sources does not starve who keeps to the limit`() throws {
    var table = try table(perSecond: 10, burst: 5)
    var random = SeededGenerator(8)
    let modest = table.hash(flow(1))
    var passed = table.take(modest, bits: 0, now: 77) + table.take(modest, bits: 0, now: 78)
    for number in 0..<200_000 as Range<UInt64> {
      let now = 100 + number * 20_000
      // Twice a second, and its bucket is full each time.
      if number % 25_000 == 12_500 { passed += table.take(modest, packets: 2, bits: 0, now: now) }
      _ = table.take(.random(in: 0 ... .max, using: &random), bits: 0, now: now)
    }
    #expect(passed == 2 + 8 * 2)
    #expect(table.sharedPackets > 0, "or the flood was none")
  }

  @Test func `a bucket that is full of old serves a new source with a full burst`() throws {
    var table = try table(perSecond: 10, burst: 5)
    for source in 0..<4000 as Range<UInt32> { _ = table.take(table.hash(flow(source)), packets: 5, bits: 0, now: 100) }
    let before = table.sharedPackets
    // Everybody's bucket is full half a second later, and nobody sent twice.
    let fresh = (10_000..<10_100 as Range<UInt32>).map {
      table.take(table.hash(flow($0)), packets: 9, bits: 0, now: 100 + Self.second)
    }
    #expect(fresh.allSatisfy { $0 == 5 } && table.sharedPackets == before && before > 0)
  }

  @Test func `times that wrap change nothing`() throws {
    // Both the counter's own wrap, and that of times with 8 bits behind the point.
    for start in [UInt64.max - Self.second, 1 << 56 - Self.second] {
      var table = try table(perSecond: 100, burst: 10, now: start)
      var passed = 0
      for step in 0..<4000 as Range<UInt64> {
        passed += table.take(table.hash(flow(3)), bits: 0, now: start &+ step * 1_000_000)
      }
      #expect((409...411).contains(passed))
    }
  }

  @Test(arguments: [0, 1000, 1023, 1536, 1 << 27]) func `a size out of range is refused in words`(entries: Int) throws {
    let error = #expect(throws: XSKError.self) { _ = try table(perSecond: 1, burst: 1, entries: entries) }
    #expect(
      error?.description == "rate limit with \(entries) entries: out of range; use a power of two, 1024 to 67108864, "
        + "four for each source expected within a second")
    let key = #expect(throws: XSKError.self) { try RateKey.source(ipv4Length: 33) }
    #expect(key?.description == "rate limit for each /33 of IPv4: no prefix length; use 0 to 32")
  }

  @Test func `memory is what is stated`() throws {
    #expect(try table(perSecond: 1, burst: 1, entries: 1 << 20).byteCount == 16 << 20)
    #expect(try table(perSecond: 1, burst: 1, entries: 1 << 20).entries == 1 << 20)
  }
}
