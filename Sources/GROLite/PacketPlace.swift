/// Where a packet belongs, found before it is taken.
///
///     0x0_0000 | flow     IPv4, of this flow if its headers are the same
///     0x1_0000 | flow     IPv6, likewise
///     0x2_0000 | slot     IPv4, in a slot of the index that was empty
///     0x4_0000 | slot     IPv6, likewise
///     0xFFFF_FFFF         anything else
@frozen @usableFromInline
struct PacketPlace: BitwiseCopyable, Equatable {
  @usableFromInline let rawValue: UInt32

  @inlinable @inline(always)
  init(rawValue: UInt32) { self.rawValue = rawValue }

  /// - Parameter entry: what the index has in the slot: a flow's number, or 0x10000 or more.
  @inlinable @inline(always)
  init(_ entry: UInt32, _ slot: Int, isIPv4: Bool) {
    let slot = UInt32(truncatingIfNeeded: slot)
    if entry < 0x1_0000 {
      rawValue = isIPv4 ? entry : entry | Self.ipv6
    } else {
      rawValue = slot | (isIPv4 ? Self.newIPv4 : Self.newIPv6)
    }
  }

  @inlinable static var ipv6: UInt32 { 0x1_0000 }
  @inlinable static var newIPv4: UInt32 { 0x2_0000 }
  @inlinable static var newIPv6: UInt32 { 0x4_0000 }
  @inlinable static var unknown: PacketPlace { PacketPlace(rawValue: .max) }

  @inlinable @inline(always) var isNewIPv4: Bool { rawValue &>> 17 == 1 }
  @inlinable @inline(always) var slot: Int { Int(rawValue & 0xFFFF) }
}
