extension MutableRawSpan {
  /// Swaps an Ethernet header's destination and source addresses: two word loads, two word stores.
  ///
  /// - Precondition: the frame has at least the 14 bytes of an Ethernet header.
  @inlinable @inline(__always)
  public mutating func swapEthernetAddresses() {
    precondition(byteCount >= 14, "an Ethernet header takes 14 bytes")
    // Bytes 0…5 are the destination, 6…11 the source. The second load takes the Ethernet type along, which costs less than
    // putting the source together from two loads.
    let destination = bytes.load64(0)
    let source = bytes.load64(6)
    store64(source & 0xffff_ffff_ffff | destination &<< 48, at: 0)
    store32(UInt32(truncatingIfNeeded: destination &>> 16), at: 8)
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
