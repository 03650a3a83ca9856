public import PacketHeaders
public import XSKEngine

extension PacketMetadata {
  /// The packet's flow tag: the one that the XDP program wrote, else that of the RX hash; nil if there is neither. Then
  /// `FlowTag(_: FlowKey)` makes one from the parsed packet.
  ///
  /// A hint like every flow tag: whoever uses it compares headers.
  @inlinable public var flowTag: FlowTag? {
    if let tag = get(.flowTag) { return FlowTag(rawValue: UInt16(truncatingIfNeeded: tag)) }
    if let hash = get(.receiveHash) { return FlowTag(hash: UInt32(truncatingIfNeeded: hash)) }
    return nil
  }
}
