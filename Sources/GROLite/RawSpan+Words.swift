/// Words of a packet as in memory. Offsets are checked, and any bit pattern is an integer.
extension RawSpan {
  @inlinable @inline(always)
  func byte(_ offset: Int) -> UInt8 { unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self) }

  @inlinable @inline(always)
  func word(_ offset: Int) -> UInt16 { unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self) }

  @inlinable @inline(always)
  func doubleWord(_ offset: Int) -> UInt32 { unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self) }

  @inlinable @inline(always)
  func quadWord(_ offset: Int) -> UInt64 { unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self) }
}
