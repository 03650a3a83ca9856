/// The frames that nobody else has: a worker's own stack of frame addresses.
///
/// Last in, first out: the frame that was used last, and is most likely still in the cache, goes out first. It belongs to
/// one worker, so there is no lock.
@frozen @safe public struct FramePool: ~Copyable {
  // Safe: owned here; `count` never leaves 0…capacity.
  @usableFromInline let frames: UnsafeMutablePointer<UInt64>
  @usableFromInline var stored: Int
  /// Frames in the pool now.
  @inlinable public var count: Int { stored }
  /// Frames that it can hold: all of the UMEM's.
  public let capacity: Int

  public init(capacity: Int) {
    unsafe frames = .allocate(capacity: capacity)
    unsafe frames.initialize(repeating: 0, count: capacity)
    self.capacity = capacity
    stored = 0
  }

  deinit { unsafe frames.deallocate() }

  /// Takes back a frame. The frame ledger makes sure that none comes back twice, so there is always room.
  @inlinable public mutating func push(_ frame: UInt64) {
    precondition(stored < capacity, "more frames came back to the pool than the UMEM has")
    unsafe frames[stored] = frame
    stored &+= 1
  }

  /// The frame that came back last.
  @inlinable public mutating func pop() -> UInt64? {
    guard stored > 0 else { return nil }
    stored &-= 1
    return unsafe frames[stored]
  }
}
