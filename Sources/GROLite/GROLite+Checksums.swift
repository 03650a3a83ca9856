import PacketHeaders

extension GROLite {
  /// Verifies a packet about to be appended, and the unit's first one if it is still alone: a lone packet is never summed.
  /// A unit whose first packet turns out bad is closed.
  ///
  /// - Returns: whether both are good.
  @inlinable @inline(never)
  mutating func verify<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ packet: Int, for unit: Int, _ batch: borrowing Batch
  ) -> Bool {
    // `unit` is below `unitTotal`, the packets below the burst's count.
    if unsafe units[unit].packetCount == 1, !isGood(unsafe units[unit].first, batch) {
      unsafe units[unit].room = 0
      return false
    }
    return isGood(packet, batch)
  }

  /// Whether a packet's transport checksum is right; asked for twice, it is summed once. A packet whose bytes are not all
  /// in one piece can't be verified, and counts as bad.
  @inlinable
  mutating func isGood<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ packet: Int, _ batch: borrowing Batch
  ) -> Bool {
    // `packet` is below the burst's count.
    if unsafe checks[packet] == .unknown {
      let verdict = unsafe InternetChecksum.verifyTransport(batch.bytes(at: packet), summaries[packet])
      unsafe checks[packet] = verdict == .good ? .good : .bad
    }
    return unsafe checks[packet] == .good
  }
}

/// Comparison of header bytes.
@usableFromInline
enum HeaderBytes {
  /// Whether two spans hold the same bytes. Headers come in multiples of 4 bytes.
  @inlinable @inline(always)
  static func areEqual(_ one: RawSpan, _ other: RawSpan) -> Bool {
    let count = one.byteCount
    guard count == other.byteCount else { return false }
    var difference: UInt32 = 0
    var offset = 0
    while offset &+ 4 <= count {
      // Offsets are checked, and any bit pattern is an integer.
      difference |=
        unsafe one.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)
        ^ other.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)
      offset &+= 4
    }
    return difference == 0
  }
}
