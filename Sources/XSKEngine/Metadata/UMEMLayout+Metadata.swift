extension UMEMLayout {
  /// Where in its chunk a plain address lies.
  @inlinable @inline(__always) func offset(of address: UInt64) -> Int {
    Int(truncatingIfNeeded: address & chunkMask)
  }

  /// Makes the metadata of frames that the kernel is about to receive into empty, so that what is read there later was written
  /// for the packet that is there. Without this a packet that a program or driver passed on without metadata would show what
  /// an earlier one left in its frame.
  ///
  /// - Parameter frames: addresses of frames' first bytes, each inside the UMEM.
  func clearMetadata(_ frames: UnsafeMutableBufferPointer<UInt64>) {
    for index in 0..<frames.count {
      // In bounds; one frame after the other.
      clearMetadata(aheadOf: unsafe frames[index] + UInt64(packetOffset))
    }
  }

  /// The same for one packet, which begins at a plain address of the UMEM.
  @inlinable @inline(__always) func clearMetadata(aheadOf packet: UInt64) {
    guard offset(of: packet) >= metadataLength else { return }
    // Safe: a block begins with two words of size codes, and its whole length lies ahead of the packet in the same frame.
    let header = unsafe pointer(to: packet) - metadataLength
    unsafe header.storeBytes(of: 0, as: UInt64.self)
    unsafe header.storeBytes(of: 0, toByteOffset: 8, as: UInt64.self)
  }
}
