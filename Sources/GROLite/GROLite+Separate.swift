import PacketHeaders

extension GROLite {
  /// Parses a burst and merges nothing: each packet is a lone unit, in the order of arrival. For a pipeline that decides
  /// about units and is to do without GRO.
  ///
  /// - Precondition: as for `process`; nothing is held.
  @inlinable @inline(always)
  public mutating func processSeparately<Batch: PacketBatch & ~Copyable & ~Escapable>(_ batch: borrowing Batch) {
    let count = batch.count
    precondition(count <= configuration.capacity, "a burst larger than GRO's capacity")
    precondition(heldTotal == 0, "packets are held: `process` must go on")
    begin(count)
    var ahead = min(configuration.prefetchDistance, count)
    for packet in 0..<ahead { batch.prefetch(at: packet) }
    for packet in 0..<count {
      if ahead < count {
        batch.prefetch(at: ahead)
        ahead &+= 1
      }
      parse(packet, batch)
      addLoneUnit(packet)
    }
  }

  /// Parses one packet of a burst as a unit by itself, beside any burst that was processed: `summary(of:)` has its headers
  /// until another packet of the same index is taken. For who decides about packets one after the other, each while its
  /// headers are at hand.
  ///
  /// - Precondition: `index` is less than the configured capacity; nothing is held.
  @inlinable @inline(always)
  public func takeAlone<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ index: Int, _ batch: borrowing Batch
  ) -> GROUnit {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: configuration.capacity))
    parse(index, batch)
    return GROUnit(index, payload: unsafe summaries[index].payloadLength)
  }
}
