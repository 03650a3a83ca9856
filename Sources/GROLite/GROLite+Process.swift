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
    // The better of two ways where much merges, and of the other where little does.
    if expectsTwins { takeAll(batch, isLinear: false, hasTags: false) } else { takeSeparateFlows(batch) }
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
    var packet = takeMost(batch, isLinear: isLinear, hasTags: hasTags)
    // Behind a barrier every packet needs a closer look.
    while packet < batch.count {
      takeSlowly(packet, batch, hasTags: hasTags)
      packet &+= 1
    }
  }

  /// Takes all packets, or those up to the first barrier.
  ///
  /// - Returns: the packet that follows.
  @inlinable @inline(always)
  mutating func takeMost<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ batch: borrowing Batch, isLinear: Bool, hasTags: Bool
  ) -> Int {
    let count = batch.count
    // A chunk's headers are all read at its start, so they are asked for that much earlier.
    let distance = configuration.prefetchDistance > 0 ? configuration.prefetchDistance &+ Self.chunkSize : 1 &<< 32
    let table = table
    if distance < 1 &<< 32 { batch.prefetch(0..<min(distance, count), isDeep: hadDeepHeaders) }
    var packet = 0
    while packet < count {
      let end = min(packet &+ Self.chunkSize, count)
      var number = packet
      while number < end {
        // Within the burst.
        unsafe table.memory.places[number] = findPlace(number, batch, table, hasTags: hasTags)
        number &+= 1
      }
      packet = takeChunk(packet..<end, batch, prefetching: distance, isLinear: isLinear, hasTags: hasTags)
      if packet < end { break }
    }
    return packet
  }

  /// Takes a burst in which most packets are expected to be of flows of their own: one step for each packet.
  @inlinable @inline(never)
  mutating func takeSeparateFlows<Batch: PacketBatch & ~Copyable & ~Escapable>(_ batch: borrowing Batch) {
    let count = batch.count
    let distance = configuration.prefetchDistance
    var ahead = distance > 0 ? min(distance, count) : count
    let (table, isDeep) = (table, hadDeepHeaders)
    if distance > 0 { batch.prefetch(0..<ahead, isDeep: isDeep) }
    var packet = 0
    while packet < count {
      let end = min(packet &+ Self.chunkSize, count)
      let next = min(ahead &+ Self.chunkSize, count)
      batch.prefetch(ahead..<next, isDeep: isDeep)
      ahead = next
      while packet < end {
        if hasBarriers || !takeSeparate(packet, batch, table) { takeAny(packet, nil, batch) }
        packet &+= 1
      }
    }
  }

  /// Takes the packets of a chunk whose places were found, up to the first barrier.
  ///
  /// - Returns: the packet that follows.
  @inlinable @inline(always)
  mutating func takeChunk<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ range: Range<Int>, _ batch: borrowing Batch, prefetching distance: Int, isLinear: Bool, hasTags: Bool
  ) -> Int {
    if isLinear { return takeChunkLinear(range, batch, distance, hasTags: hasTags) }
    return hasTags ? takeChunkTagged(range, batch, distance) : takeChunkChain(range, batch, distance)
  }

  @inlinable @inline(never)
  mutating func takeChunkChain<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ range: Range<Int>, _ batch: borrowing Batch, _ distance: Int
  ) -> Int {
    takeEach(range, batch, distance, isLinear: false, hasTags: false)
  }

  @inlinable @inline(never)
  mutating func takeChunkTagged<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ range: Range<Int>, _ batch: borrowing Batch, _ distance: Int
  ) -> Int {
    takeEach(range, batch, distance, isLinear: false, hasTags: true)
  }

  @inlinable @inline(never)
  mutating func takeChunkLinear<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ range: Range<Int>, _ batch: borrowing Batch, _ distance: Int, hasTags: Bool
  ) -> Int {
    takeEach(range, batch, distance, isLinear: true, hasTags: hasTags)
  }

  @inlinable @inline(always)
  mutating func takeEach<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ range: Range<Int>, _ batch: borrowing Batch, _ distance: Int, isLinear: Bool, hasTags: Bool
  ) -> Int {
    let memory = memory
    let (end, isDeep) = (range.upperBound, hadDeepHeaders)
    var packet = range.lowerBound
    while packet < end {
      let ahead = packet &+ distance
      if ahead < batch.count { batch.prefetch(ahead..<ahead &+ 1, isDeep: isDeep) }
      let isTaken = takeShort(packet, batch, memory, isLinear: isLinear)
      if !isTaken { takeSlowly(packet, batch, hasTags: hasTags) }
      packet &+= 1
      if !isTaken && hasBarriers { break }
    }
    return packet
  }

  @inlinable @inline(always)
  mutating func takeSlowly<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ packet: Int, _ batch: borrowing Batch, hasTags: Bool
  ) {
    let tag = hasTags ? batch.flowTag(at: packet) : nil
    if hasTags && tag == nil {
      takeUntagged(packet, batch)
    } else {
      takeAny(packet, tag, batch)
    }
  }

  /// Packets whose places are found at once, or whose headers are prefetched at once.
  @inlinable static var chunkSize: Int { 8 }

  @inlinable @inline(always)
  mutating func begin(_ count: Int) {
    unitTotal = 0
    (hasBarriers, hasDisorder, needsOrdering) = (false, false, false)
    (hadDeepHeaders, hasDeepHeaders) = (hasDeepHeaders, false)
    slotMask = Self.slotCount(for: count) &- 1
    // `count` is at most the capacity.
    if configuration.mode == .linear { unsafe checks.update(repeating: .unknown, count: count) }
    generation &+= 0x1_0000
    if generation == 0 { restartGenerations() }
  }

  /// Generations have 16 bits: once in 65,535 bursts the tables are cleared after all. Generation 0 is what they are cleared
  /// to.
  @inlinable @inline(never)
  mutating func restartGenerations() {
    generation = 0x1_0000
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
    if unsafe summaries[packet].payloadOffset > 64 { hasDeepHeaders = true }
    guard unsafe summaries[packet].flags.contains(.mergeable) else {
      takeAlone(packet, tag, batch)
      return
    }
    let slot = slot(of: packet, tag)
    let flow = findFlow(of: packet, slot)
    if flow < 0 {
      addFlow(packet, slot)
    } else {
      unsafe flows[flow].expectNone()
      if hasBarriers || tag != nil { heedHints(packet, flow, tag, batch) }
      extend(flow, packet, batch)
    }
    if let tag, tag.isEnd { closeUnit(of: flow < 0 ? packet : flow) }
  }

  @inlinable @inline(always)
  func parse<Batch: PacketBatch & ~Copyable & ~Escapable>(_ packet: Int, _ batch: borrowing Batch) {
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
