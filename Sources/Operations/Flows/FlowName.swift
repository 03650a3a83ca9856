import Forwarder
import PacketHeaders
import XSKEngine

/// What packets are told apart by, read from the first bytes of one.
struct FlowName: Hashable, Sendable {
  /// The port that the packets came in on.
  var port: UInt8
  /// nil: what is not IP, or whose addresses can't be read.
  var source: IPAddress?
  var destination: IPAddress?
  /// nil where rows are addresses.
  var ipProtocol: UInt8?
  /// nil: no ports, or not to be read.
  var ports: Ports?
  /// What is not IP.
  var etherType: UInt16?

  struct Ports: Hashable, Sendable {
    var source: UInt16
    var destination: UInt16
  }

  /// Bytes of a packet that are enough: link header with two tags, IPv6 header, extension headers as a rule, ports.
  static let bytes = 192

  init(_ packet: CapturedPacket, _ bytes: RawSpan, by grouping: FlowsRequest.Grouping) {
    port = packet.port
    let summary = PacketSummary(bytes, length: packet.length)
    guard summary.key.version != 0, summary.flags.contains(.addresses) || summary.hasFlow else {
      etherType = Self.etherType(bytes, end: Int(summary.networkOffset))
      return
    }
    let key = summary.key
    if grouping != .destination {
      source = key.version == 4 ? .ipv4(key.sourceIPv4) : .ipv6(key.sourceIPv6)
    }
    if grouping != .source {
      destination = key.version == 4 ? .ipv4(key.destinationIPv4) : .ipv6(key.destinationIPv6)
    }
    guard grouping == .flow else { return }
    ipProtocol = key.ipProtocol.rawValue
    if summary.hasFlow { ports = Ports(source: key.sourcePort, destination: key.destinationPort) }
  }

  /// The type at the end of the link header; nil: the packet is too short for one.
  private static func etherType(_ bytes: RawSpan, end: Int) -> UInt16? {
    guard end >= 14, bytes.byteCount >= end else { return nil }
    // Any bit pattern is a valid integer; the offset is checked.
    return unsafe UInt16(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: end - 2, as: UInt16.self))
  }
}
