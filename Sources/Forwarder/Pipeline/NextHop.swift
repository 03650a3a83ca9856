import PacketHeaders

/// Where a route leads: what the packets that take it are given, and the port that they leave by.
@frozen public struct NextHop: Hashable, Sendable, BitwiseCopyable {
  @frozen public enum Kind: UInt8, Sendable {
    /// To a neighbour whose MAC address is known.
    case neighbour
    /// To a neighbour whose MAC address is not known.
    case unresolved
    /// Refused, and the sender is told: no route (unreachable), or by policy (prohibited).
    case unreachable, prohibited
    /// Dropped without a word.
    case blackhole
    /// Not the forwarder's to send: the host's own address, or a route out of a device that is no port. The packet is for
    /// the kernel's stack, as it came.
    case host
  }

  public var kind: Kind
  /// The egress port.
  public var port: UInt8
  /// The VLAN that packets leave in: 1…4094; 0: untagged.
  public var vlan: UInt16
  /// The link's MTU: bytes of an IP packet at most.
  public var mtu: UInt16
  /// MAC addresses in the low 48 bits, first byte highest: the neighbour's, and the egress port's own.
  public var destination, source: UInt64

  @inlinable public init(
    port: UInt8, destination: UInt64, source: UInt64, mtu: UInt16 = 1500, vlan: UInt16 = 0
  ) {
    kind = .neighbour
    (self.port, self.destination, self.source) = (port, destination, source)
    (self.mtu, self.vlan) = (mtu, vlan)
  }

  /// A next hop that packets don't leave by.
  @inlinable public init(_ kind: Kind) {
    self.init(port: 0, destination: 0, source: 0)
    self.kind = kind
  }
}

/// A next hop for packets that need other MAC addresses and a lower hop limit, and nothing else.
@frozen @usableFromInline struct PlainLink: BitwiseCopyable, Sendable {
  @usableFromInline let addresses: EthernetAddresses
  /// Less than any length, also that of a malformed packet, where the hop asks for more: a VLAN tag, an answer.
  @usableFromInline let mtu: Int32
  @usableFromInline let port: UInt8

  init(_ hop: NextHop) {
    addresses = EthernetAddresses(destination: hop.destination, source: hop.source)
    mtu = hop.kind == .neighbour && hop.vlan == 0 ? Int32(hop.mtu) : .min
    port = hop.port
  }
}
