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

  @inlinable deinit { unsafe frames.deallocate() }

  /// A working copy of the stack for a loop over many frames: it stays in registers, where the pool itself would be read
  /// and written in memory for every frame. The pool is not to be used until the copy was given back by `finish`.
  @inlinable var top: Top { unsafe Top(frames: frames, count: stored, capacity: capacity) }

  @inlinable mutating func finish(_ top: Top) { stored = top.count }

  @frozen @safe @usableFromInline struct Top {
    // Safe: as the pool's own.
    @usableFromInline let frames: UnsafeMutablePointer<UInt64>
    @usableFromInline var count: Int
    @usableFromInline let capacity: Int

    @inlinable init(frames: UnsafeMutablePointer<UInt64>, count: Int, capacity: Int) {
      unsafe self.frames = frames
      self.count = count
      self.capacity = capacity
    }

    /// Takes back a frame; the caller knows that there is room.
    @inlinable @inline(__always) mutating func pushKnown(_ frame: UInt64) {
      assert(count < capacity)
      unsafe frames[count] = frame
      count &+= 1
    }

    /// The frame on top; the caller knows that there is one.
    @inlinable @inline(__always) mutating func popKnown() -> UInt64 {
      assert(count > 0)
      count &-= 1
      return unsafe frames[count]
    }

    /// Takes back `source.count` frames, each made of a place's value by `frame`.
    @inlinable @inline(__always) @unsafe
    mutating func push<Entry: BitwiseCopyable>(
      _ source: UnsafeBufferPointer<Entry>, _ frame: (Entry) -> UInt64
    ) {
      precondition(source.count <= capacity &- count, "more frames came back to the pool than the UMEM has")
      guard let from = source.baseAddress else { return }
      let to = unsafe frames + count
      for index in 0..<source.count { unsafe to[index] = frame(from[index]) }
      count &+= source.count
    }
  }

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
