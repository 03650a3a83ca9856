extension MutableRawSpan {
  /// Swaps an Ethernet frame's destination and source addresses: three word loads, two word stores.
  ///
  /// - Precondition: the frame has at least 12 bytes.
  @inlinable @inline(always)
  public mutating func swapEthernetAddresses() {
    precondition(byteCount >= 12, "an Ethernet frame's addresses take 12 bytes")
    // Bytes 0…5 are the destination, 6…11 the source.
    let low = bytes.load64(0)
    let high = bytes.load32(8)
    let source = low &>> 48 | UInt64(high) &<< 16
    store64(source | low &<< 48, at: 0)
    store32(UInt32(truncatingIfNeeded: low &>> 16), at: 8)
  }

  /// Writes an Ethernet frame's destination and source addresses.
  ///
  /// - Parameters:
  ///   - destination: the address in the low 48 bits, first byte highest (as it is written: `0x0200_0000_0001`).
  ///   - source: the same.
  /// - Precondition: the frame has at least 12 bytes.
  @inlinable @inline(always)
  public mutating func setEthernetAddresses(destination: UInt64, source: UInt64) {
    precondition(byteCount >= 12, "an Ethernet frame's addresses take 12 bytes")
    let first = (destination &<< 16).byteSwapped
    let second = (source &<< 16).byteSwapped
    store64(first | second &<< 48, at: 0)
    store32(UInt32(truncatingIfNeeded: second &>> 16), at: 8)
  }
}
