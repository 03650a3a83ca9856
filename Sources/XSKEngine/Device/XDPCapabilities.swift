/// What a driver says it can do for XDP and AF_XDP (generic netlink family "netdev", kernel 6.3 and later).
public struct XDPCapabilities: Hashable, Sendable {
  /// NETDEV_A_DEV_XDP_FEATURES.
  public struct Features: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Native XDP with PASS, DROP, ABORTED, TX.
    public static let basic = Features(rawValue: 1 << 0)
    public static let redirect = Features(rawValue: 1 << 1)
    /// Other devices may redirect to this one.
    public static let redirectTarget = Features(rawValue: 1 << 2)
    /// AF_XDP zero-copy.
    public static let zeroCopy = Features(rawValue: 1 << 3)
    public static let hardwareOffload = Features(rawValue: 1 << 4)
    /// Packets of several buffers on receive.
    public static let receiveFragments = Features(rawValue: 1 << 5)
    /// Packets of several buffers when redirected to.
    public static let redirectTargetFragments = Features(rawValue: 1 << 6)

    /// What `ip` and the kernel call the features that are set.
    public var names: [String] {
      let all: [(Features, String)] = [
        (.basic, "basic"), (.redirect, "redirect"), (.redirectTarget, "ndo-xmit"), (.zeroCopy, "xsk-zerocopy"),
        (.hardwareOffload, "hw-offload"), (.receiveFragments, "rx-sg"), (.redirectTargetFragments, "ndo-xmit-sg"),
      ]
      return all.filter { contains($0.0) }.map(\.1)
    }
  }

  public internal(set) var features: Features
  /// Descriptors that one packet may span in zero-copy mode; 1: no multi-buffer there.
  public internal(set) var zeroCopySegments: Int
  /// What programs may ask the driver about a received packet.
  public internal(set) var receiveMetadata: ReceiveHints
  /// TX metadata that sockets may ask for: bit 0 timestamp, bit 1 checksum, bit 2 launch time.
  public internal(set) var transmitMetadata: UInt64

  /// Parses the attributes of NETDEV_CMD_DEV_GET's answer; nil if they lack the feature word.
  init?(_ attributes: NetlinkAttributes) {
    guard let features = attributes.integer(3, as: UInt64.self) else { return nil }
    self.features = Features(rawValue: features)
    zeroCopySegments = Int(attributes.integer(4, as: UInt32.self) ?? 1)
    receiveMetadata = ReceiveHints(rawValue: attributes.integer(5, as: UInt64.self) ?? 0)
    transmitMetadata = attributes.integer(6, as: UInt64.self) ?? 0
  }

  init(features: Features, zeroCopySegments: Int = 1, receiveMetadata: ReceiveHints = [], transmitMetadata: UInt64 = 0)
  {
    self.features = features
    self.zeroCopySegments = zeroCopySegments
    self.receiveMetadata = receiveMetadata
    self.transmitMetadata = transmitMetadata
  }
}
