/// Why a packet's headers can't be trusted. The first fault met from the outside inwards is the one reported.
///
/// Names begin with the kernel's drop reason where one exists (`enum skb_drop_reason`, include/net/dropreason-core.h):
/// `HDR_TRUNC`, `PKT_TOO_SMALL`, `IP_INHDR`, `IPV6_BAD_EXTHDR`; what follows it tells the classes apart that the kernel
/// counts as one.
@frozen public enum Malformation: UInt8, CaseIterable, Sendable {
  /// Well formed.
  case none = 0
  /// Fewer than 14 bytes.
  case ethernetTruncated
  /// The frame ends inside a VLAN tag.
  case vlanTruncated
  /// A third VLAN tag: deeper than this parser looks.
  case vlanTooDeep
  /// The version nibble is not what the EtherType says; of raw IP: neither 4 nor 6.
  case ipVersion
  /// Fewer than 20 bytes of IPv4 header.
  case ipv4Truncated
  /// IHL < 5.
  case ipv4HeaderLength
  /// IHL reaches past the end of the frame.
  case ipv4HeaderPastFrame
  /// Total length smaller than the header.
  case ipv4TotalLengthSmall
  /// Total length past the end of the frame.
  case ipv4TotalLengthPastFrame
  /// An IPv4 option of length 0 or 1.
  case ipv4OptionLength
  /// An IPv4 option that reaches past the header.
  case ipv4OptionOverrun
  /// Fewer than 40 bytes of IPv6 header.
  case ipv6Truncated
  /// Payload length past the end of the frame.
  case ipv6PayloadPastFrame
  /// Payload length 0 with a jumbo payload option (RFC 2675): not supported.
  case ipv6Jumbogram
  /// The packet ends inside an extension header, or a header's length reaches past it.
  case ipv6ExtensionTruncated
  /// An option in a hop-by-hop or destination header that reaches past it.
  case ipv6ExtensionOptionOverrun
  /// More extension headers than any sender has use for (`PacketSummary.maximumExtensionHeaders`): a loop.
  case ipv6ExtensionChain
  /// A hop-by-hop header anywhere but first (RFC 8200, section 4.1).
  case ipv6ExtensionOrder
  /// Fewer than 20 bytes of TCP header.
  case tcpTruncated
  /// TCP data offset < 5.
  case tcpDataOffsetSmall
  /// TCP data offset past the end of the segment.
  case tcpDataOffsetPastSegment
  /// A TCP option of length 0 or 1.
  case tcpOptionLength
  /// A TCP option that reaches past the header.
  case tcpOptionOverrun
  /// Fewer than 8 bytes of UDP header.
  case udpTruncated
  /// UDP length < 8.
  case udpLengthSmall
  /// UDP length past the end of the IP payload.
  case udpLengthPastPayload
  /// Fewer than 8 bytes of ICMP or ICMPv6.
  case icmpTruncated

  /// Its name in counters, summaries and metrics.
  public var name: String {
    switch self {
    case .none: "none"
    case .ethernetTruncated: "hdr_trunc_ethernet"
    case .vlanTruncated: "hdr_trunc_vlan"
    case .vlanTooDeep: "vlan_too_deep"
    case .ipVersion: "ip_inhdr_version"
    case .ipv4Truncated: "hdr_trunc_ipv4"
    case .ipv4HeaderLength: "ip_inhdr_ihl_small"
    case .ipv4HeaderPastFrame: "ip_inhdr_ihl_past_frame"
    case .ipv4TotalLengthSmall: "ip_inhdr_total_length_small"
    case .ipv4TotalLengthPastFrame: "pkt_too_small_ipv4"
    case .ipv4OptionLength: "ip_inhdr_option_length"
    case .ipv4OptionOverrun: "ip_inhdr_option_overrun"
    case .ipv6Truncated: "hdr_trunc_ipv6"
    case .ipv6PayloadPastFrame: "pkt_too_small_ipv6"
    case .ipv6Jumbogram: "ipv6_jumbogram"
    case .ipv6ExtensionTruncated: "ipv6_bad_exthdr_truncated"
    case .ipv6ExtensionOptionOverrun: "ipv6_bad_exthdr_option_overrun"
    case .ipv6ExtensionChain: "ipv6_bad_exthdr_chain"
    case .ipv6ExtensionOrder: "ipv6_bad_exthdr_order"
    case .tcpTruncated: "hdr_trunc_tcp"
    case .tcpDataOffsetSmall: "tcp_data_offset_small"
    case .tcpDataOffsetPastSegment: "tcp_data_offset_past_segment"
    case .tcpOptionLength: "tcp_option_length"
    case .tcpOptionOverrun: "tcp_option_overrun"
    case .udpTruncated: "hdr_trunc_udp"
    case .udpLengthSmall: "udp_length_small"
    case .udpLengthPastPayload: "pkt_too_small_udp"
    case .icmpTruncated: "hdr_trunc_icmp"
    }
  }
}
