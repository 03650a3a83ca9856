import PacketHeaders

/// The short ways, for packets that need nothing of the rest:
///
/// - a *twin* continues its flow's latest unit with a full segment, and its headers are those of the packet before it: it is
///   compared, word for word, and not even parsed;
/// - a *newcomer* is an ordinary packet in a slot of the index that no flow of this burst has taken: no flow to look for.
///
/// A packet that equals one which was parsed and found good, in all but what may differ, is just as well formed, of the same
/// flow and of the same epoch. What may differ and is not looked at: the transport checksum, TCP's urgent pointer (URG is
/// not set), and payload. *Equal* are lengths, so that only full segments are twins, and TCP's flags, so that PSH and FIN
/// are not among them. What must have grown by a segment is TCP's sequence number and IPv4's identification.
extension GROLite {
  /// Where a packet belongs, as far as that can be told before the packets ahead of it are taken: the first of two steps. Of
  /// several packets at once, so that what each waits for (its header, the index, and then the flow) is waited for together.
  @inlinable @inline(always)
  func findPlace<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ packet: Int, _ batch: borrowing Batch, _ table: FlowTable, hasTags: Bool
  ) -> PacketPlace {
    let frame = batch.bytes(at: packet)
    guard frame.byteCount >= 54, batch.link == .ethernet else { return .unknown }
    let etherType = frame.word(12)
    let isIPv4 = etherType == Self.ipv4
    guard isIPv4 || (etherType == Self.ipv6 && frame.byteCount >= 74) else { return .unknown }
    let slot: Int
    if hasTags {
      guard let tag = batch.flowTag(at: packet), !tag.isStart, !tag.isEnd else { return .unknown }
      slot = table.slot(tag)
    } else {
      slot = isIPv4 ? table.shortSlotIPv4(frame) : table.shortSlotIPv6(frame)
    }
    return PacketPlace(table.entry(slot), slot, isIPv4: isIPv4)
  }

  /// Takes a twin or a newcomer.
  ///
  /// - Returns: false if the packet is neither, or may be neither; nothing has changed then.
  @inlinable @inline(always)
  mutating func takeShort<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ packet: Int, _ batch: borrowing Batch, _ memory: GROMemory, isLinear: Bool
  ) -> Bool {
    // `packet` is below the burst's count.
    let place = unsafe memory.places[packet]
    let frame = batch.bytes(at: packet)
    var number = place.rawValue
    if number >= PacketPlace.ipv6 {
      guard place.isNewIPv4 else {
        guard place != .unknown else { return false }
        return takeShortIPv6(packet, frame, place, batch.packetLength(at: packet))
      }
      // A packet of the same chunk may have been first.
      number = entry(place.slot)
      if number >= 0x1_0000 { return takeNewcomerIPv4(packet, frame, place.slot, batch.packetLength(at: packet)) }
    }
    return takeTwinIPv4(packet, frame, Int(number), memory, isLinear: isLinear)
  }

  /// As `takeShort`, with no place found before: a newcomer most likely, and without twins.
  @inlinable @inline(always)
  mutating func takeSeparate<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ packet: Int, _ batch: borrowing Batch, _ table: FlowTable
  ) -> Bool {
    let frame = batch.bytes(at: packet)
    guard frame.byteCount >= 54, batch.link == .ethernet else { return false }
    let etherType = frame.word(12)
    if etherType == Self.ipv4 {
      let slot = table.shortSlotIPv4(frame)
      let number = table.entry(slot)
      guard number >= 0x1_0000 else { return takeTwinAlone(packet, frame, Int(number)) }
      // `packet` is below the burst's count. What the short parser knows has the slot that `shortSlotIPv4` computed.
      let length = batch.packetLength(at: packet)
      guard unsafe table.memory.summaries[packet].parseCommonIPv4(frame, length) else { return false }
      return enterNewcomer(packet, slot)
    }
    guard etherType == Self.ipv6, frame.byteCount >= 74 else { return false }
    let slot = table.shortSlotIPv6(frame)
    return takeShortIPv6(
      packet, frame, PacketPlace(table.entry(slot), slot, isIPv4: false), batch.packetLength(at: packet))
  }

  @inlinable @inline(never)
  mutating func takeTwinAlone(_ packet: Int, _ frame: RawSpan, _ number: Int) -> Bool {
    takeTwinIPv4(packet, frame, number, memory, isLinear: false)
  }

  @inlinable @inline(always)
  mutating func enterNewcomer(_ packet: Int, _ slot: Int) -> Bool {
    // `packet` is below the burst's count.
    let summary = unsafe summaries + packet
    guard unsafe summary.pointee.flags.contains(.mergeable) else { return false }
    if unsafe summary.pointee.payloadOffset > 64 { hasDeepHeaders = true }
    enterFlow(packet, slot, behind: Self.none)
    return true
  }

  /// The IPv6 half. A function of its own, so that it takes no registers from the loop around the other half.
  @inlinable @inline(never)
  mutating func takeShortIPv6(_ packet: Int, _ frame: RawSpan, _ place: PacketPlace, _ length: Int) -> Bool {
    var number = place.rawValue &- PacketPlace.ipv6
    if number >= 0x1_0000 {
      number = entry(place.slot)
      if number >= 0x1_0000 { return takeNewcomerIPv6(packet, frame, place.slot, length) }
    }
    return takeTwinIPv6(packet, frame, Int(number), memory, isLinear: configuration.mode == .linear)
  }

  /// EtherTypes as in memory.
  @inlinable @inline(always) static var ipv4: UInt16 { 0x0008 }
  @inlinable @inline(always) static var ipv6: UInt16 { 0xDD86 }

  @inlinable @inline(never)
  mutating func takeNewcomerIPv4(_ packet: Int, _ frame: RawSpan, _ slot: Int, _ length: Int) -> Bool {
    // `packet` is below the burst's count. What the short parser knows has the slot that `shortSlotIPv4` computed.
    unsafe summaries[packet].parseCommonIPv4(frame, length) && takeNewcomer(packet, frame, slot, isIPv4: true)
  }

  @inlinable @inline(never)
  mutating func takeNewcomerIPv6(_ packet: Int, _ frame: RawSpan, _ slot: Int, _ length: Int) -> Bool {
    // As above.
    unsafe summaries[packet].parseCommonIPv6(frame, length) && takeNewcomer(packet, frame, slot, isIPv4: false)
  }

  @inlinable @inline(always)
  mutating func takeNewcomer(_ packet: Int, _ frame: RawSpan, _ slot: Int, isIPv4: Bool) -> Bool {
    guard enterNewcomer(packet, slot) else { return false }
    // In traffic where little merges, making ready for twins would be in vain; a second packet does it all the same.
    // Linear mode sums up the first packet with the second. The latest unit is the packet's own.
    guard expectsTwins, unsafe !units[unitTotal &- 1].mayBeLinear else { return true }
    // The second packet has yet to show how IPv4's identification goes on; most count up.
    expectTwins(of: packet, in: packet, unitTotal &- 1, frame, isIPv4: isIPv4, step: isIPv4 ? 1 : 0)
    return true
  }

  @inlinable @inline(always)
  mutating func takeTwinIPv4(
    _ packet: Int, _ frame: RawSpan, _ number: Int, _ memory: GROMemory, isLinear: Bool
  ) -> Bool {
    // An entry of the index names one of the burst's flows, by its first packet.
    let flow = unsafe memory.flows + number
    guard frame.byteCount >= 54, unsafe frame.byteCount >= Int(flow.pointee.twinLength) else { return false }
    let first = unsafe memory.summaries + number
    let network = HeaderWords.counting(frame.quadWord(18))
    guard unsafe frame.quadWord(0) == first.pointee.linkWord0,
      unsafe frame.doubleWord(8) == UInt32(truncatingIfNeeded: first.pointee.linkWord1),
      unsafe frame.doubleWord(14) == flow.pointee.ipv4Start, unsafe network == flow.pointee.network,
      unsafe frame.quadWord(26) == first.pointee.key.address0,
      unsafe frame.doubleWord(34) == UInt32(truncatingIfNeeded: first.pointee.key.identity)
    else { return false }
    let kind = unsafe flow.pointee.kind
    if kind == .udpIPv4 {
      guard unsafe frame.word(38) == UInt16(truncatingIfNeeded: flow.pointee.moreOptions), frame.word(40) != 0 else {
        return false
      }
    } else {
      guard unsafe frame.doubleWord(38).byteSwapped == flow.pointee.nextSequence,
        unsafe frame.quadWord(42) == flow.pointee.tcpWord
      else { return false }
      if kind != .tcpIPv4 {
        guard kind == .tcpOptionsIPv4, frame.byteCount >= 66, unsafe frame.quadWord(54) == flow.pointee.options,
          unsafe frame.doubleWord(62) == flow.pointee.moreOptions
        else { return false }
      }
    }
    guard appendTwin(packet, frame, number, memory, isLinear: isLinear) else { return false }
    let (next, borrows) = unsafe network.subtractingReportingOverflow(flow.pointee.networkStep)
    unsafe flow.pointee.network = next
    // The next checksum is not known: the next packet is parsed.
    if borrows { unsafe flow.pointee.expectNone() }
    return true
  }

  @inlinable @inline(always)
  mutating func takeTwinIPv6(
    _ packet: Int, _ frame: RawSpan, _ number: Int, _ memory: GROMemory, isLinear: Bool
  ) -> Bool {
    guard frame.byteCount >= 74 else { return false }
    // As above.
    let flow = unsafe memory.flows + number
    guard unsafe frame.byteCount >= Int(flow.pointee.twinLength) else { return false }
    let first = unsafe memory.summaries + number
    guard unsafe frame.quadWord(0) == first.pointee.linkWord0,
      unsafe frame.doubleWord(8) == UInt32(truncatingIfNeeded: first.pointee.linkWord1),
      unsafe frame.quadWord(14) == flow.pointee.network, unsafe frame.quadWord(22) == first.pointee.key.address0,
      unsafe frame.quadWord(30) == first.pointee.key.address1, unsafe frame.quadWord(38) == first.pointee.key.address2,
      unsafe frame.quadWord(46) == first.pointee.key.address3,
      unsafe frame.doubleWord(54) == UInt32(truncatingIfNeeded: first.pointee.key.identity)
    else { return false }
    let kind = unsafe flow.pointee.kind
    if kind == .udpIPv6 {
      guard unsafe frame.word(58) == UInt16(truncatingIfNeeded: flow.pointee.moreOptions), frame.word(60) != 0 else {
        return false
      }
    } else {
      guard unsafe frame.doubleWord(58).byteSwapped == flow.pointee.nextSequence,
        unsafe frame.quadWord(62) == flow.pointee.tcpWord
      else { return false }
      if kind != .tcpIPv6 {
        guard kind == .tcpOptionsIPv6, frame.byteCount >= 86, unsafe frame.quadWord(74) == flow.pointee.options,
          unsafe frame.doubleWord(82) == flow.pointee.moreOptions
        else { return false }
      }
    }
    return appendTwin(packet, frame, number, memory, isLinear: isLinear)
  }

  /// Appends a packet whose headers are as expected to its flow's latest unit, if that has room for it.
  @inlinable @inline(always)
  mutating func appendTwin(
    _ packet: Int, _ frame: RawSpan, _ number: Int, _ memory: GROMemory, isLinear: Bool
  ) -> Bool {
    // `number` is one of the burst's flows; where a packet is expected its unit is below `unitTotal`.
    let flow = unsafe memory.flows + number
    let unit = unsafe memory.units + Int(flow.pointee.unit)
    let payload = unsafe flow.pointee.payload
    let (room, isFull) = unsafe unit.pointee.room.subtractingReportingOverflow(payload)
    guard !isFull else { return false }
    guard !isLinear || isGoodTwin(packet, Int(unsafe flow.pointee.unit), frame) else { return false }
    let index = UInt16(truncatingIfNeeded: packet)
    unsafe unit.pointee.room = room
    unsafe unit.pointee.packetCount &+= 1
    unsafe memory.links[Int(flow.pointee.last)] = index
    unsafe flow.pointee.last = index
    unsafe flow.pointee.nextSequence &+= UInt32(payload)
    return true
  }

  /// Verifies a twin's transport checksum, if its unit is one that it counts for. All that says where it is and what it
  /// covers, the twin has in common with the unit's first packet, which was parsed.
  @inlinable @inline(never)
  mutating func isGoodTwin(_ packet: Int, _ unit: Int, _ frame: RawSpan) -> Bool {
    // `unit` is below `unitTotal`, the packets below the burst's count.
    guard unsafe units[unit].mayBeLinear else { return true }
    let isGood = unsafe InternetChecksum.verifyTransport(frame, summaries[units[unit].first]) == .good
    unsafe checks[packet] = isGood ? .good : .bad
    return isGood
  }

  /// Makes ready for the twins of a packet that its flow's latest unit ends with, if it can have any.
  ///
  /// - Parameters:
  ///   - number: that unit.
  ///   - isIPv4: the packet's IP version; it has no options and no extension headers.
  ///   - step: by how much IPv4's identification will grow.
  @inlinable @inline(always)
  mutating func expectTwins(
    of packet: Int, in flow: Int, _ number: Int, _ frame: RawSpan, isIPv4: Bool, step: UInt8
  ) {
    // `packet` is below the burst's count, `number` below `unitTotal`, `flow` one of the burst's.
    let summary = unsafe summaries + packet
    let unit = unsafe units + number
    let flow = unsafe flows + flow
    guard unsafe unit.pointee.room >= unit.pointee.firstPayload else { return }
    let end = unsafe summary.pointee.endOffset
    let transport = isIPv4 ? 34 : 54
    guard frame.byteCount >= max(end, transport &+ 20) else { return }
    if unsafe summary.pointee.tcpWord == 0 {
      unsafe flow.pointee.kind = isIPv4 ? .udpIPv4 : .udpIPv6
      unsafe flow.pointee.moreOptions = UInt32(frame.word(transport &+ 4))
    } else if unsafe !summary.pointee.flags.contains(.tcpOptions) {
      unsafe flow.pointee.kind = isIPv4 ? .tcpIPv4 : .tcpIPv6
    } else {
      guard unsafe summary.pointee.tcpOptionsLength == 12, frame.byteCount >= transport &+ 32 else { return }
      unsafe flow.pointee.kind = isIPv4 ? .tcpOptionsIPv4 : .tcpOptionsIPv6
      unsafe flow.pointee.options = frame.quadWord(transport &+ 20)
      unsafe flow.pointee.moreOptions = frame.doubleWord(transport &+ 28)
    }
    if isIPv4 {
      let difference = HeaderWords.difference(step: step)
      let (next, borrows) = HeaderWords.counting(frame.quadWord(18)).subtractingReportingOverflow(difference)
      guard !borrows else { return }
      unsafe flow.pointee.network = next
      unsafe flow.pointee.networkStep = difference
      unsafe flow.pointee.ipv4Start = frame.doubleWord(14)
    } else {
      unsafe flow.pointee.network = frame.quadWord(14)
    }
    // Of a unit of one packet this is only what is expected.
    unsafe unit.pointee.step = step &+ 1
    unsafe flow.pointee.tcpWord = summary.pointee.tcpWord
    unsafe flow.pointee.payload = unit.pointee.firstPayload
    unsafe flow.pointee.twinLength = UInt32(truncatingIfNeeded: end)
  }

  /// As above, of any packet.
  @inlinable @inline(never)
  mutating func expectTwins(of packet: Int, in flow: Int, _ frame: RawSpan, step: UInt8) {
    // `flow` is one of the burst's, its unit below `unitTotal`, `packet` below the burst's count.
    let summary = unsafe summaries[packet]
    let unit = unsafe Int(flows[flow].unit)
    guard summary.networkOffset == 14 else { return }
    if summary.key.version == 4 && summary.transportOffset == 34 {
      expectTwins(of: packet, in: flow, unit, frame, isIPv4: true, step: step)
    } else if summary.key.version == 6 && summary.transportOffset == 54 {
      expectTwins(of: packet, in: flow, unit, frame, isIPv4: false, step: 0)
    }
  }
}
