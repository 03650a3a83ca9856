/// The short way through the headers of nearly all traffic: untagged TCP and UDP over plain IPv4 or IPv6, well formed, with
/// no options but TCP timestamps. It fills in exactly what `parseAny(ethernet:length:)` would (a test compares them), or
/// nothing: one length guard, then loads at constant offsets that need no checks.
extension PacketSummary {
  /// The summary of a plain packet, in one piece: untagged TCP without options but timestamps, or UDP with a checksum, over IPv4
  /// without options and with the right header checksum, in a frame of 54 bytes or more. It is what
  /// `parse(ethernet:length:)` makes of the packet, but need not lie in memory: fields that nobody asks for are not even read.
  ///
  /// - Returns: nil for everything else, and for much that is like it.
  @inlinable @inline(always)
  public init?(plain frame: RawSpan) {
    self.init()
    let length = frame.byteCount
    guard length >= 54, frame.load16(12) == 0x0008, parseCommonIPv4(frame, length) else { return nil }
  }

  /// - Returns: false if the frame is none of these; the summary is of no use then.
  @inlinable @inline(always)
  mutating func parseCommon(_ frame: RawSpan, length: Int) -> Bool {
    guard frame.byteCount >= 54 else { return false }
    let etherType = frame.load16(12)
    if etherType == 0x0008 { return parseCommonIPv4(frame, length) }
    guard etherType == 0xDD86, frame.byteCount >= 74 else { return false }
    return parseCommonIPv6(frame, length)
  }

  /// The IPv4 half, for those who have looked at the EtherType already.
  ///
  /// - Returns: as `parseCommon`; false as well if there are fewer than 54 bytes.
  @inlinable @inline(always)
  public mutating func parseCommonIPv4(_ frame: RawSpan, _ length: Int) -> Bool {
    // Where the caller has said so, this costs nothing; elsewhere it stands for a check at each load.
    guard frame.byteCount >= 54 else { return false }
    let first = frame.load64(14)
    let second = frame.load64(22)
    let third = UInt64(frame.load32(30))
    let total = Int(UInt16(truncatingIfNeeded: first &>> 16).byteSwapped)
    // Version 4 and IHL 5; neither fragment nor reserved bit; the header's sum right.
    guard first & 0xFFBF_0000_0000_00FF == 0x45, total &+ 14 <= length else { return false }
    let sum = InternetChecksum.add(first, second)
    guard InternetChecksum.fold(InternetChecksum.add(sum, third)) == 0xFFFF else { return false }
    let upper = second &>> 8 & 0xFF
    let end = total &+ 14
    guard parseCommonTransport(frame, at: 34, total &- 20, upper, version: 4, end != length) else { return false }
    key.address0 = frame.load64(26)
    (key.address1, key.address2, key.address3) = (0, 0, 0)
    networkWord = first & 0xFFFF_0000_0000_FFFF | (second & 0xFFFF) &<< 16
    identification = UInt16(truncatingIfNeeded: first &>> 32).byteSwapped
    linkWord1 = UInt64(frame.load32(8))
    finishCommon(frame)
    return true
  }

  /// The IPv6 half.
  ///
  /// - Returns: as `parseCommon`; false as well if there are fewer than 74 bytes.
  @inlinable @inline(always)
  public mutating func parseCommonIPv6(_ frame: RawSpan, _ length: Int) -> Bool {
    guard frame.byteCount >= 74 else { return false }
    let first = frame.load64(14)
    let payload = Int(UInt16(truncatingIfNeeded: first &>> 32).byteSwapped)
    guard first & 0xF0 == 0x60, payload &+ 54 <= length else { return false }
    let upper = first &>> 48 & 0xFF
    let end = payload &+ 54
    guard parseCommonTransport(frame, at: 54, payload, upper, version: 6, end != length) else { return false }
    key.address0 = frame.load64(22)
    key.address1 = frame.load64(30)
    key.address2 = frame.load64(38)
    key.address3 = frame.load64(46)
    networkWord = first & 0xFFFF_0000_FFFF_FFFF
    identification = 0
    linkWord1 = UInt64(frame.load32(8)) | (first & 0xFFFF_0F00) &<< 32
    finishCommon(frame)
    return true
  }

  /// TCP with no options or timestamps only, UDP with a checksum; `segment` bytes from `offset` on.
  @inlinable @inline(always)
  mutating func parseCommonTransport(
    _ frame: RawSpan, at offset: Int, _ segment: Int, _ upper: UInt64, version: UInt64, _ isPadded: Bool
  ) -> Bool {
    let first = frame.load64(offset)
    var header = 8
    var found: Flags = [.flow, .addresses]
    if upper == 6 {
      guard frame.byteCount >= offset &+ 20 else { return false }
      let second = frame.load64(offset &+ 8)
      header = Int(truncatingIfNeeded: second &>> 34) & 0x3C
      if header != 20 {
        guard header == 32, frame.byteCount >= offset &+ 32, frame.load32(offset &+ 20) == 0x0A08_0101 else {
          return false
        }
        found.formUnion(.tcpOptions)
      }
      guard segment >= header else { return false }
      let hindered = second & Self.hinderingTCPFlags != 0
      if !hindered && segment != header { found.formUnion(.mergeable) }
      tcpWord = second
      sequence = UInt32(truncatingIfNeeded: first &>> 32).byteSwapped
    } else {
      let datagram = Int(UInt16(truncatingIfNeeded: first &>> 32).byteSwapped)
      guard upper == 17, datagram == segment, segment >= 8, first &>> 48 != 0 else { return false }
      if segment != 8 { found.formUnion(.mergeable) }
      tcpWord = 0
      sequence = 0
    }
    key.identity = first & 0xFFFF_FFFF | upper &<< 32 | version &<< 40
    transportOffset = UInt16(truncatingIfNeeded: offset)
    payloadOffset = UInt16(truncatingIfNeeded: offset &+ header)
    payloadLength = UInt16(truncatingIfNeeded: segment &- header)
    if isPadded { found.formUnion(.padding) }
    flags = found
    return true
  }

  @inlinable @inline(always)
  mutating func finishCommon(_ frame: RawSpan) {
    linkWord0 = frame.load64(0)
    vlanTags = 0
    networkOffset = 14
    malformation = .none
  }

  /// SYN, RST, URG where `tcpWord` has them.
  @inlinable static var hinderingTCPFlags: UInt64 { 0x26 &<< 40 }
}
