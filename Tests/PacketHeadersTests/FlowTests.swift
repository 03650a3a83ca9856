import PacketHeaders
import PacketSamples
import Testing

@Suite struct FlowTests {
  @Test(arguments: [false, true])
  func aKeyIsEqualToItselfOnly(isIPv6: Bool) {
    let packet = SamplePacket { $0.isIPv6 = isIPv6 }
    let key = parse(packet).key
    #expect(key == parse(packet.with { ($0.sequence, $0.timeToLive, $0.flowLabel) = (9, 3, 5) }).key)
    let others = [
      packet.with { $0.sourceHost = 9 }, packet.with { $0.destinationHost = 9 }, packet.with { $0.sourcePort = 9 },
      packet.with { $0.destinationPort = 9 }, packet.with { $0.transport = .udp }, packet.with { $0.isIPv6.toggle() },
    ].map { parse($0).key }
    for other in others {
      #expect(key != other)
      #expect(key.hash(seed: 0) != other.hash(seed: 0))
    }
    #expect(key.hash(seed: 0) != key.hash(seed: 1))
  }

  @Test(arguments: [false, true])
  func tagsOfManyFlowsSpreadEvenly(isIPv6: Bool) {
    var counts = [Int](repeating: 0, count: 64)
    for number in 0..<6_400 {
      let packet = SamplePacket {
        ($0.isIPv6, $0.sourcePort, $0.sourceHost) = (isIPv6, UInt16(1_000 + number / 4), UInt8(number % 4))
      }
      counts[Int(FlowTag(parse(packet).key).id) % 64] += 1
    }
    // 100 each on average; a fair spread has a standard deviation of 10.
    #expect(counts.min()! > 50 && counts.max()! < 160)
  }

  @Test func aTagHasAStartAnEndAndAnId() {
    let tag = FlowTag(id: 0xFFFF, start: true)
    #expect(tag.id == 0x3FFF && tag.isStart && !tag.isEnd && tag.rawValue == 0xBFFF)
    #expect(FlowTag(id: 5, end: true).rawValue == 0x4005)
    #expect(!FlowTag(hash: .max).isStart && !FlowTag(hash: .max).isEnd)
    #expect(FlowTag(hash: 0x0001_0000).id != FlowTag(hash: 0).id)
  }

  @Test func ethernetAddressesAreSwappedInPlace() {
    var bytes = [UInt8](0..<20)
    bytes.withMutablePacket { $0.swapEthernetAddresses() }
    #expect(bytes == [6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 12, 13, 14, 15, 16, 17, 18, 19])
  }

  @Test func ethernetAddressesAreWrittenInPlace() {
    var bytes = [UInt8](repeating: 0xEE, count: 14)
    bytes.withMutablePacket { $0.setEthernetAddresses(destination: 0x0200_0000_0A0B, source: 0x0211_2233_4455) }
    #expect(bytes == [2, 0, 0, 0, 0x0A, 0x0B, 2, 0x11, 0x22, 0x33, 0x44, 0x55, 0xEE, 0xEE])
  }
}
