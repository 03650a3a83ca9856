public import XSKEngine

/// Why packets on their way to or from the host's stack are dropped.
extension DropReason {
  /// The host's stack did not take a packet: its TAP device is down or gone, or the packet is no Ethernet frame.
  @inlinable public static var hostRefused: DropReason { DropReason(rawValue: 94) }
  /// What the host's stack sent could not be cut into packets (`SegmenterRefusal`).
  @inlinable public static var hostMalformed: DropReason { DropReason(rawValue: 95) }

  /// To be handed to the host's stack, but the port that it came in on has no TAP device.
  @inlinable public static var noHost: DropReason { DropReason(rawValue: 93) }

  /// Their names, for `EngineConfiguration.reasonNames`.
  public static let hostNames: [DropReason: String] = [
    .hostRefused: "host_refused", .hostMalformed: "host_malformed", .noHost: "no_host",
  ]
}
