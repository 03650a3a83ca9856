/// The transport header, while parsing. Offsets count from its first byte.
@frozen @usableFromInline
struct PacketTransport {
  @usableFromInline var tcpWord: UInt64 = 0
  @usableFromInline var ports: UInt32 = 0
  @usableFromInline var sequence: UInt32 = 0
  @usableFromInline var headerLength: Int = 0
  @usableFromInline var flags: UInt16 = 0
  @usableFromInline var fault: Malformation = .none

  /// None: not IP, or nothing that this parser knows.
  @inlinable @inline(always)
  init() {}

  /// - Parameters:
  ///   - bytes: the transport's bytes at hand, without padding.
  ///   - network: what the IP header said.
  @inlinable @inline(always)
  init(_ bytes: RawSpan, _ network: PacketNetwork) {
    self.init()
    if network.flags & PacketNetwork.Flags.fragment != 0 {
      // A first fragment has ports, so that its flow can be told; nothing more of it can be judged.
      if !network.isLaterFragment && (network.ipProtocol == 6 || network.ipProtocol == 17) { takePorts(bytes) }
    } else if network.ipProtocol == 6 {
      parseTCP(bytes, length: network.transportLength)
    } else if network.ipProtocol == 17 {
      parseUDP(bytes, length: network.transportLength)
    } else if network.ipProtocol == (network.identity &>> 40 == 4 ? 1 : 58), bytes.byteCount < 8 {
      fault = .icmpTruncated
    }
  }

  @inlinable @inline(always)
  mutating func takePorts(_ bytes: RawSpan) {
    guard bytes.byteCount >= 4 else { return }
    ports = bytes.load32(0)
    flags |= PacketNetwork.Flags.flow
  }

  /// A TCP header (RFC 9293), of a segment of `length` bytes.
  @inlinable @inline(always)
  mutating func parseTCP(_ bytes: RawSpan, length: Int) {
    guard bytes.byteCount >= 20 else {
      takePorts(bytes)
      fault = .tcpTruncated
      return
    }
    let first = bytes.load64(0)
    tcpWord = bytes.load64(8)
    ports = UInt32(truncatingIfNeeded: first)
    sequence = UInt32(truncatingIfNeeded: first &>> 32).byteSwapped
    flags = PacketNetwork.Flags.flow
    let dataOffset = Int(truncatingIfNeeded: tcpWord &>> 36) & 15
    if dataOffset != 5 {
      guard dataOffset > 5 else {
        fault = .tcpDataOffsetSmall
        return
      }
      guard dataOffset &* 4 <= length else {
        fault = .tcpDataOffsetPastSegment
        return
      }
      guard dataOffset &* 4 <= bytes.byteCount else {
        fault = .tcpTruncated
        return
      }
      flags |= PacketNetwork.Flags.tcpOptions
      fault = Self.checkTCPOptions(bytes.extracting(20..<dataOffset &* 4))
    }
    headerLength = dataOffset &* 4
  }

  @inlinable @inline(always)
  static func checkTCPOptions(_ options: RawSpan) -> Malformation {
    // Padding, padding, timestamps of 10 bytes: what nearly every segment with options has (RFC 7323, appendix A).
    if options.byteCount == 12 && options.load32(0) == 0x0A08_0101 { return .none }
    switch OptionList.check(options) {
    case .good: return .none
    case .length: return .tcpOptionLength
    case .overrun: return .tcpOptionOverrun
    }
  }

  /// A UDP header (RFC 768), in an IP payload of `length` bytes.
  @inlinable @inline(always)
  mutating func parseUDP(_ bytes: RawSpan, length: Int) {
    guard bytes.byteCount >= 8 else {
      takePorts(bytes)
      fault = .udpTruncated
      return
    }
    let first = bytes.load64(0)
    ports = UInt32(truncatingIfNeeded: first)
    flags = PacketNetwork.Flags.flow
    let datagram = Int(UInt16(truncatingIfNeeded: first &>> 32).byteSwapped)
    guard datagram >= 8 else {
      fault = .udpLengthSmall
      return
    }
    guard datagram <= length else {
      fault = .udpLengthPastPayload
      return
    }
    if datagram != length { flags |= PacketNetwork.Flags.udpLengthMismatch }
    if first &>> 48 == 0 { flags |= PacketNetwork.Flags.udpChecksumAbsent }
    headerLength = 8
  }
}
