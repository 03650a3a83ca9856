import PacketHeaders

extension GROLite {
  /// Adds a packet to its flow.
  @inlinable @inline(always)
  mutating func extend<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ flow: Int, _ packet: Int, _ batch: borrowing Batch
  ) {
    // `flow` is one of the burst's, its unit below `unitTotal`, `packet` below the burst's count.
    let unit = unsafe flows[flow].unit
    guard unit < Flow.disordered, isSameEpoch(Int(unsafe flows[flow].head), packet, batch), continues(flow, packet)
    else {
      extendSlowly(flow, packet, batch)
      return
    }
    if append(packet, to: Int(unit), of: flow, after: unsafe Int(flows[flow].last), batch) {
      noteLast(packet, of: flow)
      let step = unsafe units[Int(unit)].step &- 1
      expectTwins(of: packet, in: flow, batch.bytes(at: packet), step: step)
    } else {
      let step = unsafe units[Int(unit)].packetCount == 1 ? 1 : units[Int(unit)].step &- 1
      addUnit(packet, to: flow)
      // Linear mode sums up a unit's first packet with its second.
      if configuration.mode == .chain { expectTwins(of: packet, in: flow, batch.bytes(at: packet), step: step) }
    }
  }

  /// Whether a packet's sequence number follows the flow's last one; always true of UDP.
  @inlinable @inline(always)
  func continues(_ flow: Int, _ packet: Int) -> Bool {
    // `flow` is one of the burst's, `packet` below the burst's count. Only UDP's `tcpWord` is 0.
    unsafe summaries[packet].sequence == flows[flow].nextSequence || summaries[packet].tcpWord == 0
  }

  /// Adds a packet that does not simply continue the flow's last one.
  @inlinable @inline(never)
  mutating func extendSlowly<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ flow: Int, _ packet: Int, _ batch: borrowing Batch
  ) {
    let head = Int(unsafe flows[flow].head)
    guard unsafe flows[flow].unit != Flow.idle, isSameEpoch(head, packet, batch), isNear(head, packet) else {
      endEpoch(flow, batch)
      beginEpoch(flow, packet)
      return
    }
    let ahead = unsafe Int32(bitPattern: summaries[packet].sequence &- flows[flow].nextSequence)
    if unsafe flows[flow].unit != Flow.disordered && ahead >= 0 {
      addUnit(packet, to: flow)
      return
    }
    if unsafe flows[flow].unit != Flow.disordered { parseEpoch(flow, batch) }
    // Links of an epoch go through all its packets, across units.
    unsafe links[Int(flows[flow].last)] = UInt16(truncatingIfNeeded: packet)
    unsafe flows[flow].unit = Flow.disordered
    hasDisorder = true
    noteLast(packet, of: flow)
  }

  /// Parses those packets of an epoch that were taken as twins: sorting needs their summaries.
  @inlinable
  mutating func parseEpoch<Batch: PacketBatch & ~Copyable & ~Escapable>(_ flow: Int, _ batch: borrowing Batch) {
    // An epoch's packets are linked from its head to its last.
    var packet = unsafe flows[flow].head
    while unsafe packet != flows[flow].last {
      packet = unsafe links[Int(packet)]
      parse(Int(packet), batch)
    }
  }

  /// Whether two sequence numbers of an epoch can be ordered: within 2³⁰ of its head's, so that any two compare alike.
  @inlinable @inline(always)
  mutating func isNear(_ head: Int, _ packet: Int) -> Bool {
    // Both are below the burst's count.
    let distance = unsafe Int32(bitPattern: summaries[packet].sequence &- summaries[head].sequence)
    return distance > -(1 << 30) && distance < 1 << 30
  }

  /// Whether two packets of a flow agree in all that an aggregate's packets share.
  @inlinable @inline(always)
  mutating func isSameEpoch<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ head: Int, _ packet: Int, _ batch: borrowing Batch
  ) -> Bool {
    // Both are below the burst's count.
    let left = unsafe summaries + head
    let right = unsafe summaries + packet
    let network = unsafe left.pointee.networkWord ^ right.pointee.networkWord
    let tcp = unsafe (left.pointee.tcpWord ^ right.pointee.tcpWord) & ~Self.lateFlagsMask
    guard network | tcp == 0 else { return false }
    // With these equal both have TCP options or neither, and both have IPv6 extension headers or neither.
    let parts: PacketSummary.Flags = [.tcpOptions, .ipv6Extensions]
    return unsafe left.pointee.flags.isDisjoint(with: parts) || hasSameOptions(head, packet, batch)
  }

  /// PSH and FIN where `tcpWord` has them.
  @inlinable static var lateFlagsMask: UInt64 { 0x09 &<< 40 }

  /// Whether two packets have the same TCP options and IPv6 extension headers, byte for byte.
  @inlinable
  mutating func hasSameOptions<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ head: Int, _ packet: Int, _ batch: borrowing Batch
  ) -> Bool {
    // Both are below the burst's count.
    let summary = unsafe summaries[packet]
    guard unsafe summaries[head].payloadOffset == summary.payloadOffset else { return false }
    let one = batch.bytes(at: head)
    let other = batch.bytes(at: packet)
    if summary.tcpWord != 0 {
      let options = Int(summary.transportOffset) &+ 20..<Int(summary.payloadOffset)
      guard HeaderBytes.areEqual(one.extracting(options), other.extracting(options)) else { return false }
    }
    guard summary.flags.contains(.ipv6Extensions) else { return true }
    guard unsafe summaries[head].transportOffset == summary.transportOffset else { return false }
    let extensions = Int(summary.networkOffset) &+ 40..<Int(summary.transportOffset)
    return HeaderBytes.areEqual(one.extracting(extensions), other.extracting(extensions))
  }

  /// Appends a packet of the unit's epoch, which continues it, to the unit if sizes, IPv4 identification and (in linear
  /// mode) checksums allow.
  ///
  /// - Parameter last: the unit's last packet; `Flow.identification` is its own.
  /// - Returns: whether it was appended.
  @inlinable @inline(always)
  mutating func append<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ packet: Int, to number: Int, of flow: Int, after last: Int, _ batch: borrowing Batch
  ) -> Bool {
    // `number` is below `unitTotal`, the packets below the burst's count.
    let unit = unsafe units + number
    let length = unsafe summaries[packet].payloadLength
    let step = unsafe summaries[packet].identification &- flows[flow].identification &+ 1
    guard unsafe length <= unit.pointee.firstPayload, unsafe length <= unit.pointee.room else { return false }
    // The second packet decides how identifications go on.
    let isRight = unsafe unit.pointee.packetCount == 1 ? step == 1 || step == 2 : step == UInt16(unit.pointee.step)
    guard isRight else { return false }
    if unsafe unit.pointee.marks & GROUnit.linearMark != 0, !verify(packet, for: number, batch) { return false }
    unsafe links[last] = UInt16(truncatingIfNeeded: packet)
    unsafe unit.pointee.packetCount &+= 1
    unsafe unit.pointee.step = UInt8(truncatingIfNeeded: step)
    let late = lateFlags(packet)
    if unsafe late == 0 && length == unit.pointee.firstPayload {
      unsafe unit.pointee.room &-= length
    } else {
      unsafe unit.pointee.marks |= late
      unsafe unit.pointee.shortfall = unit.pointee.firstPayload &- length
      unsafe unit.pointee.room = 0
    }
    return true
  }

  /// The packet's PSH and FIN.
  @inlinable @inline(always)
  func lateFlags(_ packet: Int) -> UInt8 {
    // `packet` is below the burst's count.
    UInt8(truncatingIfNeeded: (unsafe summaries[packet].tcpWord & Self.lateFlagsMask) &>> 40)
  }

  /// A unit of one packet that may grow.
  @inlinable @inline(always)
  func openUnit(_ packet: Int) -> GROUnit {
    // `packet` is below the burst's count.
    let summary = unsafe summaries + packet
    let length = unsafe Int(summary.pointee.payloadLength)
    let tcp = unsafe summary.pointee.tcpWord
    let late = lateFlags(packet)
    // What fits below IP's 65,535 bytes (an IPv6 packet alone may have up to 40 bytes more); of datagrams 63 more.
    let ipLength = unsafe Int(summary.pointee.payloadOffset) &+ length &- Int(summary.pointee.networkOffset)
    var room = max(0, 65_535 &- ipLength)
    if tcp == 0 { room = min(room, 63 &* length) }
    // CWR tells of one event: a super-frame would be cut into segments that tell of it once or many times.
    let isLinear = configuration.mode == .linear && tcp & 0x80 &<< 40 == 0
    return GROUnit(
      packet, payload: UInt16(truncatingIfNeeded: length), room: late != 0 ? 0 : UInt16(truncatingIfNeeded: room),
      marks: late | (isLinear ? GROUnit.linearMark : 0))
  }

  /// - Returns: its number.
  @inlinable @inline(always)
  mutating func addUnit(_ unit: GROUnit) -> UInt16 {
    // Units number at most two a packet.
    unsafe units[unitTotal] = unit
    unitTotal &+= 1
    return UInt16(truncatingIfNeeded: unitTotal &- 1)
  }

  /// Begins another unit in the flow's epoch.
  @inlinable @inline(always)
  mutating func addUnit(_ packet: Int, to flow: Int) {
    let number = addUnit(openUnit(packet))
    // `flow` is one of the burst's, its unit below `unitTotal`.
    unsafe units[Int(flows[flow].unit)].successor = number
    unsafe links[Int(flows[flow].last)] = UInt16(truncatingIfNeeded: packet)
    unsafe flows[flow].unit = number
    noteLast(packet, of: flow)
  }
}
