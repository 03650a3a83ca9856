/// IEEE 802.1Q tags in an Ethernet frame's bytes. The frame's length changes by one tag in front, so its owner moves the
/// frame's start: before a tag is inserted, after one was removed.
extension MutableRawSpan {
  /// Bytes of a tag: TPID and TCI.
  @inlinable public static var vlanTagLength: Int { 4 }

  /// Whether the frame has a tag: TPID 0x8100 (802.1Q) or 0x88A8 (802.1ad).
  @inlinable public var hasVLANTag: Bool {
    guard byteCount >= 18 else { return false }
    let type = bytes.load16(12)
    return type == UInt16(0x8100).byteSwapped || type == UInt16(0x88A8).byteSwapped
  }

  /// Sets the outer tag's VLAN id; its priority stays.
  ///
  /// - Parameter identifier: 0…4095.
  /// - Precondition: the frame has a tag.
  @inlinable public mutating func setVLAN(_ identifier: UInt16) {
    precondition(hasVLANTag && identifier < 4096)
    store16((bytes.load16(14).byteSwapped & 0xF000 | identifier).byteSwapped, at: 14)
  }

  /// Sets the outer tag's priority (PCP); its VLAN id stays.
  ///
  /// - Parameter priority: 0…7.
  /// - Precondition: the frame has a tag.
  @inlinable public mutating func setVLANPriority(_ priority: UInt8) {
    precondition(hasVLANTag && priority < 8)
    store16((bytes.load16(14).byteSwapped & 0x1FFF | UInt16(priority) &<< 13).byteSwapped, at: 14)
  }

  /// Inserts an 802.1Q tag behind the addresses, which move 4 bytes to the front: the first 4 bytes are overwritten.
  ///
  /// - Parameter control: the TCI: priority, drop eligibility, VLAN id.
  /// - Precondition: 4 bytes of room and an Ethernet header, 18 bytes.
  @inlinable public mutating func insertVLANTag(_ control: UInt16) {
    precondition(byteCount >= 18, "a tagged Ethernet header takes 18 bytes")
    let (first, second) = (bytes.load64(4), bytes.load32(12))
    store64(first, at: 0)
    store32(second, at: 8)
    store32((0x8100_0000 | UInt32(control)).byteSwapped, at: 12)
  }

  /// Removes the outer tag: the addresses move 4 bytes to the back, and the frame begins 4 bytes later.
  ///
  /// - Precondition: the frame has a tag.
  @inlinable public mutating func removeVLANTag() {
    precondition(hasVLANTag)
    let (first, second) = (bytes.load64(0), bytes.load32(8))
    store64(first, at: 4)
    store32(second, at: 12)
  }
}
