extension InternetChecksum {
  /// What a packet's transport checksum turned out to be.
  @frozen public enum Verdict: Sendable {
    case good
    /// The kernel's TCP_CSUM, UDP_CSUM, ICMP_CSUM. Or not finished yet: a sender's stack with checksum offload on leaves
    /// the pseudo-header's sum there, and on a virtual link nobody finishes it.
    case bad
    /// UDP over IPv4 without a checksum: allowed.
    case absent
    /// Can't be told: a malformed packet, a fragment, a routing header, a protocol without a checksum, or bytes that are
    /// not at hand.
    case unknown
  }

  /// Verifies the checksum of a TCP, UDP, ICMP or ICMPv6 packet.
  ///
  /// UDP over IPv6 with checksum 0 is `.bad` (RFC 8200 section 8.1).
  ///
  /// - Parameters:
  ///   - frame: the whole packet's bytes.
  ///   - summary: what the parser said of those bytes.
  /// - Complexity: O(payload).
  @inlinable
  public static func verifyTransport(_ frame: RawSpan, _ summary: PacketSummary) -> Verdict {
    guard summary.isIP, !summary.isFragment, !summary.flags.contains(.ipv6Routing) else { return .unknown }
    let start = Int(summary.transportOffset)
    var end = summary.endOffset
    guard end <= frame.byteCount else { return .unknown }
    switch summary.key.ipProtocol {
    case .tcp: break
    case .udp:
      if summary.flags.contains(.udpChecksumAbsent) { return summary.key.version == 4 ? .absent : .bad }
      end = start &+ Int(frame.load16(start &+ 4).byteSwapped)
    case .icmp where summary.key.version == 4:
      return fold(sum(frame.extracting(start..<end))) == 0xFFFF ? .good : .bad
    case .icmpv6 where summary.key.version == 6: break
    default: return .unknown
    }
    let pseudo = pseudoHeader(summary.key, length: end &- start)
    return fold(sum(frame.extracting(start..<end), pseudo)) == 0xFFFF ? .good : .bad
  }

  /// Verifies an IPv4 header's checksum. (Parsing does this too: `PacketSummary.Flags.ipv4ChecksumBad`.)
  ///
  /// - Parameter header: the header with its options, an even number of bytes.
  @inlinable
  public static func verifyIPv4Header(_ header: RawSpan) -> Bool { fold(sum(header)) == 0xFFFF }
}
