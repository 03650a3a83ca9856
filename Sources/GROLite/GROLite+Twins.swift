import PacketHeaders

/// The short ways, for packets that need nothing of the rest:
///
/// - a *twin* continues its flow's latest unit with a full segment, and its headers are those of the packet before it: it is
///   compared and not even parsed;
/// - a *newcomer* is an ordinary packet in a slot of the index that no flow of this burst has taken: no flow to look for.
extension GROLite {
  /// Takes a twin or a newcomer.
  ///
  /// - Returns: false if the packet is neither, or may be neither; nothing has changed then.
  @inlinable @inline(always)
  mutating func takeShort<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ packet: Int, _ tag: FlowTag?, _ batch: borrowing Batch, isLinear: Bool
  ) -> Bool {
    let frame = batch.bytes(at: packet)
    guard frame.byteCount >= 54, batch.link == .ethernet else { return false }
    let etherType = frame.word(12)
    if etherType == Self.ipv4 {
      let slot = Int((tag ?? Self.shortTag(frame, isIPv4: true, configuration.seed)).id & slotMask)
      // The slot is masked.
      let entry = unsafe index[slot]
      if entry &>> 16 == generation {
        return takeTwin(packet, frame, Int(entry & 0xFFFF), isIPv4: true, isLinear: isLinear)
      }
      return takeNewcomerIPv4(packet, frame, slot, batch.packetLength(at: packet))
    }
    guard etherType == Self.ipv6, frame.byteCount >= 74 else { return false }
    return takeShortIPv6(packet, tag, frame, batch.packetLength(at: packet))
  }

  /// The IPv6 half. A function of its own, so that it takes no registers from the loop around the other half.
  @inlinable @inline(never)
  mutating func takeShortIPv6(_ packet: Int, _ tag: FlowTag?, _ frame: RawSpan, _ length: Int) -> Bool {
    guard frame.byteCount >= 74 else { return false }
    let slot = Int((tag ?? Self.shortTag(frame, isIPv4: false, configuration.seed)).id & slotMask)
    // The slot is masked.
    let entry = unsafe index[slot]
    if entry &>> 16 == generation {
      return takeTwin(packet, frame, Int(entry & 0xFFFF), isIPv4: false, isLinear: configuration.mode == .linear)
    }
    return takeNewcomerIPv6(packet, frame, slot, length)
  }

  /// EtherTypes as in memory.
  @inlinable @inline(always) static var ipv4: UInt16 { 0x0008 }
  @inlinable @inline(always) static var ipv6: UInt16 { 0xDD86 }

  @inlinable @inline(never)
  mutating func takeNewcomerIPv4(_ packet: Int, _ frame: RawSpan, _ slot: Int, _ length: Int) -> Bool {
    // `packet` is below the burst's count. What the short parser knows has the flow tag that `shortTag` computed.
    unsafe summaries[packet].parseCommonIPv4(frame, length) && takeNewcomer(packet, frame, slot, isIPv4: true)
  }

  @inlinable @inline(never)
  mutating func takeNewcomerIPv6(_ packet: Int, _ frame: RawSpan, _ slot: Int, _ length: Int) -> Bool {
    // As above.
    unsafe summaries[packet].parseCommonIPv6(frame, length) && takeNewcomer(packet, frame, slot, isIPv4: false)
  }

  @inlinable @inline(always)
  mutating func takeNewcomer(_ packet: Int, _ frame: RawSpan, _ slot: Int, isIPv4: Bool) -> Bool {
    // `packet` is below the burst's count.
    guard unsafe summaries[packet].flags.contains(.mergeable) else { return false }
    let unit = enterFlow(packet, slot, behind: Self.none)
    // In traffic where little merges, making ready for twins would be in vain; a second packet does it all the same.
    // Linear mode sums up the first packet with the second.
    guard expectsTwins, !unit.mayBeLinear else { return true }
    // The second packet has yet to show how IPv4's identification goes on; most count up.
    expectTwins(of: packet, in: packet, unit, frame, isIPv4: isIPv4, step: isIPv4 ? 1 : 0)
    return true
  }

  @inlinable @inline(always)
  mutating func takeTwin(_ packet: Int, _ frame: RawSpan, _ number: Int, isIPv4: Bool, isLinear: Bool) -> Bool {
    // An entry of the index names one of the burst's flows.
    let flow = unsafe flows + number
    guard unsafe frame.byteCount >= Int(flow.pointee.twinLength) else { return false }
    guard unsafe flow.pointee.template.matches(frame, isIPv4: isIPv4) else { return false }
    let transport = isIPv4 ? 34 : 54
    if unsafe flow.pointee.template.kind == .udp {
      guard frame.word(transport &+ 6) != 0 else { return false }
    } else {
      guard unsafe frame.doubleWord(transport &+ 4).byteSwapped == flow.pointee.nextSequence else { return false }
    }
    let step = unsafe UInt16(flow.pointee.template.step)
    if isIPv4 {
      let identification = frame.word(18).byteSwapped
      let checksum = frame.word(24).byteSwapped
      guard unsafe identification == flow.pointee.identification &+ step else { return false }
      guard unsafe checksum == flow.pointee.template.checksum else { return false }
      guard !isLinear || isGoodTwin(packet, Int(unsafe flow.pointee.unit), frame) else { return false }
      unsafe flow.pointee.identification = identification
      // The ones' complement decrement: a header whose identification is one more has a checksum of one less.
      unsafe flow.pointee.template.checksum = checksum &- step &- (checksum < step ? 1 : 0)
    } else {
      guard !isLinear || isGoodTwin(packet, Int(unsafe flow.pointee.unit), frame) else { return false }
    }
    let index = UInt16(truncatingIfNeeded: packet)
    // A template exists only while the unit is open for at least one full segment.
    let unit = unsafe units + Int(flow.pointee.unit)
    let length = unsafe unit.pointee.firstPayload
    unsafe links[Int(flow.pointee.last)] = index
    unsafe flow.pointee.last = index
    unsafe flow.pointee.nextSequence &+= UInt32(length)
    unsafe unit.pointee.packetCount &+= 1
    unsafe unit.pointee.step = UInt8(truncatingIfNeeded: step &+ 1)
    let room = unsafe unit.pointee.room &- length
    unsafe unit.pointee.room = room
    if room < length { unsafe flow.pointee.twinLength = .max }
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

  /// The software flow tag of untagged TCP and UDP over plain IP; of any other packet something else.
  @inlinable @inline(always)
  static func shortTag(_ frame: RawSpan, isIPv4: Bool, _ seed: UInt64) -> FlowTag {
    var key = FlowKey()
    if isIPv4 {
      key.address0 = frame.quadWord(26)
      key.identity = UInt64(frame.doubleWord(34)) | UInt64(frame.word(22) &>> 8) &<< 32 | 4 &<< 40
    } else {
      key.address0 = frame.quadWord(22)
      key.address1 = frame.quadWord(30)
      key.address2 = frame.quadWord(38)
      key.address3 = frame.quadWord(46)
      key.identity = UInt64(frame.doubleWord(54)) | UInt64(frame.word(20) & 0xFF) &<< 32 | 6 &<< 40
    }
    return FlowTag(key, seed: seed)
  }

  /// Makes the template for the twins of a packet that its flow's latest unit ends with, if it can have any.
  ///
  /// - Parameters:
  ///   - unit: that unit.
  ///   - isIPv4: the packet's IP version, where it is known beforehand.
  ///   - step: by how much IPv4's identification will grow.
  @inlinable @inline(always)
  mutating func expectTwins(
    of packet: Int, in flow: Int, _ unit: GROUnit, _ frame: RawSpan, isIPv4: Bool, step: UInt8
  ) {
    // `packet` is below the burst's count.
    let summary = unsafe summaries + packet
    guard unit.room >= unit.firstPayload else { return }
    let end = unsafe summary.pointee.endOffset
    if unsafe summary.pointee.tcpWord == 0 {
      setTemplate(flow, frame, .udp, end, isIPv4: isIPv4, step)
    } else if unsafe !summary.pointee.flags.contains(.tcpOptions) {
      setTemplate(flow, frame, .tcp, end, isIPv4: isIPv4, step)
    } else if unsafe summary.pointee.tcpOptionsLength == 12 {
      setTemplate(flow, frame, .tcpWithOptions, end, isIPv4: isIPv4, step)
    }
  }

  @inlinable @inline(always)
  mutating func setTemplate(
    _ flow: Int, _ frame: RawSpan, _ kind: HeaderTemplate.Kind, _ end: Int, isIPv4: Bool, _ step: UInt8
  ) {
    let size = HeaderTemplate.size(kind, isIPv4: isIPv4)
    guard frame.byteCount >= size, frame.byteCount >= end else { return }
    // `flow` is one of the burst's.
    let flow = unsafe flows + flow
    unsafe flow.pointee.template.cut(frame, kind, isIPv4: isIPv4)
    unsafe flow.pointee.template.step = step
    if isIPv4 {
      let checksum = frame.word(24).byteSwapped
      let step = UInt16(step)
      unsafe flow.pointee.template.checksum = checksum &- step &- (checksum < step ? 1 : 0)
    }
    unsafe flow.pointee.twinLength = UInt32(truncatingIfNeeded: max(end, size))
  }

  /// As above, of any packet.
  @inlinable @inline(never)
  mutating func expectTwins(of packet: Int, in flow: Int, _ frame: RawSpan) {
    // `flow` is one of the burst's, its unit below `unitTotal`, `packet` below the burst's count.
    let summary = unsafe summaries[packet]
    let unit = unsafe units[Int(flows[flow].unit)]
    let step = UInt8(truncatingIfNeeded: unit.identificationStep)
    guard summary.networkOffset == 14 else { return }
    if summary.key.version == 4 && summary.transportOffset == 34 {
      expectTwins(of: packet, in: flow, unit, frame, isIPv4: true, step: step)
    } else if summary.key.version == 6 && summary.transportOffset == 54 {
      expectTwins(of: packet, in: flow, unit, frame, isIPv4: false, step: 0)
    }
  }
}
