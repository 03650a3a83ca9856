/// A packet for tests, described by its fields and turned into bytes by `frame`. Checksums are computed a byte at a time, by
/// code that shares nothing with the code under test.
public struct SamplePacket: Sendable {
  public enum Transport: Sendable { case tcp, udp, icmp, other(UInt8) }

  /// An IPv6 extension header: its type, and its bytes behind the next-header byte.
  public struct Extension: Sendable {
    public var type: UInt8
    public var body: [UInt8]

    public init(_ type: UInt8, _ body: [UInt8]) { (self.type, self.body) = (type, body) }

    /// A header of `units` × 8 bytes filled by one PadN option.
    public static func padding(_ type: UInt8, units: Int = 1, fill: UInt8 = 0) -> Extension {
      let length = units * 8 - 4
      return Extension(type, [UInt8(units - 1), 1, UInt8(length)] + [UInt8](repeating: fill, count: length))
    }

    /// A fragment header; `offset` in units of 8 bytes.
    public static func fragment(offset: UInt16, more: Bool) -> Extension {
      let field = offset << 3 | (more ? 1 : 0)
      return Extension(44, [0, UInt8(field >> 8), UInt8(field & 0xFF), 0, 0, 0, 7])
    }
  }

  public var isIPv6 = false
  public var isRaw = false
  public var sourceMAC: [UInt8] = [2, 0, 0, 0, 0, 1]
  public var destinationMAC: [UInt8] = [2, 0, 0, 0, 0, 2]
  /// TPID and TCI, outermost first.
  public var vlans: [(UInt16, UInt16)] = []
  public var sourceHost: UInt8 = 1
  public var destinationHost: UInt8 = 2
  public var timeToLive: UInt8 = 8
  public var trafficClass: UInt8 = 0
  public var dontFragment = true
  public var reservedBit = false
  /// In units of 8 bytes.
  public var fragmentOffset: UInt16 = 0
  public var moreFragments = false
  public var identification: UInt16 = 0
  public var ipv4Options: [UInt8] = []
  public var flowLabel: UInt32 = 0
  public var extensions: [Extension] = []
  public var transport = Transport.tcp
  public var sourcePort: UInt16 = 1500
  public var destinationPort: UInt16 = 8000
  public var sequence: UInt32 = 0
  public var acknowledgement: UInt32 = 1
  public var tcpFlags: UInt8 = 0x10
  public var window: UInt16 = 65535
  public var tcpOptions: [UInt8] = []
  public var payload: [UInt8] = []
  public var hasUDPChecksum = true
  public var padding = 0
  /// XORed into the transport's checksum.
  public var checksumError: UInt16 = 0
  public var ipv4ChecksumError: UInt16 = 0

  public init() {}

  public init(_ change: (inout SamplePacket) -> Void) { change(&self) }

  /// A copy with changes.
  public func with(_ change: (inout SamplePacket) -> Void) -> SamplePacket {
    var copy = self
    change(&copy)
    return copy
  }

  /// Bytes before the IP header.
  public var linkLength: Int { isRaw ? 0 : 14 + 4 * vlans.count }

  public var frame: [UInt8] {
    let upper = transportBytes
    return linkBytes + (isIPv6 ? ipv6Header(upper.count) : ipv4Header(upper.count)) + upper
      + [UInt8](repeating: 0, count: padding)
  }

  public static func fill(_ count: Int, from start: Int = 0) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: ($0 + start) &* 7 &+ ($0 + start) >> 8) }
  }
}

extension SamplePacket {
  var linkBytes: [UInt8] {
    guard !isRaw else { return [] }
    var bytes = destinationMAC + sourceMAC
    for (type, tag) in vlans { bytes += type.bigEndianBytes + tag.bigEndianBytes }
    return bytes + (isIPv6 ? [0x86, 0xDD] : [0x08, 0x00])
  }

  var protocolNumber: UInt8 {
    switch transport {
    case .tcp: 6
    case .udp: 17
    case .icmp: isIPv6 ? 58 : 1
    case .other(let number): number
    }
  }

