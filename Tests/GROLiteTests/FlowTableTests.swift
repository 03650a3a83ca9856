import GROLite
import PacketHeaders
import PacketSamples
import Testing

@Suite struct FlowTableTests {
  static func interleaved(flows: Int, rounds: Int) -> [SamplePacket] {
    (0..<flows * rounds).map { place in
      data(UInt32(place / flows * 10), 10) { $0.sourcePort = UInt16(1 + place % flows) }
    }
  }

  @Test(arguments: [(1, 44), (8, 8), (64, 16), (512, 2), (1024, 1)])
  func everyFlowMergesHoweverManyThereAre(flows: Int, rounds: Int) {
    #expect(chains(Self.interleaved(flows: flows, rounds: rounds)).count == flows)
  }

  @Test func aTagIsAHintAndHeadersAreVerified() {
    var burst = Burst(Self.interleaved(flows: 8, rounds: 4))
    var gro = GROLite()
    burst.tags = [FlowTag](repeating: FlowTag(id: 5), count: 32)
    #expect(gro.deliver(burst).map(\.packets.count) == [Int](repeating: 4, count: 8))
  }

  @Test func aPacketWithoutATagAmongTaggedOnesStaysInItsPlace() {
    var random = SeededGenerator(11)
    for _ in 0..<200 {
      let traffic = SampleTraffic(&random, trouble: false).packets
      var gro = GROLite(GROConfiguration(capacity: 1024))
      for start in stride(from: 0, to: traffic.count, by: 64) {
        let packets = Array(traffic[start..<min(start + 64, traffic.count)])
        var burst = Burst(packets)
        burst.tags = packets.map { random.once(in: 4) ? nil : FlowTag(id: $0.sourcePort) }
        if burst.tags.allSatisfy({ $0 == nil }) { continue }
        let order = gro.deliver(burst).flatMap(\.packets)
        #expect(order.sorted() == Array(0..<packets.count))
        for (_, flow) in Dictionary(grouping: order, by: { packets[$0].sourcePort }) { #expect(flow == flow.sorted()) }
      }
    }
  }

  @Test func flowsOfBothVersionsMayShareASlot() {
    // Short frames: what suffices to compare one version's headers does not for the other's.
    for (length, options) in [(1, []), (6, []), (10, [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2])] as [(Int, [UInt8])] {
      let packets = (0..<8).map { place in
        data(UInt32(place / 2 * 20), 20) {
          ($0.isIPv6, $0.tcpOptions) = (place % 2 == 1, place % 2 == 1 ? [] : options)
          if $0.isIPv6 { $0.payload = SamplePacket.fill(length) }
        }
      }
      var burst = Burst(packets)
      burst.tags = [FlowTag](repeating: FlowTag(id: 5), count: 8)
      var gro = GROLite()
      #expect(gro.deliver(burst).flatMap(\.packets).sorted() == Array(0..<8))
    }
  }

  @Test func flowsBeyondASlotsDepthAreDeliveredAllTheSame() {
    var burst = Burst(Self.interleaved(flows: 20, rounds: 3))
    burst.tags = [FlowTag](repeating: FlowTag(id: 5), count: 60)
    var gro = GROLite()
    let delivered = gro.deliver(burst)
    #expect(delivered.flatMap(\.packets).sorted() == Array(0..<60))
    for flow in 0..<20 {
      #expect(delivered.flatMap(\.packets).filter { $0 % 20 == flow } == [flow, flow + 20, flow + 40])
    }
  }

  @Test func startAndEndOfATagAreHeeded() {
    var burst = Burst((0..<6).map { data(UInt32($0 * 100)) })
    var gro = GROLite()
    burst.tags = (0..<6).map { FlowTag(id: 9, start: $0 == 2, end: $0 == 3) }
    #expect(gro.deliver(burst).map(\.packets) == [[0, 1], [2, 3], [4, 5]])
    burst.tags = (0..<6).map { FlowTag(id: 9, end: $0 == 0) }
    #expect(gro.deliver(burst).map(\.packets) == [[0], [1, 2, 3, 4, 5]])
  }

  @Test(arguments: [GROConfiguration.Mode.chain, .linear])
  func withoutMergingEveryPacketIsAUnitAsItCame(mode: GROConfiguration.Mode) {
    let packets = [data(100), data(0), data(200) { $0.transport = .udp }, data(300, 0), data(0)]
    var gro = GROLite(GROConfiguration(mode: mode))
    _ = gro.deliver(packets)
    gro.processSeparately(Burst(packets))
    #expect(gro.delivered.map(\.packets) == [[0], [1], [2], [3], [4]])
    #expect(gro.delivered.map(\.payload) == [100, 100, 100, 0, 100])
    #expect(gro.delivered.allSatisfy { $0.unit.form == .lone })
    // And merging goes on as if nothing had been.
    #expect(gro.deliver(packets).map(\.packets) == chains(packets, mode))
  }

  @Test func nothingOutlivesABurst() {
    var gro = GROLite()
    for _ in 0..<70_000 { gro.process(Burst([data(0, 10)])) }
    #expect(gro.deliver([data(10, 10), data(20, 10)]).map(\.packets) == [[0, 1]])
    #expect(gro.deliver([SamplePacket]()).isEmpty)
  }

  @Test func aFragmentWithoutPortsIsNotOvertaken() {
    let fragment = data(0) { $0.fragmentOffset = 20 }
    let elsewhere = fragment.with { $0.sourceHost = 99 }
    let packets = [data(0), fragment, data(100), data(200)]
    #expect(chains(packets) == [[0], [1], [2, 3]])
    #expect(chains([data(0), elsewhere, data(100)]) == [[0, 2], [1]])
  }

  @Test func aTwinsHeaderIsStillChecked() {
    // The fourth packet is a twin of the third but for one byte, whichever that is.
    for isIPv6 in [false, true] {
      for transport in [SamplePacket.Transport.tcp, .udp] {
        for options in [[], [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]] as [[UInt8]] {
          Self.checkEveryByte(
            SamplePacket {
              ($0.isIPv6, $0.transport, $0.tcpOptions) = (isIPv6, transport, options)
              $0.payload = SamplePacket.fill(40)
            })
        }
      }
    }
  }

  static func checkEveryByte(_ packet: SamplePacket) {
    let frames = (0..<4).map { place in
      packet.with { ($0.sequence, $0.identification) = (UInt32(place * 40), UInt16(place)) }.frame
    }
    let header = frames[0].count - 40
    let isTCP = header >= 54 && frames[0][packet.isIPv6 ? 20 : 23] == 6
    // The transport's checksum is not looked at in chain mode (UDP: unless it becomes 0).
    let checksum = isTCP ? (packet.isIPv6 ? 70..<72 : 50..<52) : (packet.isIPv6 ? 60..<62 : 40..<42)
    // PSH and FIN merge.
    let flags = packet.isIPv6 ? 67 : 47
    for place in 0..<header where !checksum.contains(place) {
      for bit in 0..<8 where !(isTCP && place == flags && (bit == 0 || bit == 3)) {
        // An urgent pointer means nothing without URG; another sequence number sorts; a shorter IPv6 packet is a shorter
        // segment and padding.
        let urgent = checksum.upperBound..<checksum.upperBound + 2
        let sequence = checksum.lowerBound - 12..<checksum.lowerBound - 8
        if isTCP && (urgent.contains(place) || sequence.contains(place)) { continue }
        if packet.isIPv6 && isTCP && 18..<20 ~= place { continue }
        var burst = frames
        burst[3][place] ^= 1 << bit
        var gro = GROLite()
        #expect(
          gro.deliver(Burst(burst)).map(\.packets) == [[0, 1, 2], [3]], "byte \(place) bit \(bit) of \(burst[3])")
      }
    }
  }
}
