import GROLite
import PacketHeaders
import PacketSamples
import Testing

@Suite struct RuleTests {
  struct Change: Sendable, CustomTestStringConvertible {
    let name: String
    let make: @Sendable (inout SamplePacket) -> Void
    var testDescription: String { name }

    init(_ name: String, _ make: @escaping @Sendable (inout SamplePacket) -> Void) {
      (self.name, self.make) = (name, make)
    }
  }

  /// What makes another flow: two flows interleaved merge each for itself.
  static let flowChanges: [Change] = [
    Change("source MAC") { $0.sourceMAC[5] = 9 }, Change("destination MAC") { $0.destinationMAC[0] = 6 },
    Change("VLAN") { $0.vlans = [(0x8100, 5)] }, Change("VLAN priority") { $0.vlans = [(0x8100, 0x2005)] },
    Change("second VLAN") { $0.vlans = [(0x88A8, 5), (0x8100, 6)] },
    Change("source address") { $0.sourceHost = 7 }, Change("destination address") { $0.destinationHost = 7 },
    Change("source port") { $0.sourcePort = 1 }, Change("destination port") { $0.destinationPort = 1 },
    Change("IP version") { $0.isIPv6.toggle() }, Change("flow label") { ($0.isIPv6, $0.flowLabel) = (true, 9) },
    Change("protocol") { $0.transport = .udp },
  ]

  @Test(arguments: flowChanges, [false, true])
  func flowsAreToldApartByEveryField(change: Change, isIPv6: Bool) {
    let base = [data(0), data(0), data(100), data(100), data(200), data(200)].map { $0.with { $0.isIPv6 = isIPv6 } }
    let mixed = base.enumerated().map { place, packet in place % 2 == 0 ? packet : packet.with(change.make) }
    // The flow label of what is IPv6 already: the same flow twice but for the label.
    #expect(chains(mixed) == [[0, 2, 4], [1, 3, 5]])
  }

  /// What two segments of an aggregate must have alike: the change closes, and what follows in the new way merges again.
  static let aggregateChanges: [Change] = [
    Change("TTL") { $0.timeToLive = 9 }, Change("traffic class") { $0.trafficClass = 1 },
    Change("DF") { $0.dontFragment = false }, Change("acknowledgement") { $0.acknowledgement = 2 },
    Change("window") { $0.window = 1 }, Change("options") { $0.tcpOptions = [1, 1, 1, 1] },
    Change("ECE") { $0.tcpFlags = 0x50 }, Change("no ACK") { $0.tcpFlags = 0 }, Change("CWR") { $0.tcpFlags = 0x90 },
    Change("extension") { $0.extensions = [.padding(60)] },
  ]

  @Test(arguments: aggregateChanges, [false, true])
  func whatDiffersEndsTheAggregateAndBeginsAnother(change: Change, isIPv6: Bool) {
    let packets = (0..<6).map { place in
      let packet = data(UInt32(place * 100)) { $0.isIPv6 = isIPv6 }
      return place < 3 ? packet : packet.with(change.make)
    }
    let expected =
      packets[2].with(change.make).frame == packets[2].frame ? [[0, 1, 2, 3, 4, 5]] : [[0, 1, 2], [3, 4, 5]]
    #expect(chains(packets) == expected)
    #expect(chains(packets, .linear) == expected)
  }

  @Test func tcpsReservedBitsMustBeAlike() {
    var frames = [data(0), data(100)].map(\.frame)
    frames[1][46] |= 0x04
    var gro = GROLite()
    #expect(gro.deliver(Burst(frames)).map(\.packets) == [[0], [1]])
  }

  /// What merges with nothing: it is delivered alone, and nothing of its flow overtakes it.
  static let lonely: [Change] = [
    Change("IPv4 options") { ($0.isIPv6, $0.ipv4Options) = (false, [1, 1, 1, 1]) },
    Change("reserved bit") { ($0.isIPv6, $0.reservedBit) = (false, true) },
    Change("IPv4 checksum") { ($0.isIPv6, $0.ipv4ChecksumError) = (false, 1) },
    Change("first fragment") { ($0.isIPv6, $0.moreFragments) = (false, true) },
    Change("later fragment") { ($0.isIPv6, $0.fragmentOffset) = (false, 1) },
    Change("IPv6 fragment") { ($0.isIPv6, $0.extensions) = (true, [.fragment(offset: 3, more: false)]) },
    Change("routing header") { ($0.isIPv6, $0.extensions) = (true, [.padding(43)]) },
    Change("long headers") { ($0.isIPv6, $0.extensions) = (true, [.padding(60, units: 25)]) },
    Change("SYN") { $0.tcpFlags = 0x12 }, Change("RST") { $0.tcpFlags = 0x14 }, Change("URG") { $0.tcpFlags = 0x30 },
    Change("no payload") { $0.payload = [] },
    Change("TCP option length") { $0.tcpOptions = [8, 0, 0, 0] },
    Change("UDP without checksum") { ($0.transport, $0.hasUDPChecksum) = (.udp, false) },
    Change("empty UDP") { ($0.transport, $0.payload) = (.udp, []) },
  ]

