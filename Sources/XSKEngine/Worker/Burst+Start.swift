extension Burst {
  /// Moves where a packet begins: a header is taken off in front, or there is room for one more.
  ///
  /// - Parameters:
  ///   - index: of the packet, 0 ..< `count`; not a held one.
  ///   - offset: bytes to take off; negative: to add, from the frame's headroom. What is added holds whatever was there,
  ///     the packet's metadata for example. That ends with a move: read it before.
  /// - Returns: false, and nothing has changed, if the frame's chunk has no room, or the packet's first piece fewer bytes.
  @inlinable public mutating func moveStart(_ index: Int, by offset: Int) -> Bool {
    precondition(index < count && verdicts[index] != .held)
    let head = descriptors[index]
    let length = Int(head.length) &- offset
    let start = head.address &+ UInt64(bitPattern: Int64(offset))
    guard length > 0, length <= layout.chunkSize, layout.frame(of: start) == layout.frame(of: head.address) else {
      return false
    }
    if hasMetadata && offset != 0 { layout.clearMetadata(aheadOf: start) }
    descriptors[index].address = start
    descriptors[index].length = UInt32(truncatingIfNeeded: length)
    return true
  }
}
