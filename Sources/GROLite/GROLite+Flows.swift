import PacketHeaders

extension GROLite {
  /// Flows of one slot that are looked at; a burst that has more of them merges less, but never takes longer.
  @inlinable static var slotDepth: Int { 8 }

  @inlinable @inline(always)
  func slot(of packet: Int, _ tag: FlowTag?) -> Int {
    let table = table
    if let tag { return table.slot(tag) }
    // `packet` is below the burst's count.
    let key = unsafe summaries + packet
    let ports = unsafe UInt32(truncatingIfNeeded: key.pointee.key.identity)
    guard unsafe key.pointee.key.version == 6 else { return unsafe table.slot(key.pointee.key.address0, ports) }
    return unsafe table.slot(
      key.pointee.key.address0, key.pointee.key.address1, key.pointee.key.address2, key.pointee.key.address3, ports)
  }

  /// What a loop over packets looks flows up with.
  @inlinable @inline(always)
  var table: FlowTable {
    FlowTable(memory: memory, seed: configuration.seed, slotMask: slotMask, generation: generation)
  }

  @inlinable @inline(always)
  func entry(_ slot: Int) -> UInt32 { table.entry(slot) }

  /// The flow in this burst that a packet belongs to; -1 if it is the first one of its flow.
  @inlinable @inline(always)
  mutating func findFlow(of packet: Int, _ slot: Int) -> Int {
    let entry = entry(slot)
    guard entry < 0x1_0000 else { return -1 }
    // It names one of the burst's flows.
    let flow = Int(entry)
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
    let entry = entry(slot)
    enterFlow(packet, slot, behind: entry < 0x1_0000 ? UInt16(truncatingIfNeeded: entry) : Self.none)
  }

  @inlinable @inline(always)
  mutating func enterFlow(_ packet: Int, _ slot: Int, behind first: UInt16) {
    // `slot` was masked; flows have a place for every packet.
    unsafe flows[packet].nextInSlot = first
    unsafe index[slot] = generation | UInt32(truncatingIfNeeded: packet)
    beginEpoch(packet, packet)
  }

  @inlinable @inline(always)
  mutating func beginEpoch(_ flow: Int, _ packet: Int) {
    let unit = addUnit(openUnit(packet))
    // `flow` is one of the burst's.
    unsafe flows[flow].twinLength = .max
    noteLast(packet, of: flow)
    unsafe flows[flow].chain = Flow.Chain(packet: UInt16(truncatingIfNeeded: packet), unit: unit)
  }

  /// Remembers the epoch's last packet.
  @inlinable @inline(always)
  mutating func noteLast(_ packet: Int, of flow: Int) {
    // `flow` is one of the burst's, `packet` below the burst's count.
    unsafe flows[flow].last = UInt16(truncatingIfNeeded: packet)
    unsafe flows[flow].nextSequence = sequence(behind: packet)
    unsafe flows[flow].note(identification: summaries[packet].identification)
  }

  /// Calls `body` with every flow of the burst. Rarely: it goes through the whole index.
  @inlinable
  mutating func forEachFlow(_ body: (inout GROLite, Int) -> Void) {
    for slot in 0...slotMask {
      let entry = entry(slot)
      var flow = entry < 0x1_0000 ? UInt16(truncatingIfNeeded: entry) : Self.none
      while flow != Self.none {
        body(&self, Int(flow))
        // Links of a slot name the burst's flows.
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
    let entry = unsafe barriers[barrierSlot(packet)] ^ generation
    guard entry < 0x1_0000, UInt16(truncatingIfNeeded: entry) > (unsafe flows[flow].last) else { return }
    endEpoch(flow, batch)
  }

  /// Notes a packet whose ports are unknown (a later fragment, a malformed packet): any flow between its addresses may be
  /// its own, and must not overtake it.
  @inlinable
  mutating func raiseBarrier(_ packet: Int) {
    unsafe barriers[barrierSlot(packet)] = generation | UInt32(truncatingIfNeeded: packet)
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
