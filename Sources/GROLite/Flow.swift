/// A flow of the burst, and its epoch.
@frozen @usableFromInline
struct Flow: BitwiseCopyable {
  @frozen @usableFromInline
  enum State: UInt8, BitwiseCopyable {
    /// No epoch: what comes next begins one.
    case idle
    /// An epoch whose packets came in ascending sequence. Its units are made as they come.
    case ordered
    /// An epoch with a packet that came too late. Its packets are only linked; units are made when it is sorted.
    case disordered
  }

  /// The epoch's first packet to arrive: the one that others are compared with.
  @usableFromInline var head: UInt16 = 0
  /// The epoch's last packet to arrive.
  @usableFromInline var last: UInt16 = 0
  /// The epoch's first and latest unit.
  @usableFromInline var firstUnit: UInt16 = 0
  @usableFromInline var unit: UInt16 = 0
  /// The sequence number behind `last`. UDP: 0.
  @usableFromInline var nextSequence: UInt32 = 0
  /// Another flow in the same slot of the index.
  @usableFromInline var nextInSlot: UInt16 = .max
  @usableFromInline var state = State.idle

  @inlinable @inline(__always)
  init() {}
}

/// What is known about a packet's transport checksum.
@frozen @usableFromInline
enum Check: UInt8, BitwiseCopyable {
  case unknown, good, bad
}
