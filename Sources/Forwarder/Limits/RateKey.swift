public import PacketHeaders
public import XSKEngine

/// What a limit is for each of: a source, a destination (an address or a prefix), or a flow.
@frozen public struct RateKey: Hashable, Sendable {
  @frozen @usableFromInline enum Kind: UInt8, Hashable, Sendable { case source, destination, flow }

  @usableFromInline let kind: Kind
  /// The prefixes' bits, in memory order.
  @usableFromInline let mask4: UInt64
  @usableFromInline let mask6: (UInt64, UInt64)

  /// Each flow: addresses, protocol, ports. Fragments behind the first have no ports, and those of two hosts are one flow.
  public static var flow: RateKey { RateKey(.flow, 32, 128) }

  /// Each source, or each network that sources are in.
  ///
  /// - Parameters:
  ///   - ipv4Length: bits of the prefix, 0…32.
  ///   - ipv6Length: 0…128. A host has a /64 to itself as a rule, so single addresses limit nobody.
  /// - Throws: a length out of range.
  public static func source(ipv4Length: Int = 32, ipv6Length: Int = 64) throws(XSKError) -> RateKey {
    try RateKey(.source, checking: ipv4Length, ipv6Length)
  }

  /// Each destination, or each network that destinations are in. As `source(ipv4Length:ipv6Length:)`.
  public static func destination(ipv4Length: Int = 32, ipv6Length: Int = 128) throws(XSKError) -> RateKey {
    try RateKey(.destination, checking: ipv4Length, ipv6Length)
  }

  private init(_ kind: Kind, checking ipv4Length: Int, _ ipv6Length: Int) throws(XSKError) {
    for (length, width) in [(ipv4Length, 32), (ipv6Length, 128)] where !(0...width).contains(length) {
      throw XSKError(
        "rate limit for each /\(length) of \(width == 32 ? "IPv4" : "IPv6")", "no prefix length",
        remedy: "use 0 to \(width)")
    }
    self.init(kind, ipv4Length, ipv6Length)
  }

  private init(_ kind: Kind, _ ipv4Length: Int, _ ipv6Length: Int) {
    self.kind = kind
    mask4 = UInt64((~IPv4Prefix.hostBits(ipv4Length)).byteSwapped)
    let mask = (~IPv6Prefix.hostBits(ipv6Length)).byteSwapped
    mask6 = (UInt64(truncatingIfNeeded: mask), UInt64(truncatingIfNeeded: mask >> 64))
  }

  /// 64 well mixed bits of what the limit is for each of.
  ///
  /// - Parameter key: of a packet that has addresses (`PacketSummary.Flags.addresses`).
  @inlinable @inline(always) public func hash(_ key: FlowKey, seed: UInt64) -> UInt64 {
    if kind == .flow { return key.hash(seed: seed) }
    let isSource = kind == .source
    var part = FlowKey()
    part.identity = key.identity & 0xFF00_0000_0000
    if key.version == 6 {
      part.address0 = (isSource ? key.address0 : key.address2) & mask6.0
      part.address1 = (isSource ? key.address1 : key.address3) & mask6.1
    } else {
      part.address0 = (isSource ? key.address0 : key.address0 &>> 32) & mask4
    }
    return part.hash(seed: seed)
  }

  public static func == (left: RateKey, right: RateKey) -> Bool {
    left.kind == right.kind && left.mask4 == right.mask4 && left.mask6 == right.mask6
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(kind)
    hasher.combine(mask4)
    hasher.combine(mask6.0)
    hasher.combine(mask6.1)
  }
}
