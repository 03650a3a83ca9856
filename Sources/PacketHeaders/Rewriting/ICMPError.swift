/// What a router tells the sender of a packet that it can't forward (RFC 792, RFC 1812, RFC 4443).
@frozen public enum ICMPError: Hashable, Sendable {
  /// TTL or hop limit would become 0.
  case timeExceeded
  /// There is no route to the destination.
  case noRoute
  /// The next hop does not answer.
  case addressUnreachable
  /// Forwarding is forbidden by policy.
  case prohibited
  /// The packet is too large for the next link, whose MTU is given in bytes; IPv4: and may not be fragmented.
  case tooBig(mtu: UInt16)

  /// Type and code of ICMP (RFC 792; RFC 1812 section 5.2.7) in the upper and lower byte.
  @usableFromInline var codeIPv4: UInt16 {
    switch self {
    case .timeExceeded: 0x0B00
    case .noRoute: 0x0300
    case .addressUnreachable: 0x0301
    case .prohibited: 0x030D
    case .tooBig: 0x0304
    }
  }

  /// Type and code of ICMPv6 (RFC 4443).
  @usableFromInline var codeIPv6: UInt16 {
    switch self {
    case .timeExceeded: 0x0300
    case .noRoute: 0x0100
    case .addressUnreachable: 0x0103
    case .prohibited: 0x0101
    case .tooBig: 0x0200
    }
  }

  /// Bytes of an answer at most: two VLAN tags, and an IP packet of 1,280 bytes.
  @inlinable public static var maximumLength: Int { 22 + 1280 }
}

/// The addresses that a router answers from, in host order.
@frozen public struct RouterAddresses: Hashable, Sendable {
  public var ipv4: UInt32?
  public var ipv6: UInt128?

  @inlinable public init(ipv4: UInt32? = nil, ipv6: UInt128? = nil) { (self.ipv4, self.ipv6) = (ipv4, ipv6) }
}

extension ICMPError {
  /// Writes the answer to a packet: a frame back to whom it came from, out of the port that it came in on.
  ///
  /// It quotes as much of the packet as fits 576 bytes (RFC 1812 section 4.3.2.3), or 1,280 for IPv6 (RFC 4443 section
  /// 2.4 c).
  ///
  /// - Parameters:
  ///   - packet: an Ethernet frame's bytes; of one in several pieces the first.
  ///   - summary: what the parser said of it.
  ///   - router: whom the answer is from.
  ///   - frame: where to, at least `maximumLength` bytes.
  /// - Returns: bytes of the answer; nil if there must be none (`isAnswerable`), or the router has no address.
  public func write(
    answering packet: RawSpan, _ summary: PacketSummary, from router: RouterAddresses, to frame: inout MutableRawSpan
  ) -> Int? {
    guard isAnswerable(packet, summary) else { return nil }
    return summary.key.version == 4
      ? writeIPv4(packet, summary, router, &frame) : writeIPv6(packet, summary, router, &frame)
  }

  /// Whether a packet may be answered at all: no error about an error, a fragment other than the first, a broadcast or
  /// multicast, or a source that is not one host (RFC 1812 section 4.3.2.7, RFC 4443 section 2.4 e).
  public func isAnswerable(_ packet: RawSpan, _ summary: PacketSummary) -> Bool {
    guard summary.isIP, !summary.flags.contains(.ipv4ChecksumBad), summary.networkOffset >= 14,
      packet.byteCount >= summary.networkOffset, packet.load8(0) & 1 == 0, packet.load8(6) & 1 == 0
    else { return false }
    return summary.key.version == 4 ? isAnswerableIPv4(packet, summary) : isAnswerableIPv6(packet, summary)
  }

  private func isAnswerableIPv4(_ packet: RawSpan, _ summary: PacketSummary) -> Bool {
    let network = Int(summary.networkOffset)
    guard packet.byteCount >= network + 20 else { return false }
    let (source, destination) = (summary.key.sourceIPv4, summary.key.destinationIPv4)
    // 0/8 "this network", 127/8, and all from 224/4 on: multicast, reserved, broadcast.
    guard source >> 24 != 0, source >> 24 != 127, source < 0xE000_0000, destination < 0xE000_0000 else { return false }
    guard packet.load16(network + 6).byteSwapped & 0x1FFF == 0 else { return false }
    guard summary.key.ipProtocol == .icmp else { return true }
    // Queries: echo, timestamp, information, address mask, and the answers to them. The rest are errors, or unknown.
    let transport = Int(summary.transportOffset)
    guard transport < packet.byteCount else { return false }
    return [0, 8, 13, 14, 15, 16, 17, 18].contains(packet.load8(transport))
  }

