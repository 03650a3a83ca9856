import Forwarder
import PacketSamples
import Testing
import XSKEngine

@Suite struct RouteTableTests {
  func batch4(_ table: IPv4RouteTable, _ addresses: [UInt32]) -> [UInt32] {
    var values = [UInt32](repeating: 7, count: addresses.count)
    var span = values.mutableSpan
    // Safe: the table outlives the call.
    withExtendedLifetime(table) { unsafe table.view.lookup(addresses.span, into: &span) }
    return values
  }

  func batch6(_ table: IPv6RouteTable, _ addresses: [UInt128]) -> [UInt32] {
    var values = [UInt32](repeating: 7, count: addresses.count)
    var span = values.mutableSpan
    // Safe: the table outlives the call.
    withExtendedLifetime(table) { unsafe table.view.lookup(addresses.span, into: &span) }
    return values
  }

  @Test(arguments: [
    (1, 0...32, 1), (30, 0...32, 2), (300, 0...32, 3), (300, 24...32, 4), (300, 8...24, 5), (500, 0...32, 6),
  ])
  func `IPv4 lookups answer as a search through all routes does`(
    count: Int, lengths: ClosedRange<Int>, seed: UInt64
  ) throws {
    var random = SeededGenerator(seed)
    var naive = NaiveTable<UInt32>()
    naive.routes = randomPrefixes(count, lengths: lengths, &random).map { ($0, .random(in: 0...9, using: &random)) }
    let table = try IPv4RouteTable(naive.list)
    let probes = naive.probes(&random)
    let expected = probes.map(naive.lookup)
    #expect(differences(probes, probes.map { table.lookup($0) ?? .max }, expected) == [])
    #expect(differences(probes, batch4(table, probes), expected) == [])
    #expect(table.routeCount == count)
  }

  @Test(arguments: [
    (1, 0...128, 1), (30, 0...128, 2), (300, 0...128, 3), (300, 60...70, 4), (300, 120...128, 5), (500, 0...128, 6),
    (500, 40...48, 7),
  ])
  func `IPv6 lookups answer as a search through all routes does`(
    count: Int, lengths: ClosedRange<Int>, seed: UInt64
  ) throws {
    var random = SeededGenerator(seed)
    var naive = NaiveTable<UInt128>()
    naive.routes = randomPrefixes(count, lengths: lengths, &random).map { ($0, .random(in: 0...9, using: &random)) }
    let table = try IPv6RouteTable(naive.list)
    let probes = naive.probes(&random)
    let expected = probes.map(naive.lookup)
    #expect(differences(probes, probes.map { table.lookup($0) ?? .max }, expected) == [])
    #expect(differences(probes, batch6(table, probes), expected) == [])
    #expect(table.routeCount == count)
  }

  /// Where tables stand ahead of the trees: in the first half of addresses, in the second, at both ends of all.
  @Test(arguments: [
    ("2a02::", 16), ("2001:db8::", 32), ("2001:db8:1:2::", 64), ("::", 64), ("ffff:ffff:ffff:ffff::", 64),
  ])
  func `IPv6 routes that crowd in one network are found too`(network: String, length: Int) throws {
    var random = SeededGenerator(UInt64(length))
    let first = try #require(UInt128(addressText: network))
    let hostBits = ~UInt128(0) >> UInt128(length)
    var naive = NaiveTable<UInt128>()
    var known: Set<IPv6Prefix> = []
    while naive.routes.count < 400 {
      let address = first | UInt128.random(in: 0 ... .max, using: &random) & hostBits
      let prefix = IPv6Prefix(masking: address, length: .random(in: length...min(128, length + 60), using: &random))
      if known.insert(prefix).inserted { naive.routes.append((prefix, .random(in: 0...9, using: &random))) }
    }
    let table = try IPv6RouteTable(naive.list)
    let probes = naive.probes(&random) + [first, first | hostBits, first &- 1, (first | hostBits) &+ 1]
    let expected = probes.map(naive.lookup)
    #expect(differences(probes, probes.map { table.lookup($0) ?? .max }, expected) == [])
    #expect(differences(probes, batch6(table, probes), expected) == [])
  }

  @Test(arguments: 0...32) func `every length of IPv4 prefix ends where it should`(length: Int) throws {
    let prefix = IPv4Prefix(masking: 0xC0A8_5A5A, length: length)
    var naive = NaiveTable<UInt32>()
    naive.routes = [(prefix, 5)]
    let table = try IPv4RouteTable(naive.list)
    for address in [0, .max, prefix.address, prefix.last, prefix.address &- 1, prefix.last &+ 1] {
      #expect(table.lookup(address) ?? .max == naive.lookup(address), "\(address.addressText)")
    }
  }

  @Test(arguments: 0...128) func `every length of IPv6 prefix ends where it should`(length: Int) throws {
    let address = try #require(UInt128(addressText: "2001:db8:5a5a:5a5a:5a5a:5a5a:5a5a:5a5a"))
    let prefix = IPv6Prefix(masking: address, length: length)
    var naive = NaiveTable<UInt128>()
    naive.routes = [(prefix, 5)]
    let table = try IPv6RouteTable(naive.list)
    for address in [0, .max, prefix.address, prefix.last, prefix.address &- 1, prefix.last &+ 1] {
      #expect(table.lookup(address) ?? .max == naive.lookup(address), "\(address.addressText)")
    }
  }

