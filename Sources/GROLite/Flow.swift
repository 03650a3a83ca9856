/// A flow of the burst, and its epoch. A flow's number is the index of its first packet, with which others are compared.
@frozen @usableFromInline
struct Flow: BitwiseCopyable {
  /// What the headers of the next packet look like if it simply continues the flow.
  @usableFromInline var template = HeaderTemplate()
  /// Bytes that such a packet has at least; `.max`: there is no template.
  @usableFromInline var twinLength: UInt32 = .max
  /// The sequence number behind `last`. UDP: of no meaning.
  @usableFromInline var nextSequence: UInt32 = 0
  /// IPv4: the identification of `last`.
  @usableFromInline var identification: UInt16 = 0
  /// The epoch's first packet to arrive: the one that others of the flow are compared with.
  @usableFromInline var head: UInt16 = 0
  /// The epoch's last packet to arrive.
  @usableFromInline var last: UInt16 = 0
  /// The epoch's first unit.
  @usableFromInline var firstUnit: UInt16 = 0
  /// The epoch's latest unit, while its packets come in ascending sequence and units are made as they come; otherwise
  /// `idle` or `disordered`.
  @usableFromInline var unit: UInt16 = Flow.idle
  /// Another flow in the same slot of the index.
  @usableFromInline var nextInSlot: UInt16 = .max

  /// No epoch: what comes next begins one.
  @inlinable static var idle: UInt16 { .max }
  /// An epoch with a packet that came too late: packets are only linked, and units made when it is sorted.
  @inlinable static var disordered: UInt16 { .max &- 1 }

  @inlinable @inline(always)
  init() {}
}

/// What is known about a packet's transport checksum.
@frozen @usableFromInline
enum Check: UInt8, BitwiseCopyable {
  case unknown, good, bad
}
