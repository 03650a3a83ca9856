import PacketHeaders
import PacketSamples
import Testing

func parse(_ packet: SamplePacket) -> PacketSummary { parse(packet.frame, packet.isRaw ? .rawIP : .ethernet) }

func parse(_ bytes: [UInt8], _ link: PacketSummary.LinkLayer = .ethernet) -> PacketSummary {
  PacketSummary(bytes.packet, link: link)
}

@Suite struct ParsedFieldTests {
  static let links: [[(UInt16, UInt16)]] = [
    [], [(0x8100, 0x2064)], [(0x88A8, 0xE001), (0x8100, 0x0FFF)], [(0x9100, 7)],
  ]

  @Test(arguments: [false, true], 0..<4)
  func everyFieldOfATCPSegmentIsFound(isIPv6: Bool, link: Int) {
    let packet = SamplePacket {
      ($0.isIPv6, $0.vlans) = (isIPv6, Self.links[link])
      ($0.sequence, $0.acknowledgement, $0.window) = (0xFEDC_BA98, 0x1234_5678, 0xABCD)
      ($0.tcpFlags, $0.tcpOptions) = (0x58, [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2])
      ($0.timeToLive, $0.trafficClass, $0.identification, $0.flowLabel) = (61, 0xB9, 0xBEEF, 0xF_EDCB)
      $0.payload = SamplePacket.fill(33)
      $0.padding = 3
    }
    let summary = parse(packet)
    let network = 14 + 4 * packet.vlans.count
    #expect(summary.malformation == .none)
    #expect(summary.isTCP && !summary.isUDP && !summary.isFragment && summary.hasFlow && summary.isIP)
    #expect(summary.key.version == (isIPv6 ? 6 : 4))
    #expect(summary.key.ipProtocol == .tcp)
    #expect(summary.key.sourcePort == 1500 && summary.key.destinationPort == 8000)
    if isIPv6 {
      #expect(summary.key.sourceIPv6 == 0x2001_0DB8_0000_0000_0000_0000_0000_0001)
      #expect(summary.key.destinationIPv6 == 0x2001_0DB8_0000_0000_0000_0000_0000_0002)
      #expect(summary.flowLabel == 0xF_EDCB)
    } else {
      #expect(summary.key.sourceIPv4 == 0x0A00_0001 && summary.key.destinationIPv4 == 0x0A00_0102)
      #expect(summary.identification == 0xBEEF && summary.dontFragment)
    }
    #expect(summary.timeToLive == 61 && summary.trafficClass == 0xB9)
    #expect(summary.sequence == 0xFEDC_BA98 && summary.acknowledgement == 0x1234_5678 && summary.window == 0xABCD)
    #expect(summary.tcpFlags.rawValue == 0x58 && summary.tcpOptionsLength == 12)
    #expect(Int(summary.networkOffset) == network)
    #expect(Int(summary.transportOffset) == network + (isIPv6 ? 40 : 20))
    #expect(summary.payloadOffset == summary.transportOffset + 32 && summary.payloadLength == 33)
    #expect(summary.endOffset == packet.frame.count - 3 && summary.flags.contains(.padding))
    #expect(summary.ipLength == packet.frame.count - 3 - network)
    #expect(summary.vlanCount == packet.vlans.count)
    #expect(summary.outerVLAN == packet.vlans.first?.1)
    #expect(summary.innerVLAN == (packet.vlans.count == 2 ? packet.vlans[1].1 : nil))
    #expect(summary.flags.contains(.mergeable))
  }

  @Test(arguments: [false, true], [false, true])
  func everyFieldOfADatagramIsFound(isIPv6: Bool, isRaw: Bool) {
    let packet = SamplePacket {
      ($0.isIPv6, $0.isRaw, $0.transport) = (isIPv6, isRaw, .udp)
      $0.payload = SamplePacket.fill(5)
    }
    let summary = parse(packet)
    #expect(summary.malformation == .none && summary.isUDP && summary.hasFlow)
    #expect(summary.networkOffset == (isRaw ? 0 : 14))
    #expect(Int(summary.payloadOffset) == packet.frame.count - 5 && summary.payloadLength == 5)
    #expect(!summary.flags.contains(.padding) && summary.flags.contains(.mergeable))
    #expect(summary.sequence == 0 && summary.tcpWord == 0)
  }

  @Test(arguments: [false, true])
  func otherProtocolsHaveAddressesAndPayload(isIPv6: Bool) {
    for transport in [SamplePacket.Transport.icmp, .other(132)] {
      let packet = SamplePacket {
        ($0.isIPv6, $0.transport, $0.payload) = (isIPv6, transport, SamplePacket.fill(40))
      }
      let summary = parse(packet)
      #expect(summary.malformation == .none && summary.isIP && !summary.hasFlow)
      #expect(summary.flags.contains(.addresses) && !summary.flags.contains(.mergeable))
      #expect(summary.endOffset == packet.frame.count)
      #expect(summary.key.sourcePort == 0)
    }
  }

