/// The RX ring: packets that the kernel has received.
///
///      kernel RX ── descriptors ──► [ RX ring ] ──► userspace
@frozen @safe public struct ReceiveRing: ~Copyable {
  @usableFromInline var indices: ConsumerIndices
  // Safe: `size` entries, only reached through an index that is masked to the ring.
  @usableFromInline let entries: UnsafeMutablePointer<Descriptor>

  public init(_ memory: RingMemory) {
    indices = unsafe ConsumerIndices(memory)
    unsafe entries = memory.entries.assumingMemoryBound(to: Descriptor.self)
  }

  /// Entries that the ring holds.
  @inlinable public var size: UInt32 { indices.size }

  /// Descriptors that may be read, at most `count`.
  @inlinable public mutating func available(upTo count: UInt32) -> UInt32 { indices.available(upTo: count) }

  /// The entries from the next on, as a plain value that stays in registers through a loop.
  @inlinable var window: RingWindow<Descriptor> { unsafe RingWindow(entries, from: indices.next, size: indices.size) }

  /// The descriptor `offset` places after the next; the caller has asked for `available`.
  @inlinable public func peek(_ offset: UInt32) -> Descriptor { window[offset] }

  /// Takes `count` descriptors and gives their places back to the kernel. The frames stay the caller's.
  @inlinable public mutating func release(_ count: UInt32) {
    indices.next = indices.next &+ count
    indices.release()
  }

  /// Descriptors that wait to be taken.
  @inlinable public var pending: UInt32 { indices.pending }
}
