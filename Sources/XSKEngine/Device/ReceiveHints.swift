/// What a driver can tell an XDP program about a received packet (NETDEV_A_DEV_XDP_RX_METADATA_FEATURES, kernel 6.3 and
/// later). Such a program must be bound to the device, which rules out generic mode and libxdp's dispatcher.
public struct ReceiveHints: OptionSet, Hashable, Sendable {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// bpf_xdp_metadata_rx_timestamp
  public static let timestamp = ReceiveHints(rawValue: 1 << 0)
  /// bpf_xdp_metadata_rx_hash
  public static let hash = ReceiveHints(rawValue: 1 << 1)
  /// bpf_xdp_metadata_rx_vlan_tag (kernel 6.8 and later)
  public static let vlanTag = ReceiveHints(rawValue: 1 << 2)

  /// What the kernel's netdev family calls those that are set.
  public var names: [String] {
    let all: [(ReceiveHints, String)] = [(.timestamp, "timestamp"), (.hash, "hash"), (.vlanTag, "vlan-tag")]
    return all.filter { contains($0.0) }.map(\.1)
  }
}