  var addresses: ([UInt8], [UInt8]) {
    if isIPv6 {
      let prefix: [UInt8] = [0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
      return (prefix + [sourceHost], prefix + [destinationHost])
    }
    return ([10, 0, 0, sourceHost], [10, 0, 1, destinationHost])
  }

  func ipv4Header(_ length: Int) -> [UInt8] {
    var header: [UInt8] = [0x45 + UInt8(ipv4Options.count / 4), trafficClass]
    header += UInt16(20 + ipv4Options.count + length).bigEndianBytes + identification.bigEndianBytes
    let flags: UInt16 = (reservedBit ? 0x8000 : 0) | (dontFragment ? 0x4000 : 0) | (moreFragments ? 0x2000 : 0)
    header += (flags | fragmentOffset).bigEndianBytes + [timeToLive, protocolNumber, 0, 0]
    header += addresses.0 + addresses.1 + ipv4Options
    let checksum = ReferenceChecksum.of(header) ^ ipv4ChecksumError
    header.replaceSubrange(10..<12, with: checksum.bigEndianBytes)
    return header
  }

  func ipv6Header(_ length: Int) -> [UInt8] {
    let chain = extensionBytes
    let first = UInt32(6) << 28 | UInt32(trafficClass) << 20 | flowLabel
    var header = UInt16(first >> 16).bigEndianBytes + UInt16(first & 0xFFFF).bigEndianBytes
    header += UInt16(length + chain.count).bigEndianBytes + [extensions.first?.type ?? protocolNumber, timeToLive]
    return header + addresses.0 + addresses.1 + chain
  }

  var extensionBytes: [UInt8] {
    var bytes: [UInt8] = []
    for (place, header) in extensions.enumerated() {
      bytes += [place + 1 < extensions.count ? extensions[place + 1].type : protocolNumber] + header.body
    }
    return bytes
  }

  var transportBytes: [UInt8] {
    switch transport {
    case .tcp: tcpBytes
    case .udp: udpBytes
    case .icmp: checksummed([isIPv6 ? 128 : 8, 0, 0, 0, 0, 1, 0, 2] + payload, at: 2, hasPseudoHeader: isIPv6)
    case .other: payload
    }
  }

  var tcpBytes: [UInt8] {
    var bytes = sourcePort.bigEndianBytes + destinationPort.bigEndianBytes
    bytes += UInt16(sequence >> 16).bigEndianBytes + UInt16(sequence & 0xFFFF).bigEndianBytes
    bytes += UInt16(acknowledgement >> 16).bigEndianBytes + UInt16(acknowledgement & 0xFFFF).bigEndianBytes
    bytes += [UInt8(5 + tcpOptions.count / 4) << 4, tcpFlags] + window.bigEndianBytes + [0, 0, 0, 0]
    return checksummed(bytes + tcpOptions + payload, at: 16, hasPseudoHeader: true)
  }

  var udpBytes: [UInt8] {
    let bytes = sourcePort.bigEndianBytes + destinationPort.bigEndianBytes
    let datagram = bytes + UInt16(8 + payload.count).bigEndianBytes + [0, 0] + payload
    guard hasUDPChecksum else { return datagram }
    var summed = checksummed(datagram, at: 6, hasPseudoHeader: true)
    if summed[6] == 0 && summed[7] == 0 { (summed[6], summed[7]) = (0xFF, 0xFF) }
    return summed
  }

  func checksummed(_ bytes: [UInt8], at offset: Int, hasPseudoHeader: Bool) -> [UInt8] {
    var pseudo: [UInt8] = []
    if hasPseudoHeader {
      let length = UInt16(bytes.count).bigEndianBytes
      pseudo =
        addresses.0 + addresses.1
        + (isIPv6 ? [0, 0] + length + [0, 0, 0, protocolNumber] : [0, protocolNumber] + length)
    }
    var result = bytes
    let checksum = ReferenceChecksum.of(pseudo + bytes) ^ checksumError
    result.replaceSubrange(offset..<offset + 2, with: checksum.bigEndianBytes)
    return result
  }
}

/// RFC 1071 as it is written there, a 16-bit word at a time.
public enum ReferenceChecksum {
  public static func of(_ bytes: [UInt8]) -> UInt16 {
    var sum: UInt32 = 0
    for offset in stride(from: 0, to: bytes.count, by: 2) {
      sum += UInt32(bytes[offset]) << 8 | (offset + 1 < bytes.count ? UInt32(bytes[offset + 1]) : 0)
      sum = sum & 0xFFFF + sum >> 16
    }
    return ~UInt16(sum)
  }
}

extension UInt16 {
  public var bigEndianBytes: [UInt8] { [UInt8(self >> 8), UInt8(self & 0xFF)] }
}
