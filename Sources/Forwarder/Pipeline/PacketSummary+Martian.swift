public import PacketHeaders

extension PacketSummary {
  /// Whether a router must not send the packet on, wherever its route leads: its frame was for a group or for everybody (RFC 1812
  /// section 5.3.4), or one of its addresses is none that is routed (5.3.7; RFC 4291 sections 2.5 and 2.7): "this" network,
  /// loopback, groups and what is above them, the unspecified address, an IPv6 link's own.
  @inlinable @inline(always)
  var isMartian: Bool {
    if linkWord0 & 1 != 0 && flags.contains(.addresses) { return true }
    if key.version == 4 {
      return Self.isMartian(firstByte: key.address0 & 0xFF) || Self.isMartian(firstByte: key.address0 &>> 32 & 0xFF)
    }
    return key.version == 6
      && (Self.isMartian(key.address0, key.address1) || Self.isMartian(key.address2, key.address3))
  }

  /// Of an IPv4 address: 0, 127, 224…255.
  @inlinable @inline(always)
  static func isMartian(firstByte: UInt64) -> Bool { firstByte &- 1 >= 223 || firstByte == 127 }

  /// Of an IPv6 address in memory order.
  @inlinable @inline(always)
  static func isMartian(_ word0: UInt64, _ word1: UInt64) -> Bool {
    word0 & 0xFF == 0xFF || word0 & 0xC0FF == 0x80FE || word0 == 0 && word1 & ~(1 &<< 56) == 0
  }
}
