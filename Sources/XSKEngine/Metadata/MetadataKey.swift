import CXsk

/// What a value of a packet's metadata means: one of 64 numbers.
///
/// Keys 0…31 are well known; each always has the size given here. Keys 32…63 belong to the deployment, which names them in
/// its configuration (`DeploymentKey`).
@frozen public struct MetadataKey: Hashable, Sendable {
  /// 0…63.
  public let number: UInt8

  @inlinable init(unchecked number: UInt8) { self.number = number }

  /// - Parameter number: 0…63.
  /// - Returns: nil if it is out of range.
  @inlinable public init?(number: Int) {
    guard number >= 0 && number < 64 else { return nil }
    self.init(unchecked: UInt8(truncatingIfNeeded: number))
  }

  /// Key 0, 4 bytes: the device's RX hash (bpf_xdp_metadata_rx_hash).
  @inlinable public static var receiveHash: MetadataKey { MetadataKey(unchecked: 0) }
  /// Key 1, 8 bytes: when the device received the packet, in nanoseconds of the device's clock
  /// (bpf_xdp_metadata_rx_timestamp). A veth answers 0 unless the packet came with a time stamp.
  @inlinable public static var receiveTimestamp: MetadataKey { MetadataKey(unchecked: 1) }
  /// Key 2, 4 bytes: the outermost VLAN tag, TPID in the upper and TCI in the lower 16 bits, whether the device took it
  /// off (bpf_xdp_metadata_rx_vlan_tag) or it is still in the packet.
  @inlinable public static var vlan: MetadataKey { MetadataKey(unchecked: 2) }
  /// Key 3, 2 bytes: the flow tag (`FlowTag` of PacketHeaders), from the RX hash where that covers ports, else from the
  /// packet's flow key. Absent where neither can be had: fragments, IPv6 extension headers, what is not TCP or UDP.
  @inlinable public static var flowTag: MetadataKey { MetadataKey(unchecked: 3) }
  /// Key 4, 4 bytes: the index of the device that the packet came in on.
  @inlinable public static var ingressIndex: MetadataKey { MetadataKey(unchecked: 4) }
  /// Key 5, 4 bytes: `MetadataConfiguration.mark`.
  @inlinable public static var mark: MetadataKey { MetadataKey(unchecked: 5) }

  /// How many keys a deployment has.
  @inlinable public static var deploymentCount: Int { 32 }

  /// A key of the deployment's own.
  ///
  /// - Parameter index: 0…31: keys 32…63. Another index is a programming error and traps.
  @inlinable public static func deployment(_ index: Int) -> MetadataKey {
    precondition(index >= 0 && index < deploymentCount, "a deployment has 32 keys")
    return MetadataKey(unchecked: UInt8(truncatingIfNeeded: 32 &+ index))
  }

  @inlinable public var isDeployment: Bool { number >= 32 }

  /// The well-known keys that the engine's program can write, in order, with their sizes in bytes and names.
  static let wellKnown: [(key: MetadataKey, bytes: Int, name: String)] = [
    (.receiveHash, 4, "RX hash"), (.receiveTimestamp, 8, "RX timestamp"), (.vlan, 4, "VLAN"),
    (.flowTag, 2, "flow tag"), (.ingressIndex, 4, "ingress ifindex"), (.mark, 4, "mark"),
  ]

  /// Bytes of a well-known key's value: 2, 4 or 8; nil for a key without a fixed size.
  public var wellKnownSize: Int? { Self.wellKnown.first { $0.key == self }?.bytes }
}

/// A key of the deployment's own, as its configuration names it.
public struct DeploymentKey: Hashable, Sendable {
  /// 32…63.
  public var key: MetadataKey
  public var name: String
  /// Bytes of its value: 2, 4 or 8.
  public var bytes: Int

  public init(_ key: MetadataKey, name: String, bytes: Int) {
    self.key = key
    self.name = name
    self.bytes = bytes
  }
}
