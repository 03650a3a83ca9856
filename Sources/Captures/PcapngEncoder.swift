/// Composes a capture in pcapng: what pcap has no place for are interfaces by name, comments on packets, and losses.
///
/// Blocks are appended to `bytes`, which the caller writes and takes away; all is little-endian, times are nanoseconds.
/// (draft-ietf-opsawg-pcapng; libpcap reads the format but does not write it)
public struct PcapngEncoder: Sendable {
  /// What was composed since it was last taken.
  public private(set) var bytes: [UInt8] = []

  public init() {}

  /// Hands out what was composed.
  public mutating func take() -> [UInt8] {
    defer { bytes = [] }
    return bytes
  }

  /// Section Header Block: begins the file. Interfaces are numbered from 0 in the order in which they follow.
  public mutating func beginSection(application: String) {
    block(PcapngBlock.sectionHeader) { encoder in
      encoder.add(PcapngBlock.byteOrderMagic)
      encoder.add(UInt16(1))
      encoder.add(UInt16(0))
      encoder.add(UInt64.max)  // of unknown length
      encoder.option(4, Array(application.utf8))
      encoder.endOptions()
    }
  }

  /// Interface Description Block.
  ///
  /// - Parameters:
  ///   - link: LINKTYPE_…; 1: Ethernet.
  ///   - snapLength: bytes that are kept of a packet at most; 0: all.
  public mutating func addInterface(name: String, description: String, link: UInt16 = 1, snapLength: Int) {
    block(1) { encoder in
      encoder.add(link)
      encoder.add(UInt16(0))
      encoder.add(UInt32(clamping: snapLength))
      encoder.option(2, Array(name.utf8))
      encoder.option(3, Array(description.utf8))
      encoder.option(9, [9])  // if_tsresol: 10⁻⁹ s
      encoder.endOptions()
    }
  }

  /// Enhanced Packet Block.
  ///
  /// - Parameters:
  ///   - length: of the packet, of which `packet` may be the beginning.
  ///   - queue: of the device, that it came in on.
  ///   - lost: packets of the interface that were lost between the one before and this.
  public mutating func addPacket(
    _ packet: RawSpan, length: Int, interface: Int, nanoseconds: UInt64, direction: Direction, queue: Int,
    lost: UInt64 = 0, comments: [String] = []
  ) {
    block(PcapngBlock.enhancedPacket) { encoder in
      encoder.add(UInt32(clamping: interface))
      encoder.add(UInt32(truncatingIfNeeded: nanoseconds >> 32))
      encoder.add(UInt32(truncatingIfNeeded: nanoseconds))
      encoder.add(UInt32(clamping: packet.byteCount))
      encoder.add(UInt32(clamping: max(length, packet.byteCount)))
      // Safe: the span is valid for the call.
      unsafe packet.withUnsafeBytes { unsafe encoder.bytes.append(contentsOf: $0) }
      encoder.pad()
      for comment in comments { encoder.option(1, Array(comment.utf8)) }
      encoder.option(2) { $0.add(direction.rawValue) }
      if lost > 0 { encoder.option(4) { $0.add(lost) } }
      encoder.option(6) { $0.add(UInt32(clamping: queue)) }
      encoder.endOptions()
    }
  }

  /// Interface Statistics Block: packets that met the capture's conditions, those lost of them, and those in the file.
  public mutating func addStatistics(
    interface: Int, nanoseconds: UInt64, accepted: UInt64, lost: UInt64, written: UInt64
  ) {
    block(PcapngBlock.statistics) { encoder in
      encoder.add(UInt32(clamping: interface))
      encoder.add(UInt32(truncatingIfNeeded: nanoseconds >> 32))
      encoder.add(UInt32(truncatingIfNeeded: nanoseconds))
      encoder.option(6) { $0.add(accepted) }
      encoder.option(PcapngBlock.lostOption) { $0.add(lost) }
      encoder.option(8) { $0.add(written) }
      encoder.endOptions()
    }
  }

  /// epb_flags, bits 0 and 1.
  public enum Direction: UInt32, Sendable {
    case inbound = 1
    case outbound = 2
  }

  /// A block around what `body` adds: type, length, body, length.
  private mutating func block(_ type: UInt32, _ body: (inout PcapngEncoder) -> Void) {
    let start = bytes.count
    add(type)
    add(UInt32(0))
    body(&self)
    let length = UInt32(clamping: bytes.count - start + 4)
    add(length)
    for place in 0..<4 { bytes[start + 4 + place] = UInt8(truncatingIfNeeded: length >> (8 * UInt32(place))) }
  }

  private mutating func option(_ code: UInt16, _ value: [UInt8]) {
    // A length has 16 bits.
    let value = value.prefix(Int(UInt16.max))
    add(code)
    add(UInt16(value.count))
    bytes += value
    pad()
  }

  private mutating func option(_ code: UInt16, _ body: (inout PcapngEncoder) -> Void) {
    var value = PcapngEncoder()
    body(&value)
    option(code, value.bytes)
  }

  private mutating func endOptions() { add(UInt32(0)) }

  private mutating func pad() {
    while bytes.count % 4 != 0 { bytes.append(0) }
  }

  private mutating func add(_ value: some FixedWidthInteger) {
    for shift in stride(from: 0, to: value.bitWidth, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
  }
}

/// Numbers of the format that its writer and its reader share.
enum PcapngBlock {
  static let sectionHeader: UInt32 = 0x0A0D_0D0A
  static let enhancedPacket: UInt32 = 6
  static let statistics: UInt32 = 5
  static let byteOrderMagic: UInt32 = 0x1A2B_3C4D
  /// isb_osdrop.
  static let lostOption: UInt16 = 7
}
