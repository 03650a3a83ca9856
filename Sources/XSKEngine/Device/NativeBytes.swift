/// The kernel's structures are in the processor's own byte order; these read and write their fields. Reads are checked:
/// an answer that is shorter than its structure gives nil, not a trap.

extension ArraySlice<UInt8> {
  /// The integer that starts `offset` bytes into the slice; nil if the slice ends before it does.
  func native<T: FixedWidthInteger>(at offset: Int, as type: T.Type = T.self) -> T? {
    let size = MemoryLayout<T>.size
    guard offset >= 0, count >= size, offset <= count - size else { return nil }
    // Bounds: the guard above; unaligned loads are allowed for every integer.
    return unsafe withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: offset, as: type) }
  }

  /// The text in `length` bytes from `offset` on, up to its terminating zero if it has one.
  func text(at offset: Int = 0, length: Int? = nil) -> String? {
    let length = length ?? count - offset
    guard offset >= 0, length >= 0, offset <= count - length else { return nil }
    let bytes = self[startIndex + offset..<startIndex + offset + length]
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }
}

extension [UInt8] {
  mutating func append<T: FixedWidthInteger>(native value: T) {
    unsafe Swift.withUnsafeBytes(of: value) { unsafe append(contentsOf: $0) }
  }

  /// Appends zeros up to a multiple of 4, netlink's alignment.
  mutating func pad() {
    append(contentsOf: repeatElement(0, count: (4 - count % 4) % 4))
  }
}

/// A system call's refusal: an errno, positive.
struct ErrorNumber: Error, Hashable {
  let code: CInt

  /// From an errno of either sign.
  init(_ code: CInt) {
    self.code = code < 0 ? -code : code
  }
}
