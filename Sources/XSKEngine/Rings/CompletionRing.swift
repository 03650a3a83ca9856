/// The completion ring: frames that the kernel has transmitted and gives back.
///
///      kernel TX ── frame addresses ──► [ completion ring ] ──► userspace
@frozen @safe public struct CompletionRing: ~Copyable {
  @usableFromInline var indices: ConsumerIndices
  // Safe: `size` entries, only reached through an index that is masked to the ring.
  @usableFromInline let entries: UnsafeMutablePointer<UInt64>

  public init(_ memory: RingMemory) {
    indices = unsafe ConsumerIndices(memory)
    unsafe entries = memory.entries.assumingMemoryBound(to: UInt64.self)
  }

  /// Entries that the ring holds.
  @inlinable public var size: UInt32 { indices.size }

  /// Frames that have come back, at most `count`.
  @inlinable public mutating func available(upTo count: UInt32) -> UInt32 { indices.available(upTo: count) }

  /// The entries from the next on, as a plain value that stays in registers through a loop; `advance` after reading.
  @inlinable var window: RingWindow<UInt64> { unsafe RingWindow(entries, from: indices.next, size: indices.size) }

  @inlinable mutating func advance(by count: UInt32) { indices.next = indices.next &+ count }

  /// Takes one address, as it was transmitted; the caller has asked for `available`.
  @inlinable public mutating func read() -> UInt64 {
    let address = unsafe entries[Int(indices.next & (indices.size &- 1))]
    indices.next = indices.next &+ 1
    return address
  }

  /// Gives the places of everything read back to the kernel.
  @inlinable public func release() { indices.release() }

  /// Frames that wait to be taken.
  @inlinable public var pending: UInt32 { indices.pending }
}
