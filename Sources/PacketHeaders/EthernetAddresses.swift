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

  /// What a router does to an IPv4 packet behind an untagged Ethernet header: other addresses, a lower TTL
  /// (`decrementHopLimit`). One check of bounds for all of it.
  ///
  /// - Precondition: the frame has at least 34 bytes, with a TTL of 2 or more.
  @inlinable @inline(always)
  public mutating func forwardIPv4(to link: EthernetAddresses) {
    precondition(byteCount >= 34, "Ethernet and IPv4 headers take 34 bytes")
    setEthernetAddresses(link)
    decrementHopLimit(at: 14, version: 4)
  }

  /// Writes an Ethernet frame's destination and source addresses.
  ///
  /// - Precondition: the frame has at least 12 bytes.
  @inlinable @inline(always)
  public mutating func setEthernetAddresses(_ link: EthernetAddresses) {
    precondition(byteCount >= 12, "an Ethernet frame's addresses take 12 bytes")
    store64(link.first, at: 0)
    store32(link.last, at: 8)
  }

  /// Writes an Ethernet frame's destination and source addresses.
  ///
  /// - Parameters:
  ///   - destination: the address in the low 48 bits, first byte highest (as it is written: `0x0200_0000_0001`).
  ///   - source: the same.
  /// - Precondition: the frame has at least 12 bytes.
  @inlinable @inline(always)
  public mutating func setEthernetAddresses(destination: UInt64, source: UInt64) {
    setEthernetAddresses(EthernetAddresses(destination: destination, source: source))
  }
}

/// A destination and a source address as they lie in a frame, ready to be written there.
@frozen public struct EthernetAddresses: Hashable, Sendable, BitwiseCopyable {
  @usableFromInline let first: UInt64
  @usableFromInline let last: UInt32

  /// - Parameters:
  ///   - destination: in the low 48 bits, first byte highest (as it is written: `0x0200_0000_0001`).
  ///   - source: the same.
  @inlinable @inline(always)
  public init(destination: UInt64, source: UInt64) {
    let (head, tail) = ((destination &<< 16).byteSwapped, (source &<< 16).byteSwapped)
    first = head | tail &<< 48
    last = UInt32(truncatingIfNeeded: tail &>> 16)
  }
}
