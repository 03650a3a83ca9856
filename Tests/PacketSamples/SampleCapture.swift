/// A capture as bytes, put together here from the formats' descriptions and not by the code under test.
public struct SampleCapture: Sendable {
  public enum Format: Sendable, CaseIterable { case pcap, pcapng }

  public struct Packet: Sendable {
    public var bytes: [UInt8]
    /// What it had when it was captured; nil: just these bytes.
    public var length: UInt32?
    public var seconds: UInt32
    public var nanoseconds: UInt32
    /// What a pcap record says of it, whatever unit that has; nil: `nanoseconds`.
    public var fraction: UInt32?

    public init(_ bytes: [UInt8], length: UInt32? = nil, seconds: UInt32 = 0, nanoseconds: UInt32 = 0) {
      (self.bytes, self.length, self.seconds, self.nanoseconds) = (bytes, length, seconds, nanoseconds)
    }
  }

  public var format = Format.pcap
  public var isBigEndian = false
  /// Time stamps of nanoseconds; otherwise of microseconds.
  public var isNano = true
  /// LINKTYPE_…: 1 Ethernet, 101 raw IP.
  public var link: UInt32 = 1
  public var snapLength: UInt32 = 262_144
  public var packets: [Packet]

  public init(_ packets: [Packet], _ change: (inout SampleCapture) -> Void = { _ in }) {
    self.packets = packets
    change(&self)
  }

  /// Packets a microsecond apart.
  public init(frames: [[UInt8]], _ change: (inout SampleCapture) -> Void = { _ in }) {
    self.init(
      frames.enumerated().map { place, frame in
        Packet(frame, seconds: 1_700_000_000 + UInt32(place / 1_000_000), nanoseconds: UInt32(place % 1_000_000) * 1000)
      }, change)
  }

  public var bytes: [UInt8] {
    switch format {
    case .pcap: pcapHeader + packets.flatMap(pcapRecord)
    case .pcapng: sectionHeader + interfaceDescription + packets.flatMap(enhancedPacket)
    }
  }

  /// A pcapng whose second interface, of another link type, is described in front of the packets.
  public func withSecondInterface(link: UInt32) -> [UInt8] {
    var other = self
    other.link = link
    return sectionHeader + interfaceDescription + other.interfaceDescription + packets.flatMap(enhancedPacket)
  }

  /// Where each packet's record ends, and before them the header.
  public var ends: [Int] {
    let header = format == .pcap ? pcapHeader.count : sectionHeader.count + interfaceDescription.count
    return packets.reduce(into: [header]) { ends, packet in
      ends.append(ends[ends.count - 1] + (format == .pcap ? pcapRecord(packet) : enhancedPacket(packet)).count)
    }
  }
}

extension SampleCapture {
  func word(_ value: UInt32) -> [UInt8] {
    let bytes = UInt16(value >> 16).bigEndianBytes + UInt16(value & 0xFFFF).bigEndianBytes
    return isBigEndian ? bytes : bytes.reversed()
  }

  func half(_ value: UInt16) -> [UInt8] { isBigEndian ? value.bigEndianBytes : value.bigEndianBytes.reversed() }

  func padded(_ bytes: [UInt8]) -> [UInt8] { bytes + [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4) }

  // https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html
  var pcapHeader: [UInt8] {
    word(isNano ? 0xA1B2_3C4D : 0xA1B2_C3D4) + half(2) + half(4) + word(0)
      + word(0) + word(snapLength) + word(link)
  }

  func pcapRecord(_ packet: Packet) -> [UInt8] {
    word(packet.seconds) + word(packet.fraction ?? (isNano ? packet.nanoseconds : packet.nanoseconds / 1000))
      + word(UInt32(packet.bytes.count)) + word(packet.length ?? UInt32(packet.bytes.count)) + packet.bytes
  }

  // https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html
  func block(_ type: UInt32, _ body: [UInt8]) -> [UInt8] {
    let length = word(UInt32(12 + body.count))
    return word(type) + length + body + length
  }

  var sectionHeader: [UInt8] {
    block(
      0x0A0D_0D0A,
      word(0x1A2B_3C4D) + half(1) + half(0) + [UInt8](repeating: 0xFF, count: 8))
  }

  var interfaceDescription: [UInt8] {
    // if_tsresol: 10⁻⁹; without it time stamps are of microseconds.
    let options = isNano ? half(9) + half(1) + [9, 0, 0, 0] + word(0) : []
    return block(1, half(UInt16(link)) + half(0) + word(snapLength) + options)
  }

  func enhancedPacket(_ packet: Packet) -> [UInt8] {
    let unit: UInt64 = isNano ? 1_000_000_000 : 1_000_000
    let time = UInt64(packet.seconds) * unit + UInt64(isNano ? packet.nanoseconds : packet.nanoseconds / 1000)
    let lengths = word(UInt32(packet.bytes.count)) + word(packet.length ?? UInt32(packet.bytes.count))
    return block(
      6,
      word(0) + word(UInt32(time >> 32)) + word(UInt32(truncatingIfNeeded: time)) + lengths
        + padded(packet.bytes))
  }
}
