import PacketHeaders

extension GROLite {
  /// Adds a packet to its flow.
  @inlinable @inline(__always)
  mutating func extend<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ flow: Int, _ packet: Int, _ batch: borrowing Batch
  ) {
    // `flow` is below `flowTotal`, its unit below `unitTotal`, `packet` below the burst's count.
    if unsafe flows[flow].state == .ordered, isSameEpoch(Int(unsafe flows[flow].head), packet, batch),
      unsafe summaries[packet].sequence == flows[flow].nextSequence
    {
      if !append(packet, to: unsafe Int(flows[flow].unit), batch) { addUnit(packet, to: flow) }
      unsafe flows[flow].last = UInt16(truncatingIfNeeded: packet)
      unsafe flows[flow].nextSequence = sequence(behind: packet)
      return
    }
    extendSlowly(flow, packet, batch)
  }

  /// Adds a packet that does not simply continue the flow's last one.
  @inlinable @inline(never)
  mutating func extendSlowly<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ flow: Int, _ packet: Int, _ batch: borrowing Batch
  ) {
    let head = Int(unsafe flows[flow].head)
    guard unsafe flows[flow].state != .idle, isSameEpoch(head, packet, batch), isNear(head, packet) else {
      endEpoch(flow, batch)
      beginEpoch(flow, packet)
      return
    }
    let ahead = unsafe Int32(bitPattern: summaries[packet].sequence &- flows[flow].nextSequence)
    if unsafe flows[flow].state == .ordered && ahead >= 0 {
      addUnit(packet, to: flow)
    } else {
      // Links of an epoch go through all its packets, across units.
      unsafe links[Int(flows[flow].last)] = UInt16(truncatingIfNeeded: packet)
      unsafe flows[flow].state = .disordered
      hasDisorder = true
    }
    unsafe flows[flow].last = UInt16(truncatingIfNeeded: packet)
    unsafe flows[flow].nextSequence = sequence(behind: packet)
  }

  /// Whether two sequence numbers of an epoch can be ordered: within 2³⁰ of its head's, so that any two compare alike.
  @inlinable @inline(__always)
  func isNear(_ head: Int, _ packet: Int) -> Bool {
    // Both are below the burst's count.
    let distance = unsafe Int32(bitPattern: summaries[packet].sequence &- summaries[head].sequence)
    return distance > -(1 << 30) && distance < 1 << 30
  }

  /// Whether two packets of a flow agree in all that an aggregate's packets share.
  @inlinable @inline(__always)
  func isSameEpoch<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ head: Int, _ packet: Int, _ batch: borrowing Batch
  ) -> Bool {
    // Both are below the burst's count.
    let left = unsafe summaries + head
    let right = unsafe summaries + packet
    let network = unsafe left.pointee.networkWord ^ right.pointee.networkWord
    let tcp = unsafe (left.pointee.tcpWord ^ right.pointee.tcpWord) & ~Self.lateFlagsMask
    let payload = unsafe left.pointee.payloadOffset ^ right.pointee.payloadOffset
    guard network | tcp | UInt64(payload) == 0 else { return false }
    let hasOptions = unsafe left.pointee.tcpWord &>> 36 & 15 > 5
    let hasExtensions = unsafe left.pointee.flags.contains(.ipv6Extensions)
    return !(hasOptions || hasExtensions) || hasSameOptions(head, packet, batch)
  }

  /// PSH and FIN where `tcpWord` has them.
  @inlinable static var lateFlagsMask: UInt64 { 0x09 &<< 40 }

  /// Whether two packets with headers of one length have the same TCP options and IPv6 extension headers, byte for byte.
  @inlinable
  func hasSameOptions<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ head: Int, _ packet: Int, _ batch: borrowing Batch
  ) -> Bool {
    // Both are below the burst's count.
    let summary = unsafe summaries[packet]
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
  /// - Returns: whether it was appended.
  @inlinable @inline(__always)
  mutating func append<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ packet: Int, to number: Int, _ batch: borrowing Batch
  ) -> Bool {
    // `number` is below `unitTotal`, the packets below the burst's count.
    let unit = unsafe units + number
    let length = unsafe summaries[packet].payloadLength
    let last = unsafe Int(unit.pointee.lastIndex)
    let step = unsafe summaries[packet].identification &- summaries[last].identification
    guard
      unsafe length <= unit.pointee.firstPayload, unsafe length <= unit.pointee.room,
      unsafe unit.pointee.packetCount < unit.pointee.segmentLimit,
      unsafe step <= 1 && (unit.pointee.packetCount == 1 || step == UInt16(unit.pointee.step))
    else { return false }
    if unsafe unit.pointee.mayBeLinear, !verify(packet, for: number, batch) { return false }
    let late = unsafe UInt8(truncatingIfNeeded: (summaries[packet].tcpWord & Self.lateFlagsMask) &>> 40)
    unsafe links[last] = UInt16(truncatingIfNeeded: packet)
    unsafe unit.pointee.lastIndex = UInt16(truncatingIfNeeded: packet)
    unsafe unit.pointee.packetCount &+= 1
    unsafe unit.pointee.payload &+= length
    unsafe unit.pointee.step = UInt8(truncatingIfNeeded: step)
    unsafe unit.pointee.lateFlags |= late
    let closes = unsafe late != 0 || length < unit.pointee.firstPayload
    unsafe unit.pointee.room = closes ? 0 : unit.pointee.room &- length
    return true
  }

  /// Begins a unit that may grow.
  @inlinable @inline(__always)
  mutating func addUnit(_ packet: Int) -> UInt16 {
    let number = unitTotal
    // Units number at most two a packet; `packet` is below the burst's count.
    let summary = unsafe summaries + packet
    let unit = unsafe units + number
    unsafe unit.pointee = GROUnit(packet, payload: summary.pointee.payloadLength)
    let tcp = unsafe summary.pointee.tcpWord
    let late = UInt8(truncatingIfNeeded: (tcp & Self.lateFlagsMask) &>> 40)
    // What fits below IP's 65,535 bytes. (An IPv6 packet alone may have up to 40 bytes more.)
    let room = unsafe max(0, 65_535 &- summary.pointee.ipLength)
    unsafe unit.pointee.room = late != 0 ? 0 : UInt16(truncatingIfNeeded: room)
    unsafe unit.pointee.segmentLimit = tcp != 0 ? .max : 64
    unsafe unit.pointee.lateFlags = late
    // CWR tells of one event: a super-frame would be cut into segments that tell of it once or many times.
    unsafe unit.pointee.mayBeLinear = configuration.mode == .linear && tcp & 0x80 &<< 40 == 0
    unitTotal &+= 1
    return UInt16(truncatingIfNeeded: number)
  }

  /// Begins another unit in the flow's epoch.
  @inlinable @inline(__always)
  mutating func addUnit(_ packet: Int, to flow: Int) {
    let number = addUnit(packet)
    // `flow` is below `flowTotal`, its unit below `unitTotal`.
    unsafe units[Int(flows[flow].unit)].successor = number
    unsafe links[Int(flows[flow].last)] = UInt16(truncatingIfNeeded: packet)
    unsafe flows[flow].unit = number
  }
}
