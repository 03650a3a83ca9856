public import PacketHeaders
public import XSKEngine

extension PacketMetadata {
  /// The packet's flow tag, as the XDP program wrote it: from the device's RX hash if that covers ports, else from the
  /// headers; nil if there is none.
  ///
  /// A hint like every flow tag: whoever uses it compares headers. The RX hash by itself is no substitute: a flow's packets
  /// must have their tags from one source.
  @inlinable public var flowTag: FlowTag? {
    self.get(.flowTag).map { FlowTag(rawValue: UInt16(truncatingIfNeeded: $0)) }
  }
}
