extension PacketSummary {
  /// The destination MAC address in the low 48 bits, first byte highest, as it is written; 0 for raw IP.
  @inlinable @inline(always) public var destinationMAC: UInt64 { linkWord0.byteSwapped &>> 16 }
  /// The source MAC address, likewise.
  @inlinable @inline(always) public var sourceMAC: UInt64 {
    (linkWord0 &>> 48 | (linkWord1 & 0xFFFF_FFFF) &<< 16).byteSwapped &>> 16
  }
}

extension Malformation {
  /// An IPv6 header is there, but its payload length or extension headers are wrong: what they carry is unknown.
  @inlinable @inline(always) public var isBehindIPv6Header: Bool {
    rawValue >= Self.ipv6PayloadPastFrame.rawValue && rawValue <= Self.ipv6ExtensionOrder.rawValue
  }

  /// The fault is in the IP header or ahead of it; what follows was not looked at.
  @inlinable @inline(always) public var isInIPHeader: Bool {
    rawValue != 0 && rawValue <= Self.ipv6ExtensionOrder.rawValue
  }

  /// The fault is in the IP header itself or ahead of it, so that no router may send the packet on (RFC 1812 section 5.2.2; RFC 8200
  /// section 3). IPv6's extension headers are not a router's business (RFC 8200 section 4), nor is what IP carries.
  @inlinable @inline(always) public var forbidsRouting: Bool {
    rawValue != 0 && rawValue <= Self.ipv6PayloadPastFrame.rawValue
  }
}
