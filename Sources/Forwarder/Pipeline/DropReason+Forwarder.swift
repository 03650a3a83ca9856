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

  /// Names of the pipeline's reasons, for `EngineConfiguration.reasonNames`.
  public static var pipelineNames: [DropReason: String] {
    var names: [DropReason: String] = [
      .hopLimit: "hop_limit", .noRoute: "no_route", .refusedByRoute: "refused_by_route",
      .neighbourUnknown: "neighbour_unknown", .needsFragmentation: "needs_fragmentation", .rateLimit: "rate_limit",
      .noHeadroom: "no_headroom", .ipv4Checksum: "ip_csum",
    ]
    for malformation in Malformation.allCases where malformation != .none {
      names[.malformed(malformation)] = malformation.name
    }
    return names
  }
}
