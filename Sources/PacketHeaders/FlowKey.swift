/// What tells one flow from another: IP version, addresses, protocol, ports.
///
/// Everything is kept as it stands in the packet (network order in memory order) and compared a word at a time.
@frozen public struct FlowKey: Hashable, Sendable {
  /// IPv4: source address in the low half of `address0`, destination in its high half, the others 0.
  /// IPv6: source in `address0` and `address1`, destination in `address2` and `address3`.
  public var address0, address1, address2, address3: UInt64
  /// Source port in bits 0…15 and destination port in bits 16…31 (both as in memory), the protocol in bits 32…39, the IP
  /// version in bits 40…47.
  public var identity: UInt64

  /// The key of nothing: version 0.
  @inlinable
  public init() {
    (address0, address1, address2, address3, identity) = (0, 0, 0, 0, 0)
  }

  /// A key of its words, which calls pass on in registers.
  ///
  /// - Parameters:
  ///   - upper: `address0` and `address1`.
  ///   - lower: `address2` and `address3`.
  ///   - identity: ports, protocol and version.
  @inlinable @inline(always)
  public init(upper: (UInt64, UInt64), lower: (UInt64, UInt64), identity: UInt64) {
    (address0, address1) = upper
    (address2, address3) = lower
    self.identity = identity
  }

  /// 4, 6, or 0 for what is not IP.
  @inlinable @inline(always) public var version: UInt8 { UInt8(truncatingIfNeeded: identity &>> 40) }
  /// The protocol after IPv6's extension headers (IANA protocol number).
  @inlinable @inline(always) public var ipProtocol: IPProtocol {
    IPProtocol(rawValue: UInt8(truncatingIfNeeded: identity &>> 32))
  }
  /// The source port in host order; 0 where there is none.
  @inlinable @inline(always) public var sourcePort: UInt16 { UInt16(truncatingIfNeeded: identity).byteSwapped }
  /// The destination port in host order; 0 where there is none.
  @inlinable @inline(always) public var destinationPort: UInt16 {
    UInt16(truncatingIfNeeded: identity &>> 16).byteSwapped
  }
  /// The IPv4 source address in host order.
  @inlinable @inline(always) public var sourceIPv4: UInt32 { UInt32(truncatingIfNeeded: address0).byteSwapped }
  /// The IPv4 destination address in host order.
  @inlinable @inline(always) public var destinationIPv4: UInt32 {
    UInt32(truncatingIfNeeded: address0 &>> 32).byteSwapped
  }
  /// The IPv6 source address in host order.
  @inlinable @inline(always) public var sourceIPv6: UInt128 {
    (UInt128(address1) << 64 | UInt128(address0)).byteSwapped
  }
  /// The IPv6 destination address in host order.
  @inlinable @inline(always) public var destinationIPv6: UInt128 {
    (UInt128(address3) << 64 | UInt128(address2)).byteSwapped
  }

  @inlinable
  public static func == (left: FlowKey, right: FlowKey) -> Bool {
    let low = (left.address0 ^ right.address0) | (left.address1 ^ right.address1)
    let high = (left.address2 ^ right.address2) | (left.address3 ^ right.address3)
    return low | high | (left.identity ^ right.identity) == 0
  }

  /// 64 well mixed bits of the key: two keys that are equal always agree, others rarely.
  ///
  /// - Parameter seed: another seed, another distribution: a sender can't aim at a bucket without knowing it.
  @inlinable @inline(always)
  public func hash(seed: UInt64) -> UInt64 {
    var hash = Self.mix(address0 ^ seed, identity ^ 0x9E37_79B9_7F4A_7C15)
    if version == 6 {
      hash ^= Self.mix(address1 ^ 0xD6E8_FEB8_6659_FD93 ^ seed, address2 ^ 0xA076_1D64_78BD_642F)
      hash = Self.mix(hash ^ 0xE703_7ED1_A0B4_28DB, address3 ^ 0x8EBC_6AF0_9C88_C6E3)
    }
    return hash
  }

  /// The two halves of a 128-bit product, folded.
  @inlinable @inline(always)
  static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
  }
}

/// An IP protocol number (IANA's registry).
@frozen public struct IPProtocol: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt8

  @inlinable
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  @inlinable public static var icmp: IPProtocol { IPProtocol(rawValue: 1) }
  @inlinable public static var tcp: IPProtocol { IPProtocol(rawValue: 6) }
  @inlinable public static var udp: IPProtocol { IPProtocol(rawValue: 17) }
  @inlinable public static var icmpv6: IPProtocol { IPProtocol(rawValue: 58) }
  /// IPv6: nothing follows (59).
  @inlinable public static var noNextHeader: IPProtocol { IPProtocol(rawValue: 59) }
}
