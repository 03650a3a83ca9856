extension PacketSummary {
  /// What the first bytes of a packet are.
  @frozen public enum LinkLayer: UInt8, Sendable {
    /// An Ethernet header, with up to two VLAN tags.
    case ethernet
    /// An IPv4 or IPv6 header: captures of link type RAW, TUN devices.
    case rawIP
  }

  /// Parses a packet.
  ///
  /// - Parameters:
  ///   - frame: its bytes; of a packet in several pieces the first piece, which must hold all headers.
  ///   - length: bytes of the whole packet, where `frame` is only its first piece.
  ///   - link: what the first bytes are.
  @inlinable
  public init(_ frame: RawSpan, length: Int? = nil, link: LinkLayer = .ethernet) {
    self.init()
    switch link {
    case .ethernet: parse(ethernet: frame, length: length ?? frame.byteCount)
    case .rawIP: parse(rawIP: frame, length: length ?? frame.byteCount)
    }
  }

  /// Parses an Ethernet frame into this summary; every field is overwritten.
  ///
  /// Other EtherTypes than IPv4 and IPv6 are well formed and have no addresses; their payload is what follows the tags.
  ///
  /// - Parameters:
  ///   - frame: the frame without its check sequence; of a packet in several pieces the first one.
  ///   - length: bytes of the whole frame, at least those of `frame`.
  @inlinable @inline(always)
  public mutating func parse(ethernet frame: RawSpan, length: Int) {
    if !parseCommon(frame, length: length) { parseAny(ethernet: frame, length: length) }
  }

  /// The whole parser, for any Ethernet frame.
  @inlinable @inline(never)
  mutating func parseAny(ethernet frame: RawSpan, length: Int) {
    var link = PacketLink()
    guard frame.byteCount >= 14 else {
      finish(link, PacketNetwork(fault: .ethernetTruncated), PacketTransport())
      return
    }
    link.word0 = frame.load64(0)
    link.word1 = UInt64(frame.load32(8))
    var etherType = frame.load16(12)
    if PacketLink.isTag(etherType) {
      let fault = link.parseTags(frame)
      guard fault == .none else {
        finish(link, PacketNetwork(fault: fault), PacketTransport())
        return
      }
      etherType = frame.load16(Int(link.length) - 2)
    }
    let packet = frame.extracting(droppingFirst: Int(link.length))
    let available = length &- Int(link.length)
    if etherType == 0x0008 {
      parseIP(PacketNetwork(ipv4: packet, available: available), packet, link)
    } else if etherType == 0xDD86 {
      parseIP(PacketNetwork(ipv6: packet, available: available), packet, link)
    } else {
      finish(link, PacketNetwork(other: available), PacketTransport())
    }
  }

  /// Parses a packet that begins with its IP header into this summary; every field is overwritten.
  ///
  /// - Parameters: as for `parse(ethernet:length:)`.
  @inlinable @inline(never)
  public mutating func parse(rawIP packet: RawSpan, length: Int) {
    let version = packet.byteCount > 0 ? packet.load8(0) &>> 4 : 4
    if version == 4 {
      parseIP(PacketNetwork(ipv4: packet, available: length), packet, PacketLink(length: 0))
    } else if version == 6 {
      parseIP(PacketNetwork(ipv6: packet, available: length), packet, PacketLink(length: 0))
    } else {
      finish(PacketLink(length: 0), PacketNetwork(fault: .ipVersion), PacketTransport())
    }
  }

  /// Goes on behind the IP header.
  @inlinable @inline(always)
  mutating func parseIP(_ network: PacketNetwork, _ packet: RawSpan, _ link: PacketLink) {
    guard network.fault == .none else {
      finish(link, network, PacketTransport())
      return
    }
    // The part of the packet's transport that lies in this piece, without padding.
    let end = min(network.transportOffset &+ network.transportLength, packet.byteCount)
    let bytes = packet.extracting(network.transportOffset..<end)
    finish(link, network, PacketTransport(bytes, network))
  }

  /// Writes every field once.
  @inlinable @inline(always)
  mutating func finish(_ link: PacketLink, _ network: PacketNetwork, _ transport: PacketTransport) {
    key.address0 = network.address0
    key.address1 = network.address1
    key.address2 = network.address2
    key.address3 = network.address3
    key.identity = UInt64(transport.ports) | network.identity
    linkWord0 = link.word0
    linkWord1 = link.word1 | UInt64(network.flowLabel) &<< 32
    vlanTags = link.tags
    networkWord = network.word
    tcpWord = transport.tcpWord
    sequence = transport.sequence
    identification = network.identification
    let transportStart = Int(link.length) &+ network.transportOffset
    transportOffset = UInt16(truncatingIfNeeded: transportStart)
    payloadOffset = UInt16(truncatingIfNeeded: transportStart &+ transport.headerLength)
    payloadLength = UInt16(truncatingIfNeeded: network.transportLength &- transport.headerLength)
    flags = Flags(rawValue: network.flags | transport.flags)
    let isOrdinary = network.fault == .none && transport.fault == .none && flags.isDisjoint(with: .exceptional)
    if isOrdinary && flags.contains(.flow) && payloadLength != 0 && tcpWord & Self.hinderingTCPFlags == 0
      && payloadOffset <= Self.maximumMergeableHeader
    {
      flags.formUnion(.mergeable)
    }
    networkOffset = link.length
    malformation = network.fault == .none ? transport.fault : network.fault
  }
}

/// The link header, while parsing.
@frozen @usableFromInline
struct PacketLink {
  @usableFromInline var word0: UInt64 = 0
  @usableFromInline var word1: UInt64 = 0
  @usableFromInline var tags: UInt64 = 0
  @usableFromInline var length: UInt8

  @inlinable @inline(always)
  init(length: UInt8 = 14) { self.length = length }

  /// The EtherTypes of VLAN tags: 802.1Q, 802.1ad, and the 0x9100 that came before it.
  @inlinable @inline(always)
  static func isTag(_ etherType: UInt16) -> Bool {
    etherType == 0x0081 || etherType == 0xA888 || etherType == 0x0091
  }

  /// Takes one or two tags, and steps over them.
  @inlinable @inline(always)
  mutating func parseTags(_ frame: RawSpan) -> Malformation {
    guard frame.byteCount >= 18 else { return .vlanTruncated }
    tags = UInt64(frame.load32(12))
    length = 18
    guard Self.isTag(frame.load16(16)) else { return .none }
    guard frame.byteCount >= 22 else { return .vlanTruncated }
    tags |= UInt64(frame.load32(16)) &<< 32
    length = 22
    return Self.isTag(frame.load16(20)) ? .vlanTooDeep : .none
  }
}
