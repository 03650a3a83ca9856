/// A ring's entries counted from one of them. Whatever the offset, an access stays inside the ring.
@frozen @safe @usableFromInline struct RingWindow<Entry: BitwiseCopyable> {
  // Safe: every place is masked to the ring, whose memory outlives the loop that the window is made for.
  @usableFromInline let entries: UnsafeMutablePointer<Entry>
  @usableFromInline let start: UInt32
  @usableFromInline let mask: UInt32

  @inlinable init(_ entries: UnsafeMutablePointer<Entry>, from start: UInt32, size: UInt32) {
    unsafe self.entries = entries
    self.start = start
    mask = size &- 1
  }

  /// The entries from `offset` on that lie in one piece, at most `count`: a loop over them needs no masking.
  @inlinable @inline(__always) @unsafe
  func piece(from offset: UInt32, count: UInt32) -> UnsafeMutableBufferPointer<Entry> {
    let place = (start &+ offset) & mask
    let length = min(count, mask &+ 1 &- place)
    return unsafe UnsafeMutableBufferPointer(start: entries + Int(place), count: Int(length))
  }

  @inlinable subscript(offset: UInt32) -> Entry {
    @inline(__always) get { unsafe entries[Int((start &+ offset) & mask)] }
    @inline(__always) nonmutating set { unsafe entries[Int((start &+ offset) & mask)] = newValue }
  }
}
