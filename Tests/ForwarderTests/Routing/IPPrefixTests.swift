import Forwarder
import Testing
import XSKEngine

@Suite struct IPPrefixTests {
  @Test(arguments: [
    ("0.0.0.0/0", 0, 0), ("10.0.0.0/8", 0x0A00_0000, 8), ("192.0.2.1", 0xC000_0201, 32),
    ("255.255.255.255/32", 0xFFFF_FFFF, 32),
  ])
  func `IPv4 prefixes are read and written`(text: String, address: UInt32, length: Int) throws {
    let prefix = try IPv4Prefix(text)
    #expect(try prefix == IPv4Prefix(address, length: length))
    #expect(prefix.description == (text.contains("/") ? text : text + "/32"))
  }

  @Test(
    arguments: [
      ("::/0", 0, 0), ("2001:db8::/32", 0x2001_0DB8 << 96, 32), ("fd00::1", 0xFD << 120 | 1, 128),
      ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", .max, 128),
    ] as [(String, UInt128, Int)])
  func `IPv6 prefixes are read and written`(text: String, address: UInt128, length: Int) throws {
    let prefix = try IPv6Prefix(text)
    #expect(try prefix == IPv6Prefix(address, length: length))
    #expect(prefix.description == (text.contains("/") ? text : text + "/128"))
  }

  @Test(arguments: [
    ("10.0.0.1/8", "10.0.0.1/8: has address bits set behind the prefix; write 10.0.0.0/8"),
    ("10.0.0.0/33", "10.0.0.0/33: no IPv4 prefix; its length must be 0 to 32"),
    ("10.0.0.0/", "10.0.0.0/: no IPv4 prefix; write it like 192.0.2.0/24"),
    ("10.0.0.0/-1", "10.0.0.0/-1: no IPv4 prefix; write it like 192.0.2.0/24"),
    ("10.0.0/8", "10.0.0/8: no IPv4 prefix; write it like 192.0.2.0/24"),
    ("fd00::/8", "fd00::/8: no IPv4 prefix; write it like 192.0.2.0/24"),
    ("", ": no IPv4 prefix; write it like 192.0.2.0/24"),
  ])
  func `what is no IPv4 prefix is refused in words`(text: String, message: String) {
    let error = #expect(throws: XSKError.self) { try IPv4Prefix(text) }
    #expect(error?.description == message)
  }

  @Test(arguments: [
    ("fd00::1/64", "fd00::1/64: has address bits set behind the prefix; write fd00::/64"),
    ("fd00::/129", "fd00::/129: no IPv6 prefix; its length must be 0 to 128"),
    ("10.0.0.0/8", "10.0.0.0/8: no IPv6 prefix; write it like 2001:db8::/32"),
  ])
  func `what is no IPv6 prefix is refused in words`(text: String, message: String) {
    let error = #expect(throws: XSKError.self) { try IPv6Prefix(text) }
    #expect(error?.description == message)
  }

  @Test func `a list of routes refuses what contradicts it`() throws {
    var list = RouteList<UInt32>()
    let prefix = try IPv4Prefix("10.0.0.0/8")
    try list.insert(prefix, 1)
    let twice = #expect(throws: XSKError.self) { try list.insert(prefix, 2) }
    #expect(twice?.description == "route 10.0.0.0/8: there already; remove one of the two")
    #expect(list[prefix] == 1 && list.count == 1)
    let absent = #expect(throws: XSKError.self) { try list.remove(IPv4Prefix("10.0.0.0/9")) }
    #expect(absent?.description == "route 10.0.0.0/9: not there; remove a route that was added, with the same length")
    let large = #expect(throws: XSKError.self) { try list.set(prefix, 0x7FFF_FFFF) }
    #expect(large?.description == "route 10.0.0.0/8: value 2147483647 out of range; use 0 to 2147483646")
    try list.remove(prefix)
    #expect(list.count == 0)
  }
}
