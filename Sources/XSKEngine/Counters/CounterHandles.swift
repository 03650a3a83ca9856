import CXsk

/// Writes the counters of one (device, queue).
///
/// It is a bare address: copying it touches no reference count. Every place follows from an enumeration whose values are
/// below the block's size, so no write can leave the block.
///
/// - Important: Only the worker that owns the queue may write, and the ``CounterPage`` must outlive the handle.
@frozen @safe public struct QueueCounters: @unchecked Sendable {
  // Sendable: it is made on the control thread and handed to the one worker that writes through it.
  @usableFromInline let base: UnsafeMutablePointer<UInt64>

  /// - Parameter base: 320 words (`CounterPageLayout.slotCounters`), owned by a page.
  @unsafe init(base: UnsafeMutablePointer<UInt64>) { unsafe self.base = base }

  /// Adds to a counter; it wraps past 2⁶⁴.
  @inlinable @inline(__always) public func add(_ counter: QueueCounter, _ amount: UInt64) {
    // In bounds: raw values of QueueCounter are 0…63.
    let place = unsafe base + counter.rawValue
    unsafe cxsk_counter_store(place, cxsk_counter_load(place) &+ amount)
  }

  /// Sets a gauge.
  @inlinable @inline(__always) public func set(_ counter: QueueCounter, _ value: UInt64) {
    unsafe cxsk_counter_store(base + counter.rawValue, value)  // in bounds as above
  }

  @inlinable @inline(__always) public func get(_ counter: QueueCounter) -> UInt64 {
    unsafe cxsk_counter_load(base + counter.rawValue)  // in bounds as above
  }

  /// Counts `packets` received packets as dropped.
  @inlinable @inline(__always) public func drop(_ reason: DropReason, _ packets: UInt64) {
    // In bounds: raw values of DropReason are 0…255 and their places are the last 256 of the block's 320 words.
    let place = unsafe base + (CounterPageLayout.firstDropReason + Int(reason.rawValue))
    unsafe cxsk_counter_store(place, cxsk_counter_load(place) &+ packets)
  }

  @inlinable @inline(__always) public func dropped(_ reason: DropReason) -> UInt64 {
    unsafe cxsk_counter_load(base + (CounterPageLayout.firstDropReason + Int(reason.rawValue)))  // in bounds as above
  }

  /// Packets dropped under any reason.
  public var droppedTotal: UInt64 {
    (0...UInt8.max).reduce(0) { $0 &+ dropped(DropReason(rawValue: $1)) }
  }
}

/// Writes the counters of one worker. The same rules hold as for ``QueueCounters``.
@frozen @safe public struct WorkerCounters: @unchecked Sendable {
  // Sendable: as QueueCounters.
  @usableFromInline let base: UnsafeMutablePointer<UInt64>

  /// - Parameter base: 64 words (`CounterPageLayout.workerCounters`), owned by a page.
  @unsafe init(base: UnsafeMutablePointer<UInt64>) { unsafe self.base = base }

  /// Adds to a counter; it wraps past 2⁶⁴.
  @inlinable @inline(__always) public func add(_ counter: WorkerCounter, _ amount: UInt64) {
    // In bounds: raw values of WorkerCounter are 0…63.
    let place = unsafe base + counter.rawValue
    unsafe cxsk_counter_store(place, cxsk_counter_load(place) &+ amount)
  }

  /// Sets a gauge.
  @inlinable @inline(__always) public func set(_ counter: WorkerCounter, _ value: UInt64) {
    unsafe cxsk_counter_store(base + counter.rawValue, value)  // in bounds as above
  }

  @inlinable @inline(__always) public func get(_ counter: WorkerCounter) -> UInt64 {
    unsafe cxsk_counter_load(base + counter.rawValue)  // in bounds as above
  }
}
