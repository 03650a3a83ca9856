import GROLite
import PacketHeaders
import PacketSamples
import Testing

@Suite struct SuperFrameTests {
  static let links: [[(UInt16, UInt16)]] = [[], [(0x8100, 5)], [(0x88A8, 5), (0x8100, 6)]]

  static func packets(_ change: (inout SamplePacket) -> Void) -> [SamplePacket] {
    (0..<5).map { place in
      var packet = data(UInt32.max - 150 &+ UInt32(place * 101), place == 4 ? 33 : 101)
      packet.identification = 0xFFFE &+ UInt16(place)
      if place == 4 { packet.tcpFlags = 0x19 }
      change(&packet)
      return packet
    }
  }

  @Test(arguments: [false, true], 0..<3)
  func cutAgainATCPSuperFrameIsWhatCameIn(isIPv6: Bool, link: Int) {
    for options in [[], [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]] as [[UInt8]] {
      let burst = Burst(
        Self.packets { ($0.isIPv6, $0.vlans, $0.tcpOptions) = (isIPv6, Self.links[link], options) })
      Self.checkReversible(burst, type: isIPv6 ? VirtioNetHeader.gsoTCPv6 : VirtioNetHeader.gsoTCPv4, offset: 16)
    }
  }

  @Test(arguments: [false, true], 0..<3)
  func cutAgainAUDPSuperFrameIsWhatCameIn(isIPv6: Bool, link: Int) {
    let burst = Burst(
      Self.packets { ($0.isIPv6, $0.vlans, $0.transport) = (isIPv6, Self.links[link], .udp) })
    Self.checkReversible(burst, type: VirtioNetHeader.gsoUDP, offset: 6)
  }

  @Test(arguments: [false, true])
  func rawIPAndExtensionHeadersWorkToo(isIPv6: Bool) {
    let burst = Burst(
      Self.packets {
        ($0.isIPv6, $0.isRaw) = (isIPv6, true)
        if isIPv6 { $0.extensions = [.padding(0), .padding(60, units: 2)] }
      })
    Self.checkReversible(burst, type: isIPv6 ? VirtioNetHeader.gsoTCPv6 : VirtioNetHeader.gsoTCPv4, offset: 16)
  }

  @Test func aFixedIdentificationIsReported() {
    let burst = Burst(Self.packets { $0.identification = 7 })
    Self.checkReversible(burst, type: VirtioNetHeader.gsoTCPv4, offset: 16)
    var gro = GROLite(GROConfiguration(mode: .linear))
    #expect(gro.deliver(burst)[0].unit.identificationStep == 0)
  }

  @Test func theLargestSuperFrameHas65535Bytes() {
    let packets = (0..<45).map { place in data(UInt32(place * 1460), place == 44 ? 1255 : 1460) }
    let burst = Burst(packets)
    var gro = GROLite(GROConfiguration(mode: .linear))
    let delivered = gro.deliver(burst)
    #expect(delivered.count == 1)
    #expect(SuperFrame(gro, delivered[0].unit, burst).word(16) == 65_535)
    Self.checkReversible(burst, type: VirtioNetHeader.gsoTCPv4, offset: 16)
  }

  static func checkReversible(_ burst: Burst, type: UInt8, offset: UInt16) {
    var gro = GROLite(GROConfiguration(mode: .linear))
    let delivered = gro.deliver(burst)
    #expect(delivered.map(\.packets) == [Array(0..<burst.count)])
    let frame = SuperFrame(gro, delivered[0].unit, burst)
    let summary = delivered[0].summary
    #expect(frame.virtio.flags == VirtioNetHeader.needsChecksum && frame.virtio.gsoType == type)
    #expect(frame.virtio.checksumStart == summary.transportOffset && frame.virtio.checksumOffset == offset)
    #expect(frame.virtio.headerLength == summary.payloadOffset)
    #expect(Int(frame.virtio.gsoSize) == delivered[0].unit.segmentSize)
    checkPseudoHeader(frame, summary)
    let step = delivered[0].unit.identificationStep
    let segments = frame.segments(network: Int(summary.networkOffset), step: step)
    #expect(segments == (0..<burst.count).map { burst.frame($0) })
  }

  /// What stands in the checksum's place must complete to a right checksum by summing over the transport.
  static func checkPseudoHeader(_ frame: SuperFrame, _ summary: PacketSummary) {
    var whole = frame.bytes
    let start = Int(frame.virtio.checksumStart)
    let at = start + Int(frame.virtio.checksumOffset)
    SuperFrame.set(&whole, at, ReferenceChecksum.of(Array(whole[start...])))
    let link = summary.networkOffset == 0 ? PacketSummary.LinkLayer.rawIP : .ethernet
    let parsed = PacketSummary(whole.packet, link: link)
    #expect(!parsed.isMalformed && !parsed.flags.contains(.ipv4ChecksumBad))
    #expect(InternetChecksum.verifyTransport(whole.packet, parsed) == .good)
  }

  @Test func theVirtioHeaderIsLaidOutAsTheKernelHasIt() {
    var header = VirtioNetHeader()
    (header.flags, header.gsoType, header.headerLength, header.gsoSize) = (1, 4, 0x0102, 0x0304)
    (header.checksumStart, header.checksumOffset) = (0x0506, 0x0708)
    var bytes = [UInt8](repeating: 0, count: 12)
    bytes.withMutablePacket { header.write(to: &$0) }
    #expect(bytes == [1, 4, 2, 1, 4, 3, 6, 5, 8, 7, 0, 0])
  }
}
