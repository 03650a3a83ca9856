import CXsk

/// The TX ring: packets that userspace wants transmitted.
///
///      userspace ── descriptors ──► [ TX ring ] ──► kernel TX
@frozen @safe public struct TransmitRing: ~Copyable {
  @usableFromInline var indices: ProducerIndices
  // Safe: `size` entries, only reached through an index that is masked to the ring.
  @usableFromInline let entries: UnsafeMutablePointer<Descriptor>
  @usableFromInline let flags: UnsafeMutablePointer<UInt32>

  public init(_ memory: RingMemory) {
    indices = unsafe ProducerIndices(memory)
    unsafe entries = memory.entries.assumingMemoryBound(to: Descriptor.self)
    unsafe flags = memory.flags
  }

  /// Entries that the ring holds.
  @inlinable public var size: UInt32 { indices.size }

  /// Places for new descriptors, at most `count`.
  @inlinable public mutating func room(for count: UInt32) -> UInt32 { indices.room(for: count) }

  /// The places from the next on, as a plain value that stays in registers through a loop; `advance` after writing.
  @inlinable var window: RingWindow<Descriptor> { unsafe RingWindow(entries, from: indices.next, size: indices.size) }

  @inlinable mutating func advance(by count: UInt32) { indices.next = indices.next &+ count }

  /// Writes one descriptor; the caller has asked for `room`.
  @inlinable public mutating func write(_ descriptor: Descriptor) {
    unsafe entries[Int(indices.next & (indices.size &- 1))] = descriptor
    indices.next = indices.next &+ 1
  }

  /// Shows the kernel everything that was written.
  @inlinable public func publish() { indices.publish() }

  /// Descriptors that the kernel has not taken yet.
  @inlinable public var pending: UInt32 { indices.pending }

  /// The kernel transmits nothing until it is woken by sendto(2) or poll(2). Always so in copy mode.
  @inlinable public var needsWakeup: Bool {
    (unsafe cxsk_load_relaxed(flags)) & CXSK_RING_NEED_WAKEUP != 0
  }
}
