import PacketHeaders

/// The short way for a *twin*: a packet that continues its flow's latest unit with a full segment, and whose headers are those
/// of the packet before it. Nothing else needs to be known about it, so it is not even parsed.
extension GROLite {
  /// Appends a twin.
  ///
  /// - Returns: false if the packet is none, or may be none; nothing has changed then.
  @inlinable @inline(always)
  mutating func takeTwin(_ packet: Int, _ frame: RawSpan, _ tag: FlowTag?) -> Bool {
    guard frame.byteCount >= 48 else { return false }
    let etherType = frame.word(12)
    let ipv4: UInt16 = 0x0008
    let ipv6: UInt16 = 0xDD86
    if etherType == ipv4 { return takeTwin(packet, frame, tag, isIPv4: true) }
    return etherType == ipv6 && frame.byteCount >= 64 && takeTwin(packet, frame, tag, isIPv4: false)
  }

  @inlinable @inline(always)
  mutating func takeTwin(_ packet: Int, _ frame: RawSpan, _ tag: FlowTag?, isIPv4: Bool) -> Bool {
    let slot = Int((tag ?? Self.twinTag(frame, isIPv4: isIPv4, configuration.seed)).id & slotMask)
    // The slot is masked, and an entry of this generation names one of the burst's flows.
    let entry = unsafe index[slot]
    guard entry &>> 16 == generation else { return false }
    let flow = unsafe flows + Int(entry & 0xFFFF)
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
      unsafe flow.pointee.identification = identification
      // The ones' complement decrement: a header whose identification is one more has a checksum of one less.
      unsafe flow.pointee.template.checksum = checksum &- step &- (checksum < step ? 1 : 0)
    }
    let index = UInt16(truncatingIfNeeded: packet)
    // A template exists only while the unit is open for at least one full segment.
    let unit = unsafe units + Int(flow.pointee.unit)
    let length = unsafe unit.pointee.firstPayload
    unsafe links[Int(flow.pointee.last)] = index
    unsafe flow.pointee.last = index
    unsafe flow.pointee.nextSequence &+= UInt32(length)
    unsafe unit.pointee.packetCount &+= 1
    let room = unsafe unit.pointee.room &- length
    unsafe unit.pointee.room = room
    if room < length { unsafe flow.pointee.twinLength = .max }
    return true
  }

  /// The software flow tag of a packet that is a twin; of any other packet something else.
  @inlinable @inline(always)
  static func twinTag(_ frame: RawSpan, isIPv4: Bool, _ seed: UInt64) -> FlowTag {
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

  /// Makes the template for the twins of a packet that has just been appended to its flow's latest unit.
  @inlinable
  mutating func expectTwins(of packet: Int, in flow: Int, _ frame: RawSpan) {
    // `flow` is one of the burst's, its unit below `unitTotal`, `packet` below the burst's count.
    let summary = unsafe summaries[packet]
    let unit = unsafe units[Int(flows[flow].unit)]
    let isIPv4 = summary.key.version == 4
    guard unit.room >= unit.firstPayload, !unit.mayBeLinear, summary.networkOffset == 14,
      summary.transportOffset == (isIPv4 ? 34 : 54), let kind = Self.templateKind(summary)
    else { return }
    let size = max(summary.endOffset, HeaderTemplate.size(kind, isIPv4: isIPv4))
    guard size <= frame.byteCount else { return }
    var template = HeaderTemplate(frame, kind, isIPv4: isIPv4)
    if isIPv4 {
      template.step = UInt8(truncatingIfNeeded: unit.identificationStep)
      let checksum = frame.word(24).byteSwapped
      template.checksum = checksum &- UInt16(template.step) &- (checksum < UInt16(template.step) ? 1 : 0)
    }
    unsafe flows[flow].template = template
    unsafe flows[flow].twinLength = UInt32(truncatingIfNeeded: size)
  }

  @inlinable
  static func templateKind(_ summary: PacketSummary) -> HeaderTemplate.Kind? {
    guard summary.tcpWord != 0 else { return .udp }
    switch summary.tcpOptionsLength {
    case 0: return .tcp
    case 12: return .tcpWithOptions
    default: return nil
    }
  }
}
