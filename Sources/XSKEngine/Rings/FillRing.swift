import CXsk

/// The fill ring: frames that userspace gives to the kernel to receive into.
///
///      userspace ── frame addresses ──► [ fill ring ] ──► kernel RX
@frozen @safe public struct FillRing: ~Copyable {
  @usableFromInline var indices: ProducerIndices
  // Safe: `size` entries, only reached through an index that is masked to the ring.
  @usableFromInline let entries: UnsafeMutablePointer<UInt64>
  @usableFromInline let flags: UnsafeMutablePointer<UInt32>

  public init(_ memory: RingMemory) {
    indices = unsafe ProducerIndices(memory)
    unsafe entries = memory.entries.assumingMemoryBound(to: UInt64.self)
    unsafe flags = memory.flags
  }

  /// Entries that the ring holds.
  @inlinable public var size: UInt32 { indices.size }

  /// Places for new frames, at most `count`.
  @inlinable public mutating func room(for count: UInt32) -> UInt32 { indices.room(for: count) }

  /// The places from the next on, as a plain value that stays in registers through a loop; `advance` after writing.
  @inlinable var window: RingWindow<UInt64> { unsafe RingWindow(entries, from: indices.next, size: indices.size) }

  @inlinable mutating func advance(by count: UInt32) { indices.next = indices.next &+ count }

  /// Writes one frame's address; the caller has asked for `room`.
  @inlinable public mutating func write(_ frame: UInt64) {
    unsafe entries[Int(indices.next & (indices.size &- 1))] = frame
    indices.next = indices.next &+ 1
  }

  /// Gives the kernel everything that was written.
  @inlinable public func publish() { indices.publish() }

  /// Frames that the kernel has not taken yet.
  @inlinable public var pending: UInt32 { indices.pending }

  /// The kernel has stopped for want of frames and must be woken by poll(2) or recvfrom(2).
  @inlinable public var needsWakeup: Bool {
    (unsafe cxsk_load_relaxed(flags)) & CXSK_RING_NEED_WAKEUP != 0
  }
}
