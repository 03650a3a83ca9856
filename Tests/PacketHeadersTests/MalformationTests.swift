import PacketHeaders
import PacketSamples
import Testing

@Suite struct MalformationTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let reason: Malformation
    let link: PacketSummary.LinkLayer
    let bytes: [UInt8]
    var testDescription: String { reason.name }
  }

  static let tcp = SamplePacket { $0.payload = SamplePacket.fill(20) }
  static let tcp6 = tcp.with { $0.isIPv6 = true }
  static let udp = tcp.with { $0.transport = .udp }

  static func row(_ reason: Malformation, _ packet: SamplePacket, _ change: (inout [UInt8]) -> Void = { _ in }) -> Row {
    var bytes = packet.frame
    change(&bytes)
    return Row(reason: reason, link: packet.isRaw ? .rawIP : .ethernet, bytes: bytes)
  }

  /// A packet cut to `count` transport bytes, its IP length with it.
  static func cut(_ reason: Malformation, _ packet: SamplePacket, to count: Int) -> Row {
    row(reason, packet) { bytes in
      let header = packet.isIPv6 ? 40 : 20
      bytes.removeLast(bytes.count - 14 - header - count)
      let length = UInt16(packet.isIPv6 ? count : count + 20).bigEndianBytes
      bytes.replaceSubrange(packet.isIPv6 ? 18..<20 : 16..<18, with: length)
    }
  }

  static func extended(_ reason: Malformation, _ extensions: [SamplePacket.Extension]) -> Row {
    row(reason, tcp6.with { $0.extensions = extensions })
  }

  static let link: [Row] = [
    row(.ethernetTruncated, tcp) { $0.removeLast($0.count - 13) },
    row(.ethernetTruncated, tcp) { $0.removeAll() },
    row(.vlanTruncated, tcp.with { $0.vlans = [(0x8100, 1)] }) { $0.removeLast($0.count - 17) },
    row(.vlanTruncated, tcp.with { $0.vlans = [(0x88A8, 1), (0x8100, 2)] }) { $0.removeLast($0.count - 21) },
    row(.vlanTooDeep, tcp.with { $0.vlans = [(0x88A8, 1), (0x8100, 2), (0x8100, 3)] }),
  ]

  static let ipv4: [Row] = [
    row(.ipVersion, tcp) { $0[14] = 0x65 },
    row(.ipVersion, tcp.with { $0.isRaw = true }) { $0[0] = 0x55 },
    row(.ipv4Truncated, tcp) { $0.removeLast($0.count - 33) },
    row(.ipv4Truncated, tcp) { $0.removeLast($0.count - 14) },
    row(.ipv4HeaderLength, tcp) { $0[14] = 0x44 },
    row(.ipv4HeaderPastFrame, tcp) {
      $0.removeLast($0.count - 50)
      $0[14] = 0x4F
    },
    row(.ipv4TotalLengthSmall, tcp) { ($0[16], $0[17]) = (0, 19) },
    row(.ipv4TotalLengthPastFrame, tcp) { $0.removeLast() },
    row(.ipv4OptionLength, tcp.with { $0.ipv4Options = [7, 0, 0, 0] }),
    row(.ipv4OptionLength, tcp.with { $0.ipv4Options = [1, 7, 1, 0] }),
    row(.ipv4OptionOverrun, tcp.with { $0.ipv4Options = [7, 5, 0, 0] }),
    row(.ipv4OptionOverrun, tcp.with { $0.ipv4Options = [1, 1, 1, 7] }),
  ]

  static let ipv6: [Row] = [
    row(.ipVersion, tcp6) { $0[14] = 0x45 },
    row(.ipv6Truncated, tcp6) { $0.removeLast($0.count - 53) },
    row(.ipv6PayloadPastFrame, tcp6) { $0.removeLast() },
    row(.ipv6Jumbogram, tcp6.with { $0.extensions = [.init(0, [0, 0xC2, 4, 0, 1, 0, 0])] }) {
      ($0[18], $0[19]) = (0, 0)
    },
    row(.ipv6ExtensionTruncated, tcp6.with { $0.extensions = [.padding(0)] }) { ($0[18], $0[19]) = (0, 0) },
    cut(.ipv6ExtensionTruncated, tcp6.with { $0.extensions = [.padding(60)] }, to: 7),
    extended(.ipv6ExtensionTruncated, [.init(60, [255, 1, 4, 0, 0, 0, 0])]),
    extended(.ipv6ExtensionTruncated, [.init(51, [255, 0, 0, 0, 0, 0, 1])]),
    extended(.ipv6ExtensionOptionOverrun, [.init(60, [0, 1, 5, 0, 0, 0, 0])]),
    extended(.ipv6ExtensionOptionOverrun, [.init(0, [0, 0, 0, 0, 0, 0, 1])]),
    extended(.ipv6ExtensionChain, [SamplePacket.Extension](repeating: .padding(60), count: 9)),
    extended(.ipv6ExtensionOrder, [.padding(60), .padding(0)]),
  ]

  static let transport: [Row] = [
    cut(.tcpTruncated, tcp, to: 19), cut(.tcpTruncated, tcp6, to: 19), cut(.tcpTruncated, tcp, to: 0),
    row(.tcpDataOffsetSmall, tcp) { $0[46] = 0x40 },
    row(.tcpDataOffsetPastSegment, tcp) { $0[46] = 0xF0 },
    row(.tcpOptionLength, tcp.with { $0.tcpOptions = [8, 0, 0, 0] }),
    row(.tcpOptionLength, tcp6.with { $0.tcpOptions = [1, 1, 2, 1] }),
    row(.tcpOptionOverrun, tcp.with { $0.tcpOptions = [8, 10, 0, 0] }),
    row(.tcpOptionOverrun, tcp6.with { $0.tcpOptions = [1, 1, 1, 8] }),
    cut(.udpTruncated, udp, to: 7), cut(.udpTruncated, udp.with { $0.isIPv6 = true }, to: 0),
    row(.udpLengthSmall, udp) { $0[39] = 7 },
    row(.udpLengthPastPayload, udp) { $0[39] = 29 },
    cut(.icmpTruncated, tcp.with { $0.transport = .icmp }, to: 7),
    cut(.icmpTruncated, tcp6.with { $0.transport = .icmp }, to: 7),
  ]

  static let rows = link + ipv4 + ipv6 + transport

  @Test(arguments: rows)
  func eachFaultIsNamed(row: Row) {
    let summary = parse(row.bytes, row.link)
    #expect(summary.malformation == row.reason)
    #expect(!summary.flags.contains(.mergeable))
  }

  @Test func everyNameHasAPacket() {
    #expect(Set(Self.rows.map(\.reason)).union([.none]) == Set(Malformation.allCases))
    #expect(Set(Malformation.allCases.map(\.name)).count == Malformation.allCases.count)
  }

  static let whole: [SamplePacket] = [
    tcp, tcp6, udp, udp.with { $0.isIPv6 = true }, tcp.with { $0.transport = .icmp },
    tcp.with { $0.vlans = [(0x88A8, 1), (0x8100, 2)] }, tcp.with { $0.ipv4Options = [7, 3, 4, 0] },
    tcp.with { $0.tcpOptions = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2] },
    tcp6.with { $0.extensions = [.padding(0), .padding(60, units: 2)] },
  ]

  @Test(arguments: 0..<whole.count)
  func everyTruncationIsNoticed(number: Int) {
    let frame = Self.whole[number].frame
    for count in 0..<frame.count {
      #expect(parse(Array(frame[..<count])).isMalformed, "cut to \(count) of \(frame.count) bytes")
    }
    #expect(!parse(frame).isMalformed)
  }

  @Test func aFlowIsKnownAsFarAsItsPortsAreReadable() {
    #expect(parse(Self.row(.tcpDataOffsetSmall, Self.tcp) { $0[46] = 0x40 }.bytes).hasFlow)
    #expect(parse(Self.cut(.tcpTruncated, Self.tcp, to: 4).bytes).hasFlow)
    let short = parse(Self.cut(.tcpTruncated, Self.tcp, to: 3).bytes)
    #expect(!short.hasFlow && short.flags.contains(.addresses))
    let past = parse(Self.row(.ipv4TotalLengthPastFrame, Self.tcp) { $0.removeLast() }.bytes)
    #expect(!past.hasFlow && past.flags.contains(.addresses) && past.key.sourceIPv4 == 0x0A00_0001)
  }
}
