import PacketHeaders
import PacketSamples
import Testing

@Suite struct ChecksumTests {
  @Test func theSumIsThatOfTheRFCForEveryLength() {
    var random = SeededGenerator(2)
    for count in 0...200 {
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      #expect(InternetChecksum.finish(InternetChecksum.sum(bytes.packet)) == ReferenceChecksum.of(bytes).byteSwapped)
    }
    let ones = [UInt8](repeating: 0xFF, count: 65_535)
    #expect(InternetChecksum.finish(InternetChecksum.sum(ones.packet)) == ReferenceChecksum.of(ones).byteSwapped)
  }

  @Test(arguments: [0, 1, 0xFFFF, 0x1_0000, 0xFFFF_FFFF, 0x1_0000_0000, UInt64.max, UInt64.max - 0xFFFF] as [UInt64])
  func foldingKeepsTheValueModulo65535(sum: UInt64) {
    let folded = InternetChecksum.fold(sum)
    #expect(UInt64(folded) % 0xFFFF == sum % 0xFFFF)
    #expect((folded == 0) == (sum == 0))
  }

  @Test func anUpdateIsWhatAFullSumWouldBe() {
    var random = SeededGenerator(3)
    for _ in 0..<2_000 {
      var bytes = (0..<40).map { _ in UInt8.random(in: 0...255, using: &random) }
      let before = ReferenceChecksum.of(bytes).byteSwapped
      let at = 2 * Int.random(in: 0..<12, using: &random)
      let old = bytes
      let count = [2, 4, 16][Int.random(in: 0..<3, using: &random)]
      for offset in at..<at + count { bytes[offset] = random.once(in: 4) ? 0 : .random(in: 0...255, using: &random) }
      let updated: UInt16
      switch count {
      case 2: updated = InternetChecksum.update(before, from: word(old, at, 2) as UInt16, to: word(bytes, at, 2))
      case 4: updated = InternetChecksum.update(before, from: word(old, at, 4) as UInt32, to: word(bytes, at, 4))
      default: updated = InternetChecksum.update(before, from: word(old, at, 16) as UInt128, to: word(bytes, at, 16))
      }
      #expect(updated == ReferenceChecksum.of(bytes).byteSwapped)
    }
  }

  func word<Word: FixedWidthInteger>(_ bytes: [UInt8], _ at: Int, _ count: Int) -> Word {
    bytes[at..<at + count].reversed().reduce(0) { $0 << 8 | Word($1) }
  }

  @Test func aDatagramsChecksumIsNeverZeroUnlessItIsAbsent() {
    #expect(InternetChecksum.finishUDP(0xFFFF) == 0xFFFF)
    #expect(InternetChecksum.finishUDP(0) == 0xFFFF)
    #expect(InternetChecksum.updateUDP(0, fromSum: 1, toSum: 2) == 0)
    // ~(~1 + ~0 + 1) = 0, which means "none".
    #expect(InternetChecksum.update(1, from: 0 as UInt16, to: 1) == 0)
    #expect(InternetChecksum.updateUDP(1, fromSum: 0, toSum: 1) == 0xFFFF)
  }

  static let transports: [SamplePacket.Transport] = [.tcp, .udp, .icmp]

  @Test(arguments: [false, true], 0..<3)
  func transportChecksumsAreVerified(isIPv6: Bool, transport: Int) {
    for count in [0, 1, 2, 3, 100, 101, 1459, 1460] {
      let packet = SamplePacket {
        ($0.isIPv6, $0.transport, $0.payload) = (isIPv6, Self.transports[transport], SamplePacket.fill(count))
        ($0.padding, $0.vlans) = (count % 3, count % 2 == 0 ? [] : [(0x8100, 5)])
      }
      #expect(verdict(packet) == .good)
      #expect(verdict(packet.with { $0.checksumError = 0x0400 }) == .bad)
    }
  }

  func verdict(_ packet: SamplePacket) -> InternetChecksum.Verdict {
    let frame = packet.frame
    return InternetChecksum.verifyTransport(frame.packet, PacketSummary(frame.packet))
  }

  @Test func anAbsentChecksumIsAllowedForIPv4Only() {
    let packet = SamplePacket { ($0.transport, $0.hasUDPChecksum, $0.payload) = (.udp, false, [1]) }
    #expect(verdict(packet) == .absent)
    #expect(verdict(packet.with { $0.isIPv6 = true }) == .bad)
  }

  @Test func whatCannotBeSummedIsUnknown() {
    #expect(verdict(SamplePacket { $0.moreFragments = true }) == .unknown)
    #expect(verdict(SamplePacket { ($0.isIPv6, $0.extensions) = (true, [.padding(43)]) }) == .unknown)
    #expect(verdict(SamplePacket { $0.transport = .other(132) }) == .unknown)
    let frame = SamplePacket { $0.payload = SamplePacket.fill(50) }.frame
    let summary = PacketSummary(frame.packet)
    #expect(InternetChecksum.verifyTransport(frame.packet.extracting(first: 80), summary) == .unknown)
  }

  @Test func aDatagramShorterThanItsPacketIsSummedToItsOwnEnd() {
    var frame = SamplePacket { ($0.transport, $0.payload) = (.udp, SamplePacket.fill(20)) }.frame
    frame += [1, 2, 3, 4]
    frame.replaceSubrange(16..<18, with: UInt16(20 + 8 + 24).bigEndianBytes)
    #expect(InternetChecksum.verifyTransport(frame.packet, PacketSummary(frame.packet)) == .good)
  }
}