  @Test func `the last addresses have routes like all others`() throws {
    var list4 = RouteList<UInt32>()
    try list4.insert(IPv4Prefix("255.255.255.255"), 1)
    try list4.insert(IPv4Prefix("255.255.255.252/30"), 2)
    let table4 = try IPv4RouteTable(list4)
    #expect(batch4(table4, [.max, .max - 1, .max - 4]) == [1, 2, .max])
    var list6 = RouteList<UInt128>()
    try list6.insert(IPv6Prefix(.max, length: 128), 1)
    try list6.insert(IPv6Prefix(masking: .max, length: 64), 2)
    try list6.insert(IPv6Prefix(masking: .max, length: 63), 3)
    let table6 = try IPv6RouteTable(list6)
    #expect(batch6(table6, [.max, .max - 1, .max - 1 << 64, .max - 2 << 64]) == [1, 2, 3, .max])
  }

  @Test func `an empty table has no route for anybody`() throws {
    #expect(try batch4(IPv4RouteTable(RouteList()), [0, 1, .max]) == [.max, .max, .max])
    #expect(try batch6(IPv6RouteTable(RouteList()), [0, 1, .max]) == [.max, .max, .max])
  }

  @Test func `the largest value comes back as it went in`() throws {
    var list = RouteList<UInt32>()
    let largest = RouteList<UInt32>.maximumValue
    try list.insert(IPv4Prefix("10.0.0.0/8"), largest)
    try list.insert(IPv4Prefix("10.0.0.128/25"), 0)
    let table = try IPv4RouteTable(list)
    #expect(batch4(table, [0x0A00_0000, 0x0A00_0080, 0x0A01_0000, 0x0B00_0000]) == [largest, 0, largest, .max])
    #expect(table.lookup(0x0A00_0000) == largest)
  }

  @Test func `a table stays as it was made while its list goes on`() throws {
    var list = RouteList<UInt128>()
    try list.insert(IPv6Prefix("2001:db8::/32"), 1)
    let former = try IPv6RouteTable(list)
    try list.set(IPv6Prefix("2001:db8::/32"), 2)
    try list.insert(IPv6Prefix("2001:db8:1::/48"), 3)
    let inner = try #require(UInt128(addressText: "2001:db8:1::1"))
    #expect(former.lookup(inner) == 1)
    #expect(try IPv6RouteTable(list).lookup(inner) == 3)
    try list.remove(IPv6Prefix("2001:db8:1::/48"))
    #expect(try IPv6RouteTable(list).lookup(inner) == 2)
  }

  @Test func `a million IPv4 routes fit the memory that is stated`() throws {
    var random = SeededGenerator(11)
    var list = RouteList<UInt32>()
    list.reserveCapacity(1_000_000)
    // As the Internet's table: most are of 20 to 24 bits, a few longer.
    while list.count < 1_000_000 {
      let length = Int.random(in: random.once(in: 1000) ? 25...32 : 20...24, using: &random)
      let prefix = IPv4Prefix(masking: .random(in: 0 ... .max, using: &random), length: length)
      try list.set(prefix, .random(in: 0..<5000, using: &random))
    }
    let table = try IPv4RouteTable(list)
    #expect(table.byteCount <= 66 << 20)
    // The list itself is the reference here: from the longest length down.
    let probes = (0..<20_000).map { _ in UInt32.random(in: 0 ... .max, using: &random) }
    let expected = probes.map { address in
      (0...32).reversed().lazy.compactMap { list[IPv4Prefix(masking: address, length: $0)] }.first ?? .max
    }
    #expect(differences(probes, batch4(table, probes), expected) == [])
  }

  @Test func `IPv6 routes fit the memory that is stated`() throws {
    var random = SeededGenerator(12)
    var list = RouteList<UInt128>()
    let lengths = [29, 32, 40, 44, 48, 48, 48, 64]
    while list.count < 20_000 {
      let address = UInt128(random.next() >> 3 | 1 << 61) << 64
      try list.set(IPv6Prefix(masking: address, length: lengths[list.count % 8]), 1)
    }
    #expect(try IPv6RouteTable(list).byteCount <= (256 << 10) + 20_000 * 80 + (2 << 20))
  }

  @Test func `a table that needs too much memory is refused in words`() throws {
    var list = RouteList<UInt32>()
    for network in 0..<UInt32(4096) { try list.insert(IPv4Prefix(network << 8, length: 32), 1) }
    let error = #expect(throws: XSKError.self) { try IPv4RouteTable(list, maximumBytes: 66 << 20) }
    #expect(
      error?.description
        == "table of 4096 IPv4 routes: needs 68 MiB, more than the 66 MiB allowed (4096 networks of 24 bits have longer "
        + "prefixes in them, at 1 KiB each); allow more memory or use fewer prefixes longer than 24 bits")
    var list6 = RouteList<UInt128>()
    for network in 0..<UInt128(1000) { try list6.insert(IPv6Prefix(network << 64, length: 64), UInt32(network)) }
    let error6 = #expect(throws: XSKError.self) { try IPv6RouteTable(list6, maximumBytes: 256 << 10) }
    #expect(
      error6?.description
        == "table of 1000 IPv6 routes: needs 1 MiB, more than the 0 MiB allowed; allow more memory or use fewer prefixes"
    )
  }
}
