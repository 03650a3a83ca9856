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
    let distance = configuration.prefetchDistance
    var ahead = min(distance, count)
    for index in 0..<ahead { batch.prefetch(at: index) }
    let isEthernet = batch.link == .ethernet
    for packet in 0..<count {
      if ahead < count {
        batch.prefetch(at: ahead)
        ahead &+= 1
      }
      let frame = batch.bytes(at: packet)
      // `packet` < count ≤ capacity.
      if isEthernet {
        unsafe summaries[packet].parse(ethernet: frame, length: batch.packetLength(at: packet))
      } else {
        unsafe summaries[packet].parse(rawIP: frame, length: batch.packetLength(at: packet))
      }
      take(packet, batch)
    }
    finish(count, batch, now: now, deliverHeld: deliverHeld)
  }

  @inlinable @inline(__always)
  mutating func begin(_ count: Int) {
    unitTotal = 0
    flowTotal = 0
    (hasBarriers, hasDisorder, needsOrdering) = (false, false, false)
    slotMask = Self.slots(for: count) &- 1
    // `count` is at most the capacity.
    if configuration.mode == .linear { unsafe checks.update(repeating: .unknown, count: count) }
    generation &+= 1
    if generation == 0x1_0000 { restartGenerations() }
  }

  /// Generations have 16 bits: once in 65,535 bursts the tables are cleared after all.
  @inlinable @inline(never)
  mutating func restartGenerations() {
    generation = 1
    unsafe index.update(repeating: 0, count: Self.slots(for: configuration.capacity))
    unsafe barriers.update(repeating: 0, count: Self.barrierSlots)
  }

  /// Puts a parsed packet into its unit.
  @inlinable @inline(__always)
  mutating func take<Batch: PacketBatch & ~Copyable & ~Escapable>(_ packet: Int, _ batch: borrowing Batch) {
    guard isCandidate(packet) else {
      takeAlone(packet, batch)
      return
    }
    let tag = batch.flowTag(at: packet)
    let slot = slot(of: packet, tag)
    let flow = findFlow(of: packet, slot)
    guard flow >= 0 else {
      addFlow(packet, slot)
      if let tag, tag.isEnd { closeUnit(of: flowTotal &- 1) }
      return
    }
    if hasBarriers || tag != nil { heedHints(packet, flow, tag, batch) }
    extend(flow, packet, batch)
    if let tag, tag.isEnd { closeUnit(of: flow) }
  }

  /// Whether a packet may merge with others at all.
  @inlinable @inline(__always)
  func isCandidate(_ packet: Int) -> Bool {
    // `packet` is below the burst's count.
    let summary = unsafe summaries + packet
    let ordinary = PacketSummary.Flags.exceptional.rawValue | PacketSummary.Flags.flow.rawValue
    // A UDP datagram's tcpWord is 0: it has none of these flags.
    let hinder: PacketSummary.TCPFlags = [.syn, .rst, .urg]
    return unsafe summary.pointee.flags.rawValue & ordinary == PacketSummary.Flags.flow.rawValue
      && summary.pointee.malformation == .none
      && summary.pointee.payloadLength != 0
      && summary.pointee.tcpWord & UInt64(hinder.rawValue) &<< 40 == 0
      && summary.pointee.payloadOffset <= Self.maximumHeaderLength
  }

  /// Longer headers (many IPv6 extensions) merge with nothing, so that a super-frame's header has a bound.
  @inlinable public static var maximumHeaderLength: Int { 256 }

  /// A packet that merges with nothing: a unit of its own, after ending its flow's epoch.
  @inlinable @inline(never)
  mutating func takeAlone<Batch: PacketBatch & ~Copyable & ~Escapable>(_ packet: Int, _ batch: borrowing Batch) {
    // `packet` is below the burst's count.
    let flags = unsafe summaries[packet].flags
    if flags.contains(.flow) {
      let flow = findFlow(of: packet, slot(of: packet, batch.flowTag(at: packet)))
      if flow >= 0 { endEpoch(flow, batch) }
    } else if flags.contains(.addresses) {
      raiseBarrier(packet)
    }
    addLoneUnit(packet)
  }

  @inlinable @inline(__always)
  mutating func addLoneUnit(_ packet: Int) {
    // Units number at most two a packet: see the declaration.
    unsafe units[unitTotal] = GROUnit(packet, payload: summaries[packet].payloadLength)
    unitTotal &+= 1
  }

  /// What the burst's end leaves to do. In the ordinary case: nothing.
  @inlinable @inline(__always)
  mutating func finish<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ count: Int, _ batch: borrowing Batch, now: UInt64, deliverHeld: Bool
  ) {
    if hasDisorder { sortAll(batch) }
    if configuration.holdTime != 0 { markHeld(now: now, deliverHeld: deliverHeld) }
    if needsOrdering { putInOrder(count) }
    if configuration.holdTime != 0 { separateHeld(now: now) }
  }
}
