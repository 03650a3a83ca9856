public import PacketHeaders

/// An IPv4 or IPv6 prefix, its address in host order. Bits behind the prefix don't count.
public enum RulePrefix: Hashable, Sendable {
  /// Length 0…32.
  case ipv4(UInt32, length: Int)
  /// Length 0…128.
  case ipv6(UInt128, length: Int)

  public init(_ prefix: IPv4Prefix) { self = .ipv4(prefix.address, length: Int(prefix.length)) }
  public init(_ prefix: IPv6Prefix) { self = .ipv6(prefix.address, length: Int(prefix.length)) }

  /// The first and last address; of IPv4 in the low 32 bits.
  ///
  /// - Precondition: the length is in range, which `RuleSet.problems(in:)` checks.
  var bounds: ClosedRange<UInt128> {
    switch self {
    case .ipv4(let address, let length):
      let hostBits = UInt32.max >> length
      return UInt128(address & ~hostBits)...UInt128(address | hostBits)
    case .ipv6(let address, let length):
      let hostBits = UInt128.max >> length
      return address & ~hostBits...(address | hostBits)
    }
  }

  var isIPv6: Bool {
    if case .ipv6 = self { return true }
    return false
  }

  var length: Int {
    switch self {
    case .ipv4(_, let length), .ipv6(_, let length): length
    }
  }
}

/// MAC addresses that agree in the bits of a mask. Both in the low 48 bits, first byte highest, as they are written.
public struct MACPattern: Hashable, Sendable {
  public var address: UInt64
  public var mask: UInt64

  public init(_ address: UInt64, mask: UInt64 = 0xFFFF_FFFF_FFFF) {
    self.address = address
    self.mask = mask
  }
}

public enum VLANPattern: Hashable, Sendable {
  /// No tag.
  case untagged
  /// Any tag.
  case tagged
  /// A tag with one of these ids, 0…4095 (0: a priority tag).
  case ids(ClosedRange<UInt16>)
}

/// TCP flags: those of `mask` are as in `value`, the others don't count (iptables: `--tcp-flags mask value`).
public struct TCPFlagsPattern: Hashable, Sendable {
  public var mask: PacketSummary.TCPFlags
  public var value: PacketSummary.TCPFlags

  public init(_ value: PacketSummary.TCPFlags, mask: PacketSummary.TCPFlags) {
    self.value = value
    self.mask = mask
  }

  public static func == (left: Self, right: Self) -> Bool {
    left.mask.rawValue == right.mask.rawValue && left.value.rawValue == right.value.rawValue
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(mask.rawValue)
    hasher.combine(value.rawValue)
  }
}

/// A metadata key's value, where the packet has the key: the bits of `mask` are as in `value` (negated: are not).
public struct MetadataPattern: Hashable, Sendable {
  /// 0…63.
  public var key: UInt8
  public var value: UInt64
  public var mask: UInt64
  public var isNegated: Bool

  public init(key: UInt8, value: UInt64, mask: UInt64 = .max, isNegated: Bool = false) {
    self.key = key
    self.value = value
    self.mask = mask
    self.isNegated = isNegated
  }
}