  @Test func whatIsNotIPIsWellFormed() {
    let arp = [UInt8](repeating: 0xFF, count: 6) + [2, 0, 0, 0, 0, 1, 0x08, 0x06] + [UInt8](repeating: 0, count: 46)
    let summary = parse(arp)
    #expect(summary.malformation == .none && !summary.isIP && summary.key == FlowKey())
    #expect(summary.payloadOffset == 14 && summary.payloadLength == 46)
  }

  @Test func ipv4FragmentsAreFlaggedAndOnlyTheFirstHasPorts() {
    let first = parse(SamplePacket { ($0.moreFragments, $0.payload) = (true, SamplePacket.fill(60)) })
    #expect(first.isFragment && first.hasFlow && first.key.destinationPort == 8000 && !first.isTCP)
    let later = parse(SamplePacket { ($0.fragmentOffset, $0.payload) = (10, SamplePacket.fill(60)) })
    #expect(later.isFragment && !later.hasFlow && later.key.destinationPort == 0)
    #expect(!first.flags.contains(.mergeable) && !later.flags.contains(.mergeable))
  }

  @Test func ipv6FragmentsAreFlaggedAndOnlyTheFirstHasPorts() {
    for (offset, more) in [(UInt16(0), true), (0, false), (9, true), (9, false)] {
      let packet = SamplePacket {
        $0.isIPv6 = true
        $0.extensions = [.padding(60), .fragment(offset: offset, more: more)]
        $0.payload = SamplePacket.fill(60)
      }
      let summary = parse(packet)
      #expect(summary.malformation == .none && summary.isFragment)
      #expect(summary.hasFlow == (offset == 0))
      #expect(Int(summary.transportOffset) == 14 + 40 + 16)
    }
  }

  @Test func extensionHeadersAreSteppedOverToTheTransport() {
    let packet = SamplePacket {
      ($0.isIPv6, $0.payload) = (true, SamplePacket.fill(9))
      $0.extensions = [
        .padding(0), .padding(60, units: 3), .padding(43), .init(51, [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]),
      ]
    }
    let summary = parse(packet)
    #expect(summary.malformation == .none && summary.isTCP && summary.payloadLength == 9)
    #expect(summary.transportOffset == 14 + 40 + 8 + 24 + 8 + 12)
    #expect(summary.flags.contains(.ipv6Extensions) && summary.flags.contains(.ipv6Routing))
  }

  @Test func oddIPv4HeadersAreFlagged() {
    let options = parse(SamplePacket { ($0.ipv4Options, $0.payload) = ([7, 3, 4, 0], [1]) })
    #expect(options.malformation == .none && options.flags.contains(.ipv4Options))
    #expect(options.transportOffset == 38 && !options.flags.contains(.ipv4ChecksumBad))
    #expect(parse(SamplePacket { $0.reservedBit = true }).flags.contains(.ipv4ReservedBit))
    #expect(parse(SamplePacket { $0.ipv4ChecksumError = 0x0100 }).flags.contains(.ipv4ChecksumBad))
    let bad = parse(SamplePacket { ($0.ipv4ChecksumError, $0.ipv4Options) = (1, [1, 1, 1, 0]) })
    #expect(bad.flags.contains(.ipv4ChecksumBad))
  }

  @Test func oddDatagramsAreFlagged() {
    let absent = parse(SamplePacket { ($0.transport, $0.hasUDPChecksum, $0.payload) = (.udp, false, [1]) })
    #expect(absent.flags.contains(.udpChecksumAbsent) && !absent.flags.contains(.mergeable))
    var short = SamplePacket { ($0.transport, $0.payload) = (.udp, SamplePacket.fill(20)) }.frame
    short[39] = 20
    #expect(parse(short).flags.contains(.udpLengthMismatch) && parse(short).malformation == .none)
  }

  @Test(arguments: [0x02, 0x04, 0x20] as [UInt8])
  func segmentsThatMergeWithNothingAreNotMergeable(flag: UInt8) {
    #expect(!parse(SamplePacket { ($0.tcpFlags, $0.payload) = (0x10 | flag, [1, 2]) }).flags.contains(.mergeable))
    #expect(!parse(SamplePacket()).flags.contains(.mergeable))
  }

  @Test func aPacketInPiecesIsMeasuredByItsWholeLength() {
    let frame = SamplePacket { $0.payload = SamplePacket.fill(1000) }.frame
    let piece = Array(frame[..<200])
    #expect(PacketSummary(piece.packet, length: frame.count).payloadLength == 1000)
    #expect(PacketSummary(piece.packet).malformation == .ipv4TotalLengthPastFrame)
  }
}
