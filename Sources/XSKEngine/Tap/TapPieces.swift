import CXsk

/// The pieces of a packet on its way to the stack, while `TapQueue.send` gathers them: addresses of a burst's bytes, which
/// stay where they are as long as this lives.
@frozen @safe public struct TapPieces: ~Copyable, ~Escapable {
  @usableFromInline let packets: BurstPackets
  // Safe: `TapQueue.maximumPieces` + 1 places of the queue's, which is borrowed longer than this lives.
  @usableFromInline let pieces: UnsafeMutablePointer<cxsk_piece>
  @usableFromInline var count = 1
  @usableFromInline var length: Int

  @inlinable @inline(__always) @_lifetime(copy packets) @unsafe
  init(_ packets: consuming BurstPackets, _ pieces: UnsafeMutablePointer<cxsk_piece>, length: Int) {
    self.packets = packets
    unsafe self.pieces = pieces
    self.length = length
  }

  /// Adds bytes of a packet of the burst (of its first descriptor).
  @inlinable @inline(__always) @_lifetime(self: copy self)
  public mutating func append(_ index: Int, _ range: Range<Int>) {
    let descriptor = packets.descriptor(at: index)
    precondition(range.lowerBound >= 0 && range.upperBound <= Int(descriptor.length))
    // Safe: the worker has checked the descriptor against the UMEM, and the range lies in it.
    unsafe append(packets.pointer(to: descriptor.address) + range.lowerBound, range.count)
  }

  /// Adds a whole packet of the burst, over all of its descriptors.
  @inlinable @inline(__always) @_lifetime(self: copy self)
  public mutating func append(_ index: Int) {
    let descriptor = packets.descriptor(at: index)
    append(descriptor)
    for fragment in Burst.fragmentRange(descriptor) {
      // Safe: the burst's, which is borrowed.
      append(unsafe packets.places.pointee.fragments[fragment])
    }
  }

  @inlinable @inline(__always) @_lifetime(self: copy self)
  mutating func append(_ descriptor: Descriptor) {
    // Safe: the worker has checked address and length against the UMEM.
    unsafe append(packets.pointer(to: descriptor.address), Int(descriptor.length))
  }

  @inlinable @inline(__always) @unsafe @_lifetime(self: copy self)
  mutating func append(_ base: UnsafeRawPointer?, _ size: Int) {
    precondition(count <= TapQueue.maximumPieces, "a packet of more pieces than writev takes")
    // In bounds: checked.
    unsafe pieces[count] = cxsk_piece(base: base, length: size)
    count &+= 1
    length &+= size
  }
}
