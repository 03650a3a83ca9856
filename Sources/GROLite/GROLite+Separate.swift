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
}
