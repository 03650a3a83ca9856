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
    if configuration.mode == .linear {
      takeAllLinear(batch)
    } else if batch.hasFlowTags {
      takeAllTagged(batch)
    } else {
      takeAllChain(batch)
    }
    finish(count, batch, now: now, deliverHeld: deliverHeld)
  }

  // A loop for each: what one does more costs the others nothing.

  @inlinable @inline(never)
  mutating func takeAllChain<Batch: PacketBatch & ~Copyable & ~Escapable>(_ batch: borrowing Batch) {
    takeAll(batch, isLinear: false, hasTags: false)
  }

  @inlinable @inline(never)
  mutating func takeAllTagged<Batch: PacketBatch & ~Copyable & ~Escapable>(_ batch: borrowing Batch) {
    takeAll(batch, isLinear: false, hasTags: true)
  }

  @inlinable @inline(never)
  mutating func takeAllLinear<Batch: PacketBatch & ~Copyable & ~Escapable>(_ batch: borrowing Batch) {
    takeAll(batch, isLinear: true, hasTags: batch.hasFlowTags)
  }

  @inlinable @inline(always)
  mutating func takeAll<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ batch: borrowing Batch, isLinear: Bool, hasTags: Bool
  ) {
    let count = batch.count
    var ahead = min(configuration.prefetchDistance, count)
    for packet in 0..<ahead { batch.prefetch(at: packet) }
    for packet in 0..<count {
      if ahead < count {
        batch.prefetch(at: ahead)
        ahead &+= 1
      }
      let tag = hasTags ? batch.flowTag(at: packet) : nil
      if hasTags && tag == nil {
        takeUntagged(packet, batch)
        continue
      }
      let isPlain = tag.map { !$0.isStart && !$0.isEnd } ?? true
      if isPlain && !hasBarriers && takeShort(packet, tag, batch, isLinear: isLinear) { continue }
      takeAny(packet, tag, batch)
    }
  }

  @inlinable @inline(always)
  mutating func begin(_ count: Int) {
    unitTotal = 0
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

  /// Parses any packet and puts it into its unit.
  @inlinable @inline(never)
  mutating func takeAny<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ packet: Int, _ tag: FlowTag?, _ batch: borrowing Batch
  ) {
    parse(packet, batch)
    // `packet` is below the burst's count.
    guard unsafe summaries[packet].flags.contains(.mergeable) else {
      takeAlone(packet, tag, batch)
      return
    }
    let slot = slot(of: packet, tag)
    let flow = findFlow(of: packet, slot)
    if flow < 0 {
      addFlow(packet, slot)
    } else {
      unsafe flows[flow].twinLength = .max
      if hasBarriers || tag != nil { heedHints(packet, flow, tag, batch) }
      extend(flow, packet, batch)
    }
    if let tag, tag.isEnd { closeUnit(of: flow < 0 ? packet : flow) }
  }

  @inlinable @inline(always)
  mutating func parse<Batch: PacketBatch & ~Copyable & ~Escapable>(_ packet: Int, _ batch: borrowing Batch) {
    let frame = batch.bytes(at: packet)
    // `packet` is below the burst's count.
    if batch.link == .ethernet {
      unsafe summaries[packet].parse(ethernet: frame, length: batch.packetLength(at: packet))
    } else {
      unsafe summaries[packet].parse(rawIP: frame, length: batch.packetLength(at: packet))
    }
  }

  /// A packet without a tag among tagged ones: others of its flow may have tags, so it would not be found with them. It
  /// merges with nothing, and nothing between its hosts merges across it.
  @inlinable @inline(never)
  mutating func takeUntagged<Batch: PacketBatch & ~Copyable & ~Escapable>(_ packet: Int, _ batch: borrowing Batch) {
    parse(packet, batch)
    // `packet` is below the burst's count.
    if unsafe summaries[packet].flags.contains(.addresses) { raiseBarrier(packet) }
    addLoneUnit(packet)
  }

  /// A packet that merges with nothing: a unit of its own, after ending its flow's epoch.
  @inlinable @inline(never)
  mutating func takeAlone<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ packet: Int, _ tag: FlowTag?, _ batch: borrowing Batch
  ) {
    // `packet` is below the burst's count.
    let flags = unsafe summaries[packet].flags
    if flags.contains(.flow) {
      let flow = findFlow(of: packet, slot(of: packet, tag))
      if flow >= 0 { endEpoch(flow, batch) }
    } else if flags.contains(.addresses) {
      raiseBarrier(packet)
    }
    addLoneUnit(packet)
  }

  @inlinable @inline(always)
  mutating func addLoneUnit(_ packet: Int) {
    // `packet` is below the burst's count.
    _ = addUnit(GROUnit(packet, payload: unsafe summaries[packet].payloadLength))
  }

  /// What the burst's end leaves to do. In the ordinary case: nothing.
  @inlinable @inline(always)
  mutating func finish<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ count: Int, _ batch: borrowing Batch, now: UInt64, deliverHeld: Bool
  ) {
    expectsTwins = unitTotal &* 4 <= count &* 3
    if hasDisorder { sortAll(batch) }
    if configuration.holdTime != 0 { markHeld(now: now, deliverHeld: deliverHeld) }
    if needsOrdering { putInOrder(count) }
    if configuration.holdTime != 0 { separateHeld(now: now) }
  }
}
