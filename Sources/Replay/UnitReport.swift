import Captures
import GROLite
import PacketHeaders
import XSKEngine

/// What `--units` says of a delivered unit.
struct UnitReport {
  /// The place of the unit's first packet in the capture, from 0.
  let index: Int
  let packets: Int
  let form: GROUnit.Form
  /// As the IP header names it.
  let ipProtocol: IPProtocol
  /// Payload bytes of TCP, UDP or whatever else IP carries, of what is not IP those behind the link header, and their CRC-32.
  /// Nil of a fragment, and where the packet is malformed.
  let payload: Int?
  let checksum: UInt32
  /// Bytes of the IP packet, of an aggregate those of its super-frame's; 0 where there is none, or none that can be trusted.
  let ipLength: Int
  let malformation: Malformation

  /// - Parameter base: the place of the burst's first packet in the capture.
  init(_ unit: GROUnit, of gro: borrowing GROLite, in burst: borrowing Burst, base: Int) {
    let summary = gro.summary(of: unit)
    index = base + unit.first
    packets = unit.count
    form = unit.form
    ipProtocol = summary.key.ipProtocol
    malformation = summary.malformation
    ipLength = Self.ipLength(unit, summary)
    guard !summary.isMalformed && !summary.isFragment else {
      (payload, checksum) = (nil, 0)
      return
    }
    (payload, checksum) = Self.payload(unit, summary, of: gro, in: burst)
  }

  /// One line of JSON. Names of malformations need no escapes.
  var line: String {
    let form =
      switch form {
      case .lone: "lone"
      case .chain: "chain"
      case .linear: "linear"
      }
    let transport =
      switch ipProtocol {
      case .tcp: "tcp"
      case .udp: "udp"
      default: "other"
      }
    let content = payload.map { "\"payload\":\($0),\"crc32\":\(checksum)" } ?? "\"payload\":null,\"crc32\":null"
    let reason = malformation == .none ? "" : ",\"malformed\":\"\(malformation.name)\""
    return "{\"index\":\(index),\"packets\":\(packets),\"form\":\"\(form)\",\"l4\":\"\(transport)\",\(content),"
      + "\"ip_length\":\(ipLength)\(reason)}\n"
  }

  private static func ipLength(_ unit: GROUnit, _ summary: PacketSummary) -> Int {
    // An IPv6 length that the packet does not have is noted all the same.
    guard summary.key.version != 0, summary.malformation != .ipv6PayloadPastFrame else { return 0 }
    guard unit.count > 1 else { return summary.ipLength }
    return Int(summary.payloadOffset) - Int(summary.networkOffset) + unit.payloadLength
  }

  private static func payload(
    _ unit: GROUnit, _ summary: PacketSummary, of gro: borrowing GROLite, in burst: borrowing Burst
  ) -> (Int, UInt32) {
    var checksum = CRC32()
    guard unit.count > 1 else {
      let bytes = burst.bytes(unit.first).extracting(droppingFirst: Int(summary.payloadOffset))
      let payload = bytes.extracting(first: loneLength(summary, bytes.byteCount, in: burst.bytes(unit.first)))
      checksum.add(payload)
      return (payload.byteCount, checksum.value)
    }
    gro.forEachPayload(of: unit) { index, offset, length in
      checksum.add(burst.bytes(index).extracting(offset..<offset + length))
    }
    return (unit.payloadLength, checksum.value)
  }

  /// - Parameter available: bytes from the payload's start to the frame's end.
  private static func loneLength(_ summary: PacketSummary, _ available: Int, in frame: RawSpan) -> Int {
    // What is not IP has no length of its own, and may be longer than a summary can say.
    guard summary.isIP else { return available }
    guard summary.isUDP else { return Int(summary.payloadLength) }
    // A datagram may end before its IP packet does. Any bit pattern is a number; the offset is checked.
    let field = unsafe frame.unsafeLoadUnaligned(
      fromByteOffset: Int(summary.transportOffset) + 4, as: UInt16.self)
    return Int(field.bigEndian) - 8
  }
}
