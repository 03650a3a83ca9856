public import PacketHeaders
public import XSKEngine

extension Burst {
  /// Gives a packet a VLAN: sets the outer tag's id, its priority kept, or inserts a tag.
  ///
  /// - Parameters:
  ///   - identifier: 0…4095.
  ///   - priority: 0…7; nil: as it was, 0 on a new tag.
  /// - Returns: false, and nothing has changed, if it is no Ethernet frame, or there is no headroom for a tag.
  @inlinable public mutating func setVLAN(_ index: Int, to identifier: UInt16, priority: UInt8? = nil) -> Bool {
    guard bytes(index).byteCount >= 14 else { return false }
    let isTagged = mutableBytes(index).hasVLANTag
    guard isTagged || moveStart(index, by: -MutableRawSpan.vlanTagLength) else { return false }
    var frame = mutableBytes(index)
    if isTagged { frame.setVLAN(identifier) } else { frame.insertVLANTag(identifier) }
    if let priority { frame.setVLANPriority(priority) }
    return true
  }

  /// Takes a packet's outer VLAN tag off.
  ///
  /// - Returns: false if it has none.
  @inlinable public mutating func removeVLAN(_ index: Int) -> Bool {
    var frame = mutableBytes(index)
    guard frame.hasVLANTag else { return false }
    frame.removeVLANTag()
    return moveStart(index, by: MutableRawSpan.vlanTagLength)
  }
}
