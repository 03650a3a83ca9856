import Forwarder
import PacketSamples
import Testing
import XSKEngine

@Suite struct PrefixSetTests {
  /// Both ways of asking, and the slow one.
  func check(_ set: PrefixSet, _ prefixes4: [IPv4Prefix], _ prefixes6: [IPv6Prefix], seed: UInt64) {
    var random = SeededGenerator(seed)
    let naive4 = NaiveTable(routes: prefixes4.map { ($0, 1) })
    let naive6 = NaiveTable(routes: prefixes6.map { ($0, 1) })
    let (probes4, probes6) = (naive4.probes(&random), naive6.probes(&random))
    let (expected4, expected6) = (probes4.map { naive4.lookup($0) == 1 }, probes6.map { naive6.lookup($0) == 1 })
    #expect(differences(probes4, probes4.map { set.contains($0) }, expected4) == [])
    #expect(differences(probes6, probes6.map { set.contains($0) }, expected6) == [])
    for size in [1, 7, 64] {
      // Safe: the set outlives the calls.
      withExtendedLifetime(set) {
        let view = unsafe set.view
        let found4 = inBatches(probes4, size) { view.contains($0.span) }
        let found6 = inBatches(probes6, size) { view.contains($0.span) }
        #expect(differences(probes4, found4, expected4) == [])
        #expect(differences(probes6, found6, expected6) == [])
      }
    }
  }

  func inBatches<Address>(_ addresses: [Address], _ size: Int, _ contains: ([Address]) -> UInt64) -> [Bool] {
    stride(from: 0, to: addresses.count, by: size).flatMap { first in
      let batch = Array(addresses[first..<min(first + size, addresses.count)])
      let found = contains(batch)
      #expect(batch.count == 64 || found >> UInt64(batch.count) == 0)
      return batch.indices.map { found >> UInt64($0) & 1 != 0 }
    }
  }

  @Test(arguments: [
    (0, 0...32, 0...128), (1, 0...32, 0...128), (400, 8...32, 16...128), (400, 24...32, 48...64),
    (400, 32...32, 128...128), (400, 2...32, 2...128),
  ])
  func `membership is what a search through all prefixes says`(
    count: Int, lengths4: ClosedRange<Int>, lengths6: ClosedRange<Int>
  ) throws {
    var random = SeededGenerator(UInt64(count + lengths4.lowerBound))
    let prefixes4: [IPv4Prefix] = randomPrefixes(count, lengths: lengths4, &random)
    let prefixes6: [IPv6Prefix] = randomPrefixes(count, lengths: lengths6, &random)
    let set = try PrefixSet(ipv4: prefixes4, ipv6: prefixes6)
    check(set, prefixes4, prefixes6, seed: 1)
  }

  @Test(arguments: 0...32) func `every length of IPv4 prefix ends where it should`(length: Int) throws {
    let prefix = IPv4Prefix(masking: 0xC0A8_5A5A, length: length)
    check(try PrefixSet(ipv4: [prefix], ipv6: []), [prefix], [], seed: 2)
  }

  @Test func `prefixes that come twice or cover each other do no harm`() throws {
    let prefixes = try ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/25", "10.0.0.0/8", "10.1.2.3"].map { try IPv4Prefix($0) }
    check(try PrefixSet(ipv4: prefixes, ipv6: []), prefixes, [], seed: 3)
  }

  @Test func `prefixes of both kinds fit the memory that is stated`() throws {
    var random = SeededGenerator(4)
    let prefixes4 = (0..<50_000).map { _ in IPv4Prefix(masking: UInt32(truncatingIfNeeded: random.next()), length: 32) }
    let prefixes6 = (0..<50_000).map { number in
      IPv6Prefix(masking: UInt128(random.next()) << 64 | UInt128(random.next()), length: number % 2 == 0 ? 64 : 128)
    }
    let set = try PrefixSet(ipv4: prefixes4, ipv6: prefixes6)
    // In whole pages of 2 MiB each.
    #expect(set.byteCount <= (6 << 20) + 50_000 * 32 + (256 << 10) + 50_000 * 120 + (4 << 20))
    #expect(prefixes4.allSatisfy { set.contains($0.address) })
    #expect(prefixes6.allSatisfy { set.contains($0.last) })
    let others = (0..<10_000).map { _ in UInt128(random.next()) << 64 }
    #expect(others.allSatisfy { !set.contains($0) })
  }

  @Test func `a set that needs too much memory is refused in words`() throws {
    let error = #expect(throws: XSKError.self) { try PrefixSet(ipv4: [], ipv6: [], maximumBytes: 5 << 20) }
    #expect(
      error?.description
        == "set of IPv4 prefixes: needs 6 MiB, more than the 5 MiB allowed; allow more memory or use fewer prefixes")
  }
}