  private func isAnswerableIPv6(_ packet: RawSpan, _ summary: PacketSummary) -> Bool {
    let (source, destination) = (summary.key.sourceIPv6, summary.key.destinationIPv6)
    // Unspecified, loopback, multicast.
    guard source > 1, source >> 120 != 0xFF else { return false }
    // Path MTU discovery works for multicast, too.
    if destination >> 120 == 0xFF {
      guard case .tooBig = self else { return false }
    }
    // What a later fragment carries can't be told; the parser gives a flow or ICMP type for first ones only.
    if summary.isFragment && !isFirstFragment(packet, summary) { return false }
    guard summary.key.ipProtocol == .icmpv6 else { return true }
    let transport = Int(summary.transportOffset)
    guard transport < packet.byteCount else { return false }
    // Below 128: errors. 137: a redirect.
    return packet.load8(transport) >= 128 && packet.load8(transport) != 137
  }

  private func isFirstFragment(_ packet: RawSpan, _ summary: PacketSummary) -> Bool {
    // The fragment header is the 8 bytes before what it carries, unless other extension headers follow it: then, rather none.
    let start = Int(summary.transportOffset) - 8
    guard start >= Int(summary.networkOffset) + 40, start + 8 <= packet.byteCount else { return false }
    return packet.load16(start + 2).byteSwapped >> 3 == 0
  }

  /// The Ethernet header of the answer: addresses swapped, VLAN tags as they were.
  private func writeLink(_ packet: RawSpan, _ network: Int, _ frame: inout MutableRawSpan) {
    for offset in 0..<network { frame.storeBytes(of: packet.load8(offset), toByteOffset: offset, as: UInt8.self) }
    frame.swapEthernetAddresses()
  }

  private func writeIPv4(
    _ packet: RawSpan, _ summary: PacketSummary, _ router: RouterAddresses, _ frame: inout MutableRawSpan
  ) -> Int? {
    guard let address = router.ipv4 else { return nil }
    let network = Int(summary.networkOffset)
    let quoted = min(summary.ipLength, packet.byteCount - network, 576 - 28)
    writeLink(packet, network, &frame)
    // Version 4, 20 bytes; TOS: internetwork control (RFC 1812 section 4.3.2.5); no identification; TTL 64; ICMP.
    let length = UInt64(28 + quoted)
    frame.store64((0x45C0_0000_0000_0000 | length << 32).byteSwapped, at: network)
    frame.store32(UInt32(0x4001_0000).byteSwapped, at: network + 8)
    frame.store32(address.byteSwapped, at: network + 12)
    frame.store32(summary.key.sourceIPv4.byteSwapped, at: network + 16)
    let header = InternetChecksum.finish(InternetChecksum.sum(frame.bytes.extracting(network..<network + 20)))
    frame.store16(header, at: network + 10)
    let checksum = writeMessage(codeIPv4, at: network + 20, packet, network, quoted, 0, &frame)
    frame.store16(checksum, at: network + 22)
    return network + 28 + quoted
  }

  private func writeIPv6(
    _ packet: RawSpan, _ summary: PacketSummary, _ router: RouterAddresses, _ frame: inout MutableRawSpan
  ) -> Int? {
    guard let address = router.ipv6 else { return nil }
    let network = Int(summary.networkOffset)
    let quoted = min(summary.ipLength, packet.byteCount - network, 1280 - 48)
    writeLink(packet, network, &frame)
    let length = 8 + quoted
    frame.store64((0x6000_0000_0000_3A40 | UInt64(length) << 16).byteSwapped, at: network)
    var key = FlowKey()
    (key.address0, key.address1) = Self.words(address)
    (key.address2, key.address3) = (summary.key.address0, summary.key.address1)
    key.identity = 6 << 40 | UInt64(IPProtocol.icmpv6.rawValue) << 32
    frame.store64(key.address0, at: network + 8)
    frame.store64(key.address1, at: network + 16)
    frame.store64(key.address2, at: network + 24)
    frame.store64(key.address3, at: network + 32)
    let pseudo = InternetChecksum.pseudoHeader(key, length: length)
    let checksum = writeMessage(codeIPv6, at: network + 40, packet, network, quoted, pseudo, &frame)
    frame.store16(checksum, at: network + 42)
    return network + 48 + quoted
  }

  /// An address in host order as two words in memory order.
  private static func words(_ address: UInt128) -> (UInt64, UInt64) {
    let swapped = address.byteSwapped
    return (UInt64(truncatingIfNeeded: swapped), UInt64(truncatingIfNeeded: swapped >> 64))
  }

  /// Writes type, code, MTU and the quoted packet; answers the checksum, which goes behind the code.
  private func writeMessage(
    _ code: UInt16, at start: Int, _ packet: RawSpan, _ network: Int, _ quoted: Int, _ pseudo: UInt64,
    _ frame: inout MutableRawSpan
  ) -> UInt16 {
    var mtu: UInt64 = 0
    // The last 16 bits of the second word in both: RFC 1191 section 4, RFC 4443 section 3.2.
    if case .tooBig(let limit) = self { mtu = UInt64(limit) }
    frame.store64((UInt64(code) << 48 | mtu).byteSwapped, at: start)
    for offset in 0..<quoted {
      frame.storeBytes(of: packet.load8(network + offset), toByteOffset: start + 8 + offset, as: UInt8.self)
    }
    return InternetChecksum.finish(
      InternetChecksum.sum(frame.bytes.extracting(start..<start + 8 + quoted), pseudo))
  }
}
