import CXsk
import Testing

@testable import XSKEngine

/// What Swift writes into the kernel's tables is what the program looks up: byte for byte, without holes.
@Suite("Verdict keys") struct VerdictKeyTests {
  /// The bytes that a table gets.
  private func bytes(_ key: VerdictKey) -> [UInt8] {
    let count: Int
    switch key.table {
    case .flows4: count = MemoryLayout<xsk_flow4_key>.size
    case .flows6: count = MemoryLayout<xsk_flow6_key>.size
    case .sources4: count = MemoryLayout<xsk_source4_key>.size
    default: count = MemoryLayout<xsk_source6_key>.size
    }
    // As many bytes as the structure has.
    return unsafe key.withKey { unsafe Array(UnsafeRawBufferPointer(start: $0, count: count)) }
  }

  private let from6: [UInt8] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
  private let to6: [UInt8] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]

  @Test func `structures have the sizes of their fields`() {
    #expect(MemoryLayout<xsk_origin>.size == 8)
    #expect(MemoryLayout<xsk_flow4_key>.size == 20)
    #expect(MemoryLayout<xsk_flow6_key>.size == 44)
    #expect(MemoryLayout<xsk_source4_key>.size == 12)
    #expect(MemoryLayout<xsk_source6_key>.size == 24)
    #expect(MemoryLayout<xsk_own4_key>.size == 8)
    #expect(MemoryLayout<xsk_own6_key>.size == 20)
    #expect(MemoryLayout<xsk_extra_key>.size == 8)
    #expect(MemoryLayout<xsk_verdict>.size == 24)
    #expect(MemoryLayout<xsk_count>.size == 16)
    #expect(MemoryLayout<xsk_verdict_state>.size == 8)
  }

  @Test func `a flow's key is addresses and ports as in the packet, port, tags and protocol as in memory`() throws {
    let from = try #require(NetworkAddress("192.0.2.1"))
    let to = try #require(NetworkAddress("198.51.100.2"))
    let key = VerdictKey.flow(
      from: from, 0x1234, to: to, 0x5678, ipProtocol: 17, port: 3, outerVLAN: 0x0102, innerVLAN: 7)
    let little: [UInt8] = [3, 0, 0x02, 0x11, 0x07, 0x10, 17, 0]
    #expect(bytes(key) == [192, 0, 2, 1, 198, 51, 100, 2, 0x12, 0x34, 0x56, 0x78] + little)
    let from6 = try #require(NetworkAddress("2001:db8::1"))
    let to6 = try #require(NetworkAddress("2001:db8::2"))
    let key6 = VerdictKey.flow(from: from6, 1, to: to6, 2, ipProtocol: 6, port: 0)
    #expect(bytes(key6) == self.from6 + self.to6 + [0, 1, 0, 2] + [0, 0, 0, 0, 0, 0, 6, 0])
  }

  @Test func `a source's key is its address and where packets come in`() throws {
    let source = try #require(NetworkAddress("192.0.2.1"))
    #expect(bytes(.source(source, port: 200)) == [192, 0, 2, 1] + [200, 0, 0, 0, 0, 0, 0, 0])
    let source6 = try #require(NetworkAddress("2001:db8::1"))
    // VLAN 0 is a tag, too.
    #expect(bytes(.source(source6, port: 1, outerVLAN: 0)) == from6 + [1, 0, 0, 0x10, 0, 0, 0, 0])
  }

  @Test func `keys that no packet can have are not sound`() throws {
    let four = try #require(NetworkAddress("192.0.2.1"))
    let six = try #require(NetworkAddress("2001:db8::1"))
    #expect(VerdictKey.source(four, port: 0).isSound)
    #expect(VerdictKey.flow(from: six, 1, to: six, 2, ipProtocol: 6, port: 0).isSound)
    #expect(!VerdictKey.flow(from: four, 1, to: six, 2, ipProtocol: 6, port: 0).isSound)
    #expect(!VerdictKey.flow(from: four, 1, to: four, 2, ipProtocol: 1, port: 0).isSound)
    #expect(!VerdictKey.source(four, port: 0, outerVLAN: 4096).isSound)
    #expect(!VerdictKey.source(four, port: 0, innerVLAN: 1).isSound)
  }

  @Test(arguments: ["192.0.2.1", "255.255.255.255", "2001:db8::1", "::", "fe80::1:2:3:4"])
  func `an address reads back as it was written`(text: String) throws {
    let address = try #require(NetworkAddress(text))
    #expect(address.description == text)
    #expect(NetworkAddress(address.bytes[...]) == address)
  }

  @Test(arguments: ["", "192.0.2", "192.0.2.256", "2001:db8::g", "192.0.2.1/24", "host"])
  func `what is no address is none`(text: String) { #expect(NetworkAddress(text) == nil) }

  @Test func `only one host's address that can be on a wire is unicast`() throws {
    for text in ["192.0.2.1", "2001:db8::1", "fe80::1"] { #expect(try #require(NetworkAddress(text)).isUnicast) }
    for text in ["127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "::1", "ff02::1"] {
      #expect(try !#require(NetworkAddress(text)).isUnicast, "\(text)")
    }
  }
}
