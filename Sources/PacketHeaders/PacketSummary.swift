/// A packet's headers in 96 bytes: what one pass over untrusted bytes found out.
///
/// The first 64 bytes identify the flow including its link (one cache line: comparing two of them is comparing eight words);
/// the rest says where things are. Nothing here points into the packet, so a summary outlives its frame.
///
/// Where `malformation` is not `.none`, everything up to the fault is filled in and the rest is 0: check it first. Of a
/// packet whose flow can't be known (`hasFlow` is false) at most the addresses are there.
@frozen public struct PacketSummary: Sendable {
  /// The flow: addresses, protocol, ports.
  public var key: FlowKey
  /// The destination address, and the first 2 bytes of the source address, as in memory. 0 for raw IP.
  public var linkWord0: UInt64
  /// The source address' other 4 bytes as in memory (low half), and the IPv6 flow label (high half).
  public var linkWord1: UInt64
  /// The VLAN tags as in memory (TPID, TCI), the outer one low. 0: untagged.
  public var vlanTags: UInt64

  /// The IP header's bytes that all segments of an aggregate share, as in memory. IPv4: version and IHL, TOS, TTL,
  /// protocol, flags and fragment offset. IPv6: version, class, flow label, next header, hop limit.
  public var networkWord: UInt64
  /// TCP: acknowledgement, data offset, flags, window, as in memory. Otherwise 0.
  public var tcpWord: UInt64
  /// TCP: the sequence number. Otherwise 0.
  public var sequence: UInt32
  /// IPv4: identification. IPv6: 0.
  public var identification: UInt16
  /// Where TCP, UDP, ICMP or whatever IP carries begins, in bytes from the frame's start. Of what is not IP: the end of the
  /// link header.
  public var transportOffset: UInt16
  /// Where the payload of TCP or UDP begins. Otherwise as `transportOffset`.
  public var payloadOffset: UInt16
  /// Bytes of payload, without Ethernet padding.
  public var payloadLength: UInt16
  public var flags: Flags
  /// Where the IP header begins: 0 (raw IP), 14, 18 or 22.
  public var networkOffset: UInt8
  public var malformation: Malformation

  /// The summary of nothing.
  @inlinable
  public init() {
    key = FlowKey()
    (linkWord0, linkWord1, vlanTags, networkWord, tcpWord) = (0, 0, 0, 0, 0)
    (sequence, identification) = (0, 0)
    (transportOffset, payloadOffset, payloadLength) = (0, 0, 0)
    (flags, networkOffset, malformation) = ([], 0, .none)
  }

  /// Bytes of headers, from the frame's start, that a packet with `Flags.mergeable` has at most: so a super-frame's header
  /// has a bound.
  @inlinable public static var maximumMergeableHeader: Int { 256 }

  /// Extension headers that are followed at most. RFC 8200 has senders use no more than seven.
  @inlinable @inline(always) public static var maximumExtensionHeaders: Int { 8 }
}

extension PacketSummary {
  /// What the parser noticed on its way.
  @frozen public struct Flags: OptionSet, Sendable {
    public let rawValue: UInt16

    @inlinable @inline(always)
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// `key` holds ports and all: TCP, UDP, also a first fragment of them.
    @inlinable @inline(always) public static var flow: Flags { Flags(rawValue: 1 << 0) }
    /// `key` holds addresses.
    @inlinable @inline(always) public static var addresses: Flags { Flags(rawValue: 1 << 1) }
    /// IPv6 extension headers lie between the IPv6 header and the transport.
    @inlinable @inline(always) public static var ipv6Extensions: Flags { Flags(rawValue: 1 << 2) }
    /// Bytes follow the IP packet: Ethernet padding.
    @inlinable @inline(always) public static var padding: Flags { Flags(rawValue: 1 << 3) }

    /// A fragment of an IPv4 or IPv6 packet, the first one too.
    @inlinable @inline(always) public static var fragment: Flags { Flags(rawValue: 1 << 4) }
    /// IPv4 options.
    @inlinable @inline(always) public static var ipv4Options: Flags { Flags(rawValue: 1 << 5) }
    /// The reserved bit of IPv4's flags (RFC 791: must be zero).
    @inlinable @inline(always) public static var ipv4ReservedBit: Flags { Flags(rawValue: 1 << 6) }
    /// IPv4's header checksum is wrong (the kernel's IP_CSUM).
    @inlinable @inline(always) public static var ipv4ChecksumBad: Flags { Flags(rawValue: 1 << 7) }
    /// An IPv6 routing header: the destination address may not be the last one.
    @inlinable @inline(always) public static var ipv6Routing: Flags { Flags(rawValue: 1 << 8) }
    /// UDP without a checksum.
    @inlinable @inline(always) public static var udpChecksumAbsent: Flags { Flags(rawValue: 1 << 9) }
    /// UDP's length is smaller than IP's payload: bytes lie between datagram and packet end.
    @inlinable @inline(always) public static var udpLengthMismatch: Flags { Flags(rawValue: 1 << 10) }

    /// TCP options.
    @inlinable @inline(always) public static var tcpOptions: Flags { Flags(rawValue: 1 << 11) }

    /// An ordinary data segment or datagram, such as GRO may merge: whole and well formed TCP without SYN, RST or URG, or UDP,
    /// with payload, nothing `exceptional` about it, and at most `maximumMergeableHeader` bytes of headers.
    @inlinable @inline(always) public static var mergeable: Flags { Flags(rawValue: 1 << 12) }