  @Test(arguments: lonely, [GROConfiguration.Mode.chain, .linear])
  func whatMergesWithNothingIsDeliveredInItsPlace(change: Change, mode: GROConfiguration.Mode) {
    var probe = SamplePacket()
    change.make(&probe)
    let isUDP = if case .udp = probe.transport { true } else { false }
    for isIPv6 in [false, true] {
      let packets = (0..<5).map { place in
        let packet = data(UInt32(place * 100)) {
          $0.isIPv6 = isIPv6
          if isUDP { $0.transport = .udp }
        }
        return place == 2 ? packet.with(change.make) : packet
      }
      // Of another version it is of another flow; nothing need be said then.
      guard packets[2].isIPv6 == isIPv6 else { continue }
      #expect(chains(packets, mode) == [[0, 1], [2], [3, 4]])
    }
  }

  @Test func headersThatLieTakeNothingWithThem() {
    var frames = (0..<5).map { data(UInt32($0 * 100)).frame }
    frames[2][46] = 0x40
    var gro = GROLite()
    #expect(gro.deliver(Burst(frames)).map(\.packets) == [[0, 1], [2], [3, 4]])
    #expect(gro.delivered[1].summary.malformation == .tcpDataOffsetSmall)
    // Its ports unread, only its addresses tell whose way it may stand in.
    let cut = Array(data(200).frame.dropLast())
    frames = [data(0).frame, data(100).frame, cut, data(200).frame, data(300).frame]
    #expect(gro.deliver(Burst(frames)).map(\.packets) == [[0, 1], [2], [3, 4]])
    frames[2] = Array(data(200) { ($0.sourceHost, $0.destinationHost) = (77, 78) }.frame.dropLast())
    #expect(gro.deliver(Burst(frames)).map(\.packets) == [[0, 1, 3, 4], [2]])
  }

  @Test func paddingIsTrimmedAndNoReasonToRefuse() {
    let packets = [data(0, 4) { $0.padding = 2 }, data(4, 4) { $0.padding = 2 }, data(8, 1) { $0.padding = 5 }]
    #expect(payloads(packets) == [9])
    #expect(payloads(packets, .linear) == [9])
  }

  @Test func rawIPMerges() {
    for isIPv6 in [false, true] {
      let packets = (0..<4).map { place in data(UInt32(place * 100)) { ($0.isRaw, $0.isIPv6) = (true, isIPv6) } }
      #expect(payloads(packets) == [400])
    }
  }

  @Test func anAggregateWithCWRStaysAChain() {
    let packets = [data(0) { $0.tcpFlags = 0x90 }, data(100) { $0.tcpFlags = 0x90 }, data(200), data(300), data(500)]
    var gro = GROLite(GROConfiguration(mode: .linear))
    #expect(gro.deliver(packets).map(\.unit.form) == [.chain, .linear, .lone])
  }

  @Test func finAndPshCloseAndAreKept() {
    #expect(chains([data(0), data(100) { $0.tcpFlags = 0x11 }, data(200)]) == [[0, 1], [2]])
    #expect(chains([data(0) { $0.tcpFlags = 0x18 }, data(100), data(200)]) == [[0], [1, 2]])
  }

  @Test func aBadChecksumIsNeverMergedInLinearMode() {
    for isIPv6 in [false, true] {
      let good = (0..<5).map { place in data(UInt32(place * 100)) { $0.isIPv6 = isIPv6 } }
      for bad in 0..<5 {
        let packets = good.enumerated().map { place, packet in
          place == bad ? packet.with { $0.checksumError = 2 } : packet
        }
        let units = chains(packets, .linear)
        #expect(units.contains([bad]))
        #expect(units == [Array(0..<bad), [bad], Array(bad + 1..<5)].filter { !$0.isEmpty })
      }
    }
  }

  @Test func aPacketInPiecesCannotBeVerifiedAndStaysAChain() {
    var burst = Burst([data(0), data(100)])
    burst.pieceLength = 80
    var linear = GROLite(GROConfiguration(mode: .linear))
    #expect(linear.deliver(burst).map(\.packets) == [[0], [1]])
    var chain = GROLite()
    #expect(chain.deliver(burst).map(\.packets) == [[0, 1]])
  }
}
