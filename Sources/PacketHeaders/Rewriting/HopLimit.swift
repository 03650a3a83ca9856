extension MutableRawSpan {
  /// Takes one from an IP packet's TTL or hop limit, as a router does (RFC 1812 section 5.3.1, RFC 8200 section 3). IPv4's
  /// header checksum follows (RFC 1624).
  ///
  /// - Parameters:
  ///   - networkOffset: where the IP header begins (`PacketSummary.networkOffset`).
  ///   - version: 4 or 6.
  /// - Precondition: the header is there, and its TTL or hop limit is 2 or more: less is not forwarded.
  @inlinable @inline(always)
  public mutating func decrementHopLimit(at networkOffset: Int, version: UInt8) {
    guard version == 4 else {
      let limit = bytes.load8(networkOffset &+ 7)
      precondition(limit > 1, "a packet at the end of its hop limit is not forwarded")
      return storeBytes(of: limit &- 1, toByteOffset: networkOffset &+ 7, as: UInt8.self)
    }
    // TTL is the low byte, in memory, of the word that it shares with the protocol.
    let old = bytes.load16(networkOffset &+ 8)
    precondition(old & 0xFF > 1, "a packet at the end of its TTL is not forwarded")
    // The sum gets smaller by one, so its complement greater, with end-around carry.
    let checksum = UInt32(bytes.load16(networkOffset &+ 10)) &+ 1
    store16(old &- 1, at: networkOffset &+ 8)
    store16(UInt16(truncatingIfNeeded: checksum &+ (checksum >= 0xFFFF ? 1 : 0)), at: networkOffset &+ 10)
  }
}
