import CXsk

/// The indices of the side that adds entries to a ring.
///
/// The private index runs ahead of the shared one until `publish()`. The other side's index is read from shared memory
/// only when the cached view of it leaves too little room. All arithmetic wraps: an index passes 2³² within minutes.
@frozen @safe public struct ProducerIndices {
  // Safe: both point into ring memory that outlives the ring, and hold no more than plain integers.
  @usableFromInline let producer: UnsafeMutablePointer<UInt32>
  @usableFromInline let consumer: UnsafeMutablePointer<UInt32>
  @usableFromInline let size: UInt32
  /// The next entry to be written.
  @usableFromInline var next: UInt32
  @usableFromInline var cachedConsumer: UInt32

  init(_ memory: RingMemory) {
    unsafe producer = memory.producer
    unsafe consumer = memory.consumer
    size = unsafe memory.size
    next = unsafe cxsk_load_relaxed(memory.producer)
    cachedConsumer = unsafe cxsk_load_acquire(memory.consumer)
  }

  /// Places that may be written from `next` on, at most `count`.
  ///
  /// The other side may have written nonsense to its index (a tenant's rings are shared memory): more than a ring's
  /// worth is never answered.
  @inlinable mutating func room(for count: UInt32) -> UInt32 {
    var room = size &- (next &- cachedConsumer)
    if room < count || room > size {
      cachedConsumer = unsafe cxsk_load_acquire(consumer)
      room = size &- (next &- cachedConsumer)
      if room > size { room = 0 }
    }
    return min(room, count)
  }

  /// Shows the other side everything that was written so far.
  @inlinable func publish() {
    unsafe cxsk_store_release(producer, next)
  }

  /// Entries that the other side has not taken yet, published or not.
  @inlinable var pending: UInt32 {
    min(size, next &- (unsafe cxsk_load_acquire(consumer)))
  }
}

/// The indices of the side that takes entries from a ring.
@frozen @safe public struct ConsumerIndices {
  // Safe: as in ProducerIndices.
  @usableFromInline let producer: UnsafeMutablePointer<UInt32>
  @usableFromInline let consumer: UnsafeMutablePointer<UInt32>
  @usableFromInline let size: UInt32
  /// The next entry to be read.
  @usableFromInline var next: UInt32
  @usableFromInline var cachedProducer: UInt32

  init(_ memory: RingMemory) {
    unsafe producer = memory.producer
    unsafe consumer = memory.consumer
    size = unsafe memory.size
    next = unsafe cxsk_load_relaxed(memory.consumer)
    cachedProducer = unsafe cxsk_load_acquire(memory.producer)
  }

  /// Entries that may be read from `next` on, at most `count`; never more than a ring's worth, whatever the other side
  /// wrote to its index.
  @inlinable mutating func available(upTo count: UInt32) -> UInt32 {
    var available = cachedProducer &- next
    if available < count || available > size {
      cachedProducer = unsafe cxsk_load_acquire(producer)
      available = cachedProducer &- next
      if available > size { available = 0 }
    }
    return min(available, count)
  }

  /// Gives the places of everything read so far back to the other side.
  @inlinable func release() {
    unsafe cxsk_store_release(consumer, next)
  }

  /// Entries that wait to be taken.
  @inlinable var pending: UInt32 {
    min(size, (unsafe cxsk_load_acquire(producer)) &- next)
  }
}
