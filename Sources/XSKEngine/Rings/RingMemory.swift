import CXsk

/// Where one ring lies in memory that the kernel (or the simulated NIC) maps too.
///
///      producer ─► [ UInt32 ]   written by the side that adds entries
///      consumer ─► [ UInt32 ]   written by the side that takes them
///      flags    ─► [ UInt32 ]   bit 0: need_wakeup
///      entries  ─► [ 0 | 1 | 2 | … | size − 1 ]
///
/// Both indices run freely and wrap at 2³²; an entry's place is `index & (size − 1)`. Kernel counterpart: struct xsk_queue.
@frozen @unsafe public struct RingMemory {
  public let producer: UnsafeMutablePointer<UInt32>
  public let consumer: UnsafeMutablePointer<UInt32>
  public let flags: UnsafeMutablePointer<UInt32>
  public let entries: UnsafeMutableRawPointer
  /// Entries that the ring holds; a power of two.
  public let size: UInt32

  public init(
    producer: UnsafeMutablePointer<UInt32>, consumer: UnsafeMutablePointer<UInt32>,
    flags: UnsafeMutablePointer<UInt32>, entries: UnsafeMutableRawPointer, size: UInt32
  ) {
    precondition(size > 0 && size & (size &- 1) == 0, "a ring's size is a power of two")
    unsafe self.producer = producer
    unsafe self.consumer = consumer
    unsafe self.flags = flags
    unsafe self.entries = entries
    unsafe self.size = size
  }
}