    /// Any of these, and the packet is an ordinary one no more: it merges with nothing.
    @inlinable @inline(always) public static var exceptional: Flags { Flags(rawValue: 0x07F0) }
  }

  /// Flags of the TCP header's 14th byte.
  @frozen public struct TCPFlags: OptionSet, Sendable {
    public let rawValue: UInt8

    @inlinable @inline(always)
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    @inlinable @inline(always) public static var fin: TCPFlags { TCPFlags(rawValue: 0x01) }
    @inlinable @inline(always) public static var syn: TCPFlags { TCPFlags(rawValue: 0x02) }
    @inlinable @inline(always) public static var rst: TCPFlags { TCPFlags(rawValue: 0x04) }
    @inlinable @inline(always) public static var psh: TCPFlags { TCPFlags(rawValue: 0x08) }
    @inlinable @inline(always) public static var ack: TCPFlags { TCPFlags(rawValue: 0x10) }
    @inlinable @inline(always) public static var urg: TCPFlags { TCPFlags(rawValue: 0x20) }
    @inlinable @inline(always) public static var ece: TCPFlags { TCPFlags(rawValue: 0x40) }
    @inlinable @inline(always) public static var cwr: TCPFlags { TCPFlags(rawValue: 0x80) }
  }
}

extension PacketSummary {
  @inlinable @inline(always) public var isMalformed: Bool { malformation != .none }
  @inlinable @inline(always) public var isFragment: Bool { flags.contains(.fragment) }
  /// True for well-formed IPv4 and IPv6, fragments too.
  @inlinable @inline(always) public var isIP: Bool { key.version != 0 && !isMalformed }
  /// True for a whole, well-formed TCP segment: `tcpWord`, `sequence` and the payload are there.
  @inlinable @inline(always) public var isTCP: Bool { key.ipProtocol == .tcp && !isMalformed && !isFragment }
  /// True for a whole, well-formed UDP datagram.
  @inlinable @inline(always) public var isUDP: Bool { key.ipProtocol == .udp && !isMalformed && !isFragment }
  /// `key` is complete, whether or not the packet is malformed further in.
  @inlinable @inline(always) public var hasFlow: Bool { flags.contains(.flow) }
  @inlinable @inline(always) public var tcpFlags: TCPFlags {
    TCPFlags(rawValue: UInt8(truncatingIfNeeded: tcpWord &>> 40))
  }
  /// TCP: the acknowledgement number, in host order.
  @inlinable @inline(always) public var acknowledgement: UInt32 { UInt32(truncatingIfNeeded: tcpWord).byteSwapped }
  /// TCP: the window, in host order, unscaled.
  @inlinable @inline(always) public var window: UInt16 { UInt16(truncatingIfNeeded: tcpWord &>> 48).byteSwapped }
  /// Bytes of TCP options, 0…40.
  @inlinable @inline(always) public var tcpOptionsLength: Int {
    (Int(truncatingIfNeeded: tcpWord &>> 36) & 15) &* 4 &- 20
  }
  /// IPv4's TTL, IPv6's hop limit.
  @inlinable @inline(always) public var timeToLive: UInt8 {
    UInt8(truncatingIfNeeded: networkWord &>> (key.version == 4 ? 16 : 56))
  }
  /// IPv4's TOS, IPv6's traffic class.
  @inlinable @inline(always) public var trafficClass: UInt8 {
    if key.version == 4 { return UInt8(truncatingIfNeeded: networkWord &>> 8) }
    return UInt8(truncatingIfNeeded: UInt16(truncatingIfNeeded: networkWord).byteSwapped &>> 4)
  }
  /// The IPv6 flow label, 20 bits; 0 for IPv4.
  @inlinable @inline(always) public var flowLabel: UInt32 { UInt32(truncatingIfNeeded: linkWord1 &>> 32).byteSwapped }
  /// IPv4's "don't fragment".
  @inlinable @inline(always) public var dontFragment: Bool {
    key.version == 4 && networkWord & 0x0040_0000_0000_0000 != 0
  }
  /// VLAN tags, 0…2.
  @inlinable @inline(always) public var vlanCount: Int { vlanTags == 0 ? 0 : vlanTags &>> 32 == 0 ? 1 : 2 }
  /// The outer VLAN tag's TCI (priority, DEI, VLAN id) in host order; nil if there is none.
  @inlinable @inline(always) public var outerVLAN: UInt16? {
    vlanTags == 0 ? nil : UInt16(truncatingIfNeeded: vlanTags &>> 16).byteSwapped
  }
  /// The inner of two VLAN tags; nil if there are fewer.
  @inlinable @inline(always) public var innerVLAN: UInt16? {
    vlanTags &>> 32 == 0 ? nil : UInt16(truncatingIfNeeded: vlanTags &>> 48).byteSwapped
  }
  /// Where the IP packet ends, in bytes from the frame's start: what lies behind is padding.
  @inlinable @inline(always) public var endOffset: Int { Int(payloadOffset) &+ Int(payloadLength) }
  /// Bytes from the IP header's start to the packet's end.
  @inlinable @inline(always) public var ipLength: Int { endOffset &- Int(networkOffset) }
}
