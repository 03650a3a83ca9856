import GROLite
import PacketHeaders
import PacketSamples
import Testing

@Suite struct TrafficTests {
  static let configurations: [GROConfiguration] = [
    GROConfiguration(), GROConfiguration(mode: .linear), GROConfiguration(capacity: 128, holdTime: 5, holdLimit: 40),
    GROConfiguration(mode: .linear, capacity: 128, holdTime: 3, holdLimit: 64),
  ]

  @Test(arguments: 0..<4, [false, true])
  func nothingIsLostDoubledOrReorderedButBySorting(number: Int, trouble: Bool) {
    for seed in 0..<150 {
      var random = SeededGenerator(UInt64(seed) << 8 | UInt64(number) << 1 | (trouble ? 1 : 0))
      let traffic = SampleTraffic(&random, trouble: trouble).packets
      let units = Self.run(traffic, Self.configurations[number], &random)
      #expect(units.flatMap { $0 }.sorted() == Array(0..<traffic.count), "seed \(seed)")
      Self.checkOrder(units.flatMap { $0 }, traffic, seed)
      for unit in units where unit.count > 1 {
        Self.checkUnit(unit.map { traffic[$0] }, Self.configurations[number].mode, seed)
      }
    }
  }

  @Test func `a unit is a run where its packets arrived one after the other`() {
    var (runs, others) = (0, 0)
    for seed in 0..<200 {
      var random = SeededGenerator(UInt64(seed))
      let traffic = SampleTraffic(&random, trouble: seed % 2 == 0).packets.prefix(1024)
      var gro = GROLite(GROConfiguration())
      gro.process(Burst(Array(traffic)))
      for number in 0..<gro.unitCount {
        let unit = gro.unit(number)
        var packets: [Int] = []
        gro.forEachPacket(of: unit) { packets.append($0) }
        let isRun = packets == Array(unit.first..<unit.first + unit.count)
        #expect(gro.isRun(unit) == isRun, "seed \(seed): \(packets)")
        guard unit.count > 1 else { continue }
        if isRun { runs += 1 } else { others += 1 }
      }
    }
    #expect(runs > 100 && others > 100)
  }

  /// All traffic in bursts of random sizes; the units in the order of delivery.
  static func run(
    _ traffic: [SamplePacket], _ configuration: GROConfiguration, _ random: inout SeededGenerator
  ) -> [[Int]] {
    var caller = HoldingCaller(configuration)
    var units: [[Int]] = []
    var (start, now) = (0, UInt64(0))
    while start < traffic.count {
      let end = min(start + Int.random(in: 1...64, using: &random), traffic.count)
      units += caller.take(traffic[start..<end].map(\.frame), now: now)
      (start, now) = (end, now + 1)
    }
    return units + caller.take([], now: now, deliverHeld: true)
  }

  /// Within a flow, a packet passes one that came before it only if its sequence number is the lower one.
  static func checkOrder(_ delivered: [Int], _ traffic: [SamplePacket], _ seed: Int) {
    for (_, flow) in Dictionary(grouping: delivered, by: { traffic[$0].sourcePort }) {
      for (place, packet) in flow.enumerated() {
        for later in flow[(place + 1)...] where later < packet {
          let distance = Int32(bitPattern: traffic[packet].sequence &- traffic[later].sequence)
          var isTCP = false
          if case .tcp = traffic[packet].transport { isTCP = true }
          #expect(distance < 0 && isTCP, "seed \(seed): packet \(packet) was delivered before \(later)")
        }
      }
    }
  }

  /// An aggregate's packets, looked at by their fields: a second telling of the rules.
  static func checkUnit(_ packets: [SamplePacket], _ mode: GROConfiguration.Mode, _ seed: Int) {
    let first = packets[0]
    let step = packets[1].identification &- first.identification
    for (place, packet) in packets.enumerated().dropFirst() {
      let before = packets[place - 1]
      #expect(packet.sourcePort == first.sourcePort && packet.timeToLive == first.timeToLive, "seed \(seed)")
      #expect(!packet.moreFragments && !first.moreFragments && !packet.payload.isEmpty)
      #expect(before.payload.count == first.payload.count && packet.payload.count <= first.payload.count)
      if case .tcp = packet.transport {
        #expect(packet.sequence == before.sequence &+ UInt32(before.payload.count))
        #expect(packet.acknowledgement == first.acknowledgement)
        #expect(
          packet.tcpFlags & 0xF6 == first.tcpFlags & 0xF6 && before.tcpFlags & 0x2F == 0 && packet.tcpFlags & 0x26 == 0)
      }
      if !packet.isIPv6 { #expect(step <= 1 && packet.identification == before.identification &+ step) }
      if mode == .linear && first.tcpFlags & 0x80 == 0 {
        #expect(packet.checksumError == 0 && first.checksumError == 0)
      }
    }
  }

  @Test func undisturbedTCPStreamsComeOutWholeAndInOrder() {
    for seed in 0..<40 {
      var random = SeededGenerator(UInt64(seed))
      let traffic = SampleTraffic(&random, trouble: false).packets
      let order = Self.run(traffic, GROConfiguration(), &random).flatMap { $0 }
      for port in Set(traffic.map(\.sourcePort)) {
        let sent = traffic.filter { $0.sourcePort == port }.flatMap(\.payload)
        #expect(order.map { traffic[$0] }.filter { $0.sourcePort == port }.flatMap(\.payload) == sent)
      }
    }
  }

  @Test func superFramesOfRandomTrafficCutAgainAreWhatCameIn() {
    var aggregates = 0
    for seed in 0..<60 {
      var random = SeededGenerator(UInt64(seed) &+ 77)
      let burst = Burst(Array(SampleTraffic(&random, trouble: true).packets.prefix(256)))
      var gro = GROLite(GROConfiguration(mode: .linear))
      for delivered in gro.deliver(burst) where delivered.unit.form == .linear {
        let frame = SuperFrame(gro, delivered.unit, burst)
        let network = Int(delivered.summary.networkOffset)
        let segments = frame.segments(network: network, step: delivered.unit.identificationStep)
        #expect(segments == delivered.packets.map { burst.frame($0) }, "seed \(seed)")
        aggregates += 1
      }
    }
    #expect(aggregates > 300)
  }
}
