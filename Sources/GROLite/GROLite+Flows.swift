import PacketHeaders

extension GROLite {
  /// Flows of one slot that are looked at; a burst that has more of them merges less, but never takes longer.
  @inlinable static var slotDepth: Int { 8 }

  @inlinable @inline(always)
  func slot(of packet: Int, _ tag: FlowTag?) -> Int {
    // `packet` is below the burst's count.
    let tag = unsafe tag ?? FlowTag(summaries[packet].key, seed: configuration.seed)
    return Int(tag.id & slotMask)
  }

  /// The flow in this burst that a packet belongs to; -1 if it is the first one of its flow.
  @inlinable @inline(always)
  mutating func findFlow(of packet: Int, _ slot: Int) -> Int {
    // `slot` was masked; an entry of this generation names one of the burst's flows.
    let entry = unsafe index[slot]
    guard entry &>> 16 == generation else { return -1 }
    let flow = Int(entry & 0xFFFF)
    if isSameFlow(flow, packet) { return flow }
    return unsafe findFlow(of: packet, behind: flows[flow].nextInSlot)
  }

  @inlinable @inline(never)
  mutating func findFlow(of packet: Int, behind first: UInt16) -> Int {
    var flow = first
    for _ in 1..<Self.slotDepth where flow != Self.none {
      // Links of a slot name the burst's flows.
      if isSameFlow(Int(flow), packet) { return Int(flow) }
      flow = unsafe flows[Int(flow)].nextInSlot
    }
    return -1
  }

  /// Whether two packets have the same MAC addresses, VLAN tags, IP version, addresses, protocol, ports and flow label.
  @inlinable @inline(always)
  mutating func isSameFlow(_ one: Int, _ other: Int) -> Bool {
    // Both are below the burst's count.
    let left = unsafe summaries + one
    let right = unsafe summaries + other
    guard unsafe left.pointee.key == right.pointee.key else { return false }
    let address = unsafe left.pointee.linkWord0 ^ right.pointee.linkWord0
    let rest = unsafe left.pointee.linkWord1 ^ right.pointee.linkWord1
    let tags = unsafe left.pointee.vlanTags ^ right.pointee.vlanTags
    return address | rest | tags == 0
  }

  /// Enters a new flow, with an epoch that begins with `packet`.
  @inlinable @inline(always)
  mutating func addFlow(_ packet: Int, _ slot: Int) {
    // `slot` was masked.
    let entry = unsafe index[slot]
    _ = enterFlow(packet, slot, behind: entry &>> 16 == generation ? UInt16(truncatingIfNeeded: entry) : Self.none)
  }

  @inlinable @inline(always)
  mutating func enterFlow(_ packet: Int, _ slot: Int, behind first: UInt16) -> GROUnit {
    // `slot` was masked; flows have a place for every packet.
    unsafe flows[packet].nextInSlot = first
    unsafe index[slot] = generation &<< 16 | UInt32(truncatingIfNeeded: packet)
    return beginEpoch(packet, packet)
  }

  /// - Returns: the epoch's first unit.
  @inlinable @inline(always) @discardableResult
  mutating func beginEpoch(_ flow: Int, _ packet: Int) -> GROUnit {
    let opened = openUnit(packet)
    let unit = addUnit(opened)
    let index = UInt16(truncatingIfNeeded: packet)
    // `flow` is one of the burst's.
    unsafe flows[flow].head = index
    unsafe flows[flow].firstUnit = unit
    unsafe flows[flow].unit = unit
    unsafe flows[flow].twinLength = .max
    noteLast(packet, of: flow)
    return opened
  }

  /// Remembers the epoch's last packet.
  @inlinable @inline(always)
  mutating func noteLast(_ packet: Int, of flow: Int) {
    // `flow` is one of the burst's, `packet` below the burst's count.
    unsafe flows[flow].last = UInt16(truncatingIfNeeded: packet)
    unsafe flows[flow].nextSequence = sequence(behind: packet)
    unsafe flows[flow].identification = summaries[packet].identification
  }

  /// Calls `body` with every flow of the burst. Rarely: it goes through the whole index.
  @inlinable
  mutating func forEachFlow(_ body: (inout GROLite, Int) -> Void) {
    for slot in 0...Int(slotMask) {
      // The slot is masked; links of a slot name the burst's flows.
      let entry = unsafe index[slot]
      var flow = entry &>> 16 == generation ? UInt16(truncatingIfNeeded: entry) : Self.none
      while flow != Self.none {
        body(&self, Int(flow))
        flow = unsafe flows[Int(flow)].nextInSlot
      }
    }
  }

  /// Ends a flow's epoch: nothing merges with its packets any more.
  @inlinable @inline(always)
  mutating func endEpoch<Batch: PacketBatch & ~Copyable & ~Escapable>(_ flow: Int, _ batch: borrowing Batch) {
    // `flow` is one of the burst's.
    if unsafe flows[flow].unit == Flow.disordered { sort(flow, batch) }
    unsafe flows[flow].unit = Flow.idle
    unsafe flows[flow].twinLength = .max
  }

  /// The sequence number that continues a TCP packet. Of UDP: of no meaning.
  @inlinable @inline(always)
  func sequence(behind packet: Int) -> UInt32 {
    // `packet` is below the burst's count.
    unsafe summaries[packet].sequence &+ UInt32(summaries[packet].payloadLength)
  }

  /// Nothing may be appended to the flow's latest unit.
  @inlinable
  mutating func closeUnit(of flow: Int) {
    // `flow` is one of the burst's, its unit below `unitTotal`.
    let unit = unsafe flows[flow].unit
    if unit < Flow.disordered { unsafe units[Int(unit)].room = 0 }
    unsafe flows[flow].twinLength = .max
  }

  /// Ends the flow's epoch where the packet's tag says so, or where a packet of unknown flow with the same addresses came
  /// since the flow's last one.
  @inlinable @inline(never)
  mutating func heedHints<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ packet: Int, _ flow: Int, _ tag: FlowTag?, _ batch: borrowing Batch
  ) {
    if let tag, tag.isStart { endEpoch(flow, batch) }
    guard hasBarriers else { return }
    // The slot is masked.
    let entry = unsafe barriers[barrierSlot(packet)]
    guard entry &>> 16 == generation, UInt16(truncatingIfNeeded: entry) > (unsafe flows[flow].last) else { return }
    endEpoch(flow, batch)
  }

  /// Notes a packet whose ports are unknown (a later fragment, a malformed packet): any flow between its addresses may be
  /// its own, and must not overtake it.
  @inlinable
  mutating func raiseBarrier(_ packet: Int) {
    unsafe barriers[barrierSlot(packet)] = generation &<< 16 | UInt32(truncatingIfNeeded: packet)
    hasBarriers = true
  }

  @inlinable
  func barrierSlot(_ packet: Int) -> Int {
    // `packet` is below the burst's count.
    let key = unsafe summaries[packet].key
    let mixed = (key.address0 ^ key.address1 ^ key.address2 ^ key.address3) &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: mixed &>> 48) & (GROMemory.barrierSlots &- 1)
  }
}
