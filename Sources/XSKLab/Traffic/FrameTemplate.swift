import XSKEngine

/// A UDP or TCP frame to be made: what the headers say. Lengths and checksums are worked out.
///
///     let frame = try FrameTemplate(from: left, to: right, transport: .udp).frame(size: 64)
public struct FrameTemplate: Hashable, Sendable {
  public enum Transport: Hashable, Sendable { case udp, tcp }

  public var sourceAddress: LinkAddress
  public var destinationAddress: LinkAddress
  /// IP addresses as text, both IPv4 or both IPv6.
  public var source: String
  public var destination: String
  public var sourcePort: UInt16 = 10_000
  public var destinationPort: UInt16 = 9
  public var transport: Transport = .udp
  /// The 802.1Q tag, 0…4095; nil: none.
  public var vlan: UInt16?
  public var timeToLive: UInt8 = 64
  /// The IPv4 identification field.
  public var identification: UInt16 = 0
  public var tcpSequence: UInt32 = 1
  public var tcpAcknowledgement: UInt32 = 1
  /// RFC 9293's flags byte; 0x10: ACK.
  public var tcpFlags: UInt8 = 0x10
  /// UDP over IPv4 may go without a checksum; nothing else may.
  public var hasUDPChecksum = true

  public init(
    sourceAddress: LinkAddress, destinationAddress: LinkAddress, source: String, destination: String,
    transport: Transport = .udp
  ) {
    self.sourceAddress = sourceAddress
    self.destinationAddress = destinationAddress
    self.source = source
    self.destination = destination
    self.transport = transport
  }

  /// A frame from one end of a pair to the other, with their first IP addresses.
  public init(from near: VethEnd, to far: VethEnd, transport: Transport = .udp) throws(XSKError) {
    func bare(_ end: VethEnd) throws(XSKError) -> String {
      guard let address = end.addresses.first else {
        throw XSKError(end.name, "has no IP address", remedy: "give the end an address, or name addresses")
      }
      return String(address.prefix { $0 != "/" })
    }
    self.init(
      sourceAddress: try near.link().address, destinationAddress: try far.link().address, source: try bare(near),
      destination: try bare(far), transport: transport)
  }

  /// Bytes of all headers, Ethernet's included.
  public var headerBytes: Int {
    14 + (vlan == nil ? 0 : 4) + (source.contains(":") ? 40 : 20) + (transport == .tcp ? 20 : 8)
  }

  /// A frame of `size` bytes, without FCS, whose payload counts up from `seed`.
  ///
  /// - Throws: `XSKError` if the headers alone are longer, or an address isn't one.
  public func frame(size: Int, seed: UInt8 = 0) throws(XSKError) -> [UInt8] {
    guard size >= headerBytes else {
      throw XSKError("frame of \(size) bytes", "too short for its headers", remedy: "use \(headerBytes) bytes or more")
    }
    return try frame(payload: (0..<size - headerBytes).map { seed &+ UInt8(truncatingIfNeeded: $0) })
  }

  /// A frame that carries `payload`.
  public func frame(payload: [UInt8]) throws(XSKError) -> [UInt8] {
    let source = try IPBytes(source), destination = try IPBytes(destination)
    guard source.isIPv6 == destination.isIPv6 else {
      throw XSKError("\(self.source) to \(self.destination)", "two versions of IP", remedy: "use two addresses of one")
    }
    let segment = segment(source, destination, payload)
    var bytes = destinationAddress.bytes + sourceAddress.bytes
    if let vlan { bytes += [0x81, 0x00] + bigEndian(vlan) }
    bytes += source.isIPv6 ? [0x86, 0xdd] : [0x08, 0x00]
    bytes +=
      source.isIPv6 ? ipv6Header(source, destination, segment.count) : ipv4Header(source, destination, segment.count)
    return bytes + segment
  }

  private var protocolNumber: UInt8 { transport == .tcp ? 6 : 17 }

  /// RFC 791, with "don't fragment".
  private func ipv4Header(_ source: IPBytes, _ destination: IPBytes, _ length: Int) -> [UInt8] {
    var header: [UInt8] = [0x45, 0] + bigEndian(UInt16(20 + length)) + bigEndian(identification)
    header += [0x40, 0, timeToLive, protocolNumber, 0, 0] + source.bytes + destination.bytes
    header.replaceSubrange(10..<12, with: bigEndian(InternetChecksum.of(header)))
    return header
  }

  /// RFC 8200.
  private func ipv6Header(_ source: IPBytes, _ destination: IPBytes, _ length: Int) -> [UInt8] {
    [0x60, 0, 0, 0] + bigEndian(UInt16(length)) + [protocolNumber, timeToLive] + source.bytes + destination.bytes
  }

  /// The UDP or TCP header with its checksum, and the payload (RFC 768, RFC 9293).
  private func segment(_ source: IPBytes, _ destination: IPBytes, _ payload: [UInt8]) -> [UInt8] {
    var segment = bigEndian(sourcePort) + bigEndian(destinationPort)
    switch transport {
    case .udp: segment += bigEndian(UInt16(8 + payload.count)) + [0, 0]
    case .tcp:
      segment += bigEndian(tcpSequence) + bigEndian(tcpAcknowledgement) + [0x50, tcpFlags, 0xff, 0xff, 0, 0, 0, 0]
    }
    segment += payload
    guard transport == .tcp || hasUDPChecksum else { return segment }
    let pseudo = source.bytes + destination.bytes + [0, protocolNumber] + bigEndian(UInt16(segment.count))
    var checksum = InternetChecksum.of(pseudo + segment)
    if transport == .udp && checksum == 0 { checksum = 0xffff }  // zero would say "no checksum"
    let offset = transport == .tcp ? 16 : 6
    segment.replaceSubrange(offset..<offset + 2, with: bigEndian(checksum))
    return segment
  }

  private func bigEndian<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    (0..<Value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (Value.bitWidth - 8 - 8 * $0)) }
  }
}

/// RFC 1071, written for clearness: the tests hold the engine's fast one against frames made with it.
enum InternetChecksum {
  static func of(_ bytes: [UInt8]) -> UInt16 {
    var sum: UInt32 = 0
    for index in stride(from: 0, to: bytes.count, by: 2) {
      let low = index + 1 < bytes.count ? UInt32(bytes[index + 1]) : 0
      sum += UInt32(bytes[index]) << 8 | low
      sum = (sum & 0xffff) + (sum >> 16)
    }
    return ~UInt16(truncatingIfNeeded: sum)
  }
}
