/// Who has each frame of a UMEM: two bytes a frame, checked at every hand-over.
///
///      worker ──give(queue, receive)──► kernel RX ──take──► worker
///      worker ──give(queue, transmit)─► kernel TX ──take──► worker
///
/// A frame that the kernel (or whoever shares the rings) names without having been given it is refused, so no frame is
/// ever in two places; and when a queue is lost with its device, the frames that it had are known.
@frozen @safe public struct FrameOwners: ~Copyable {
  // Safe: owned here; every index is checked against `count`.
  @usableFromInline let owners: UnsafeMutablePointer<UInt16>
  @usableFromInline let count: Int

  /// The owner "this worker": pool, burst, or held.
  @usableFromInline static var worker: UInt16 { @inlinable get { 0 } }

  public init(frames: Int) {
    count = frames
    unsafe owners = .allocate(capacity: frames)
    unsafe owners.initialize(repeating: 0, count: frames)
  }

  @inlinable deinit { unsafe owners.deallocate() }

  /// The owner "queue `slot`'s receive side".
  @inlinable static func receive(_ slot: Int) -> UInt16 { UInt16(truncatingIfNeeded: slot &+ 1) }

  /// The owner "queue `slot`'s transmit side".
  @inlinable static func transmit(_ slot: Int) -> UInt16 { UInt16(truncatingIfNeeded: slot &+ 1) | 0x8000 }

  /// Queues that one worker can tell apart.
  static var maximumSlots: Int { 1022 }

  /// The table as a plain value, to stay in registers through a loop.
  @inlinable var table: Table { unsafe Table(owners: owners, count: count) }

  @frozen @safe @usableFromInline struct Table {
    // Safe: as FrameOwners' own.
    @usableFromInline let owners: UnsafeMutablePointer<UInt16>
    @usableFromInline let count: Int

    @inlinable init(owners: UnsafeMutablePointer<UInt16>, count: Int) {
      unsafe self.owners = owners
      self.count = count
    }

    /// Hands a frame of this worker's to `owner`. In debug builds traps if the worker does not have it.
    @inlinable @inline(__always) func give(_ index: Int, to owner: UInt16) {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
      assert(unsafe owners[index] == FrameOwners.worker, "frame \(index) given away by one who does not have it")
      unsafe owners[index] = owner
    }

    /// Takes a frame back from `owner`; false if `owner` does not have it or there is no such frame.
    @inlinable @inline(__always) func take(_ index: Int, from owner: UInt16) -> Bool {
      guard UInt(bitPattern: index) < UInt(bitPattern: count), unsafe owners[index] == owner else { return false }
      unsafe owners[index] = FrameOwners.worker
      return true
    }
  }

  /// Takes back every frame of `owner`, which is gone.
  ///
  /// - Returns: the frames' numbers.
  mutating func reclaim(from owner: UInt16) -> [Int] {
    var frames: [Int] = []
    for index in 0..<count where unsafe owners[index] == owner {
      unsafe owners[index] = Self.worker
      frames.append(index)
    }
    return frames
  }

  /// Frames that `owner` has. For tests and checks.
  func count(of owner: UInt16) -> Int {
    var total = 0
    for index in 0..<count where unsafe owners[index] == owner { total += 1 }
    return total
  }
}
