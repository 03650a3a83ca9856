/// Bytes 18…25 of an IPv4 frame in one word that counts as they do from packet to packet.
///
///      63        48        32        16     8         0
///      ┌─────────┬─────────┬─────────┬─────┬──────────┐
///      │checksum │ identif.│ fragment│ TTL │ protocol │   each in host order
///      └─────────┴─────────┴─────────┴─────┴──────────┘
///
/// An identification of one more goes with a checksum of one less, so one subtraction makes the next packet's word of this
/// one's. Where the identification wraps (in ones' complement 0xFFFF is 0) the sum stays: the carry into the checksum makes
/// up for the one that was taken. Where the checksum would fall below 0 the subtraction borrows, and the result is wrong.
@usableFromInline
enum HeaderWords {
  @inlinable @inline(always)
  static func counting(_ word: UInt64) -> UInt64 {
    let bytes = word.byteSwapped
    return bytes &>> 16 | bytes &<< 48
  }

  /// What the word becomes less by if the identification grows by `step`, 0 or 1.
  @inlinable @inline(always)
  static func difference(step: UInt8) -> UInt64 { step == 0 ? 0 : 0x0000_FFFF_0000_0000 }

  @inlinable @inline(always)
  static func identification(_ word: UInt64) -> UInt16 { UInt16(truncatingIfNeeded: word &>> 32) }
}
