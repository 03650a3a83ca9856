public import PacketHeaders
public import XSKEngine

/// The reasons that the pipeline drops under by itself, 32…95 (`DropReason`).
extension DropReason {
  /// Headers that can't be trusted: one reason for each malformation.
  @inlinable @inline(always) public static func malformed(_ malformation: Malformation) -> DropReason {
    DropReason(rawValue: 32 &+ malformation.rawValue)
  }

  /// TTL or hop limit would become 0.
  @inlinable public static var hopLimit: DropReason { DropReason(rawValue: 64) }
  /// No route to the destination, or to be routed but not IP.
  @inlinable public static var noRoute: DropReason { DropReason(rawValue: 65) }
  /// The route is one that refuses: prohibited, unreachable, blackhole.
  @inlinable public static var refusedByRoute: DropReason { DropReason(rawValue: 66) }
  /// The next hop's MAC address is not known (yet).
  @inlinable public static var neighbourUnknown: DropReason { DropReason(rawValue: 67) }
  /// Larger than the route's MTU, and may not be fragmented, or is a fragment's work that nobody does.
  @inlinable public static var needsFragmentation: DropReason { DropReason(rawValue: 68) }
  /// Over a rate limit.
  @inlinable public static var rateLimit: DropReason { DropReason(rawValue: 69) }
  /// To be routed, but its IPv4 header's checksum is wrong (RFC 1812 section 4.2.2.5).
  @inlinable public static var ipv4Checksum: DropReason { DropReason(rawValue: 71) }
  /// A VLAN tag did not fit the frame's headroom.
  @inlinable public static var noHeadroom: DropReason { DropReason(rawValue: 70) }

  /// Not the source MAC address that its port asks for (`SourceGuard`).
  @inlinable public static var spoofedMAC: DropReason { DropReason(rawValue: 72) }
  /// A source address that does not belong to its port, or belongs to another.
  @inlinable public static var spoofedAddress: DropReason { DropReason(rawValue: 73) }
  /// A VLAN tag where none is to be, or another one.
  @inlinable public static var unexpectedTag: DropReason { DropReason(rawValue: 74) }
  /// Not IP, on a port that takes nothing else.
  @inlinable public static var notIP: DropReason { DropReason(rawValue: 75) }
  /// IPv6 that never leaves its link, on a port that takes what is routed only.
  @inlinable public static var linkLocal: DropReason { DropReason(rawValue: 76) }
  /// Its route leads to a port that its own is kept apart from.
  @inlinable public static var isolated: DropReason { DropReason(rawValue: 77) }
  /// To be routed, but from or to what no router passes on (RFC 1812 sections 5.3.4 and 5.3.7).
  @inlinable public static var martian: DropReason { DropReason(rawValue: 78) }

  /// Names of the pipeline's reasons, for `EngineConfiguration.reasonNames`.
  public static var pipelineNames: [DropReason: String] {
    var names: [DropReason: String] = [
      .hopLimit: "hop_limit", .noRoute: "no_route", .refusedByRoute: "refused_by_route",
      .neighbourUnknown: "neighbour_unknown", .needsFragmentation: "needs_fragmentation", .rateLimit: "rate_limit",
      .noHeadroom: "no_headroom", .ipv4Checksum: "ip_csum",
      .spoofedMAC: "spoofed_mac", .spoofedAddress: "spoofed_address", .unexpectedTag: "unexpected_tag",
      .notIP: "not_ip", .linkLocal: "link_local", .isolated: "isolated", .martian: "martian",
    ]
    for malformation in Malformation.allCases where malformation != .none {
      names[.malformed(malformation)] = malformation.name
    }
    return names
  }
}
