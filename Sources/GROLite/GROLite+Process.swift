import PacketHeaders

extension GROLite {
  /// Parses and coalesces a burst. Afterwards its units are there to be read, until the next burst.
  ///
  /// - Parameters:
  ///   - batch: the burst. Its first `heldCount` packets are those that the last burst left held, in that order.
  ///   - now: nanoseconds on any steady clock; only read if a hold time is configured.
  ///   - deliverHeld: hold nothing back this time, whatever is configured.
  /// - Precondition: `batch.count` is at most the configured capacity, and at least `heldCount`.
  @inlinable
  public mutating func process<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ batch: borrowing Batch, now: UInt64 = 0, deliverHeld: Bool = false
  ) {
    let count = batch.count
    precondition(count <= configuration.capacity, "a burst larger than GRO's capacity")
    precondition(count >= heldTotal, "a burst without the packets that GRO holds")
    begin(count)
    parse(batch, count)
    for packet in 0..<count { take(packet, batch) }
    finish(count, batch, now: now, deliverHeld: deliverHeld)
  }

  /// Parses all headers, prefetching those ahead, and finds each candidate's slot. A loop of its own: what it reads comes from memory, what the next one
  /// reads is in the nearest cache by then, and each keeps its state in registers.
  @inlinable @inline(never)
  mutating func parse<Batch: PacketBatch & ~Copyable & ~Escapable>(_ batch: borrowing Batch, _ count: Int) {
    var ahead = min(configuration.prefetchDistance, count)
    for packet in 0..<ahead { batch.prefetch(at: packet) }
    let summaries = unsafe self.summaries
    let slots = unsafe self.slots
    let isEthernet = batch.link == .ethernet
    for packet in 0..<count {
      if ahead < count {
        batch.prefetch(at: ahead)
        ahead &+= 1
      }
      // `packet` < count ≤ capacity.
      let frame = batch.bytes(at: packet)
      if isEthernet {
        unsafe summaries[packet].parse(ethernet: frame, length: batch.packetLength(at: packet))
      } else {
        unsafe summaries[packet].parse(rawIP: frame, length: batch.packetLength(at: packet))
      }
      let mayMerge = unsafe summaries[packet].flags.contains(.mergeable)
      unsafe slots[packet] = mayMerge ? slot(of: packet, batch.flowTag(at: packet)) : Self.none
    }
  }

  @inlinable @inline(always)
  mutating func begin(_ count: Int) {
    unitTotal = 0
    lastFlow = Self.none
    (hasBarriers, hasDisorder, needsOrdering) = (false, false, false)
    slotMask = UInt16(truncatingIfNeeded: Self.slotCount(for: count) &- 1)
    // `count` is at most the capacity.
    if configuration.mode == .linear { unsafe checks.update(repeating: .unknown, count: count) }
    generation &+= 1
    if generation == 0x1_0000 { restartGenerations() }
  }

  /// Generations have 16 bits: once in 65,535 bursts the tables are cleared after all.
  @inlinable @inline(never)
  mutating func restartGenerations() {
    generation = 1
    unsafe index.update(repeating: 0, count: GROMemory.indexSlots)
    unsafe barriers.update(repeating: 0, count: GROMemory.barrierSlots)
  }

  /// Puts a parsed packet into its unit.
  @inlinable @inline(always)
  mutating func take<Batch: PacketBatch & ~Copyable & ~Escapable>(_ packet: Int, _ batch: borrowing Batch) {
    // `packet` is below the burst's count.
    let slot = unsafe slots[packet]
    guard slot != Self.none else {
      takeAlone(packet, batch)
      return
    }
    let tag = batch.flowTag(at: packet)
    let flow = findFlow(of: packet, Int(slot))
    if flow < 0 {
      addFlow(packet, Int(slot))
    } else {
      if hasBarriers || tag != nil { heedHints(packet, flow, tag, batch) }
      extend(flow, packet, batch)
    }
    if let tag, tag.isEnd { closeUnit(of: flow < 0 ? packet : flow) }
  }

  /// A packet that merges with nothing: a unit of its own, after ending its flow's epoch.
  @inlinable @inline(never)
  mutating func takeAlone<Batch: PacketBatch & ~Copyable & ~Escapable>(_ packet: Int, _ batch: borrowing Batch) {
    // `packet` is below the burst's count.
    let flags = unsafe summaries[packet].flags
    if flags.contains(.flow) {
      let flow = findFlow(of: packet, Int(slot(of: packet, batch.flowTag(at: packet))))
      if flow >= 0 { endEpoch(flow, batch) }
    } else if flags.contains(.addresses) {
      raiseBarrier(packet)
    }
    addLoneUnit(packet)
  }

  @inlinable @inline(always)
  mutating func addLoneUnit(_ packet: Int) {
    // Units number at most two a packet: see the declaration.
    unsafe units[unitTotal] = GROUnit(packet, payload: summaries[packet].payloadLength)
    unitTotal &+= 1
  }

  /// What the burst's end leaves to do. In the ordinary case: nothing.
  @inlinable @inline(always)
  mutating func finish<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ count: Int, _ batch: borrowing Batch, now: UInt64, deliverHeld: Bool
  ) {
    if hasDisorder { sortAll(batch) }
    if configuration.holdTime != 0 { markHeld(now: now, deliverHeld: deliverHeld) }
    if needsOrdering { putInOrder(count) }
    if configuration.holdTime != 0 { separateHeld(now: now) }
  }
}
