/// Unaligned loads in memory order. Every offset is bounds-checked by `RawSpan`; where a length guard stands before a load
/// at a constant offset the compiler removes the check. Fields in network order need `.byteSwapped`: the processors that
/// this package runs on (x86-64, arm64) are little-endian.
extension RawSpan {
  @inlinable @inline(always)
  func load8(_ offset: Int) -> UInt8 {
    // Any bit pattern is a valid integer, so the load is type safe; the offset is checked.
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  @inlinable @inline(always)
  func load16(_ offset: Int) -> UInt16 {
    // As load8(_:).
    unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self)
  }

  @inlinable @inline(always)
  func load32(_ offset: Int) -> UInt32 {
    // As load8(_:).
    unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)
  }

  @inlinable @inline(always)
  func load64(_ offset: Int) -> UInt64 {
    // As load8(_:).
    unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
  }
}

extension MutableRawSpan {
  @inlinable @inline(always)
  mutating func store16(_ value: UInt16, at offset: Int) {
    storeBytes(of: value, toByteOffset: offset, as: UInt16.self)
  }

  @inlinable @inline(always)
  mutating func store32(_ value: UInt32, at offset: Int) {
    storeBytes(of: value, toByteOffset: offset, as: UInt32.self)
  }

  @inlinable @inline(always)
  mutating func store64(_ value: UInt64, at offset: Int) {
    storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
  }
}
