import GROLite
import PacketHeaders
import PacketSamples
import Testing

/// Random traffic: several flows, each a stream of segments, then lost, duplicated, displaced and spoilt.
struct Traffic {
  var packets: [SamplePacket] = []

  init(_ random: inout SeededGenerator, trouble: Bool) {
    var streams = (0..<Int.random(in: 1...6, using: &random)).map { Self.stream(UInt16($0 + 1), &random) }
    while streams.contains(where: { !$0.isEmpty }) {
      let number = Int.random(in: 0..<streams.count, using: &random)
      let train = min(streams[number].count, Int.random(in: 1...8, using: &random))
      packets += streams[number][..<train]
      streams[number].removeFirst(train)
    }
    if trouble { disturb(&random) }
  }

  static func stream(_ port: UInt16, _ random: inout SeededGenerator) -> [SamplePacket] {
    var packet = SamplePacket()
    packet.sourcePort = port
    packet.isIPv6 = random.once(in: 2)
    packet.transport = random.once(in: 3) ? .udp : .tcp
    if random.once(in: 4) { packet.vlans = [(0x8100, port)] }
    packet.tcpOptions = random.once(in: 3) ? [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2] : []
    packet.sequence = UInt32.max - UInt32.random(in: 0...4_000, using: &random)
    packet.identification = .random(in: 0...UInt16.max, using: &random)
    let step: UInt16 = random.once(in: 3) ? 0 : 1
    let size = Int.random(in: 1...200, using: &random)
    return (0..<Int.random(in: 1...60, using: &random)).map { place in
      let length = random.once(in: 12) ? Int.random(in: 0...size, using: &random) : size
      packet.payload = SamplePacket.fill(length, from: place)
      packet.tcpFlags = random.once(in: 15) ? [0x18, 0x11, 0x90, 0x12, 0x50].randomElement(using: &random)! : 0x10
      defer {
        packet.sequence &+= UInt32(length)
        packet.identification &+= step
        if random.once(in: 20) { packet.acknowledgement &+= 1 }
      }
      return packet
    }
  }

  mutating func disturb(_ random: inout SeededGenerator) {
    for _ in 0..<packets.count / 8 {
      let place = Int.random(in: 0..<packets.count, using: &random)
      switch Int.random(in: 0..<8, using: &random) {
      case 0: packets.remove(at: place)
      case 1: packets.insert(packets[place], at: Int.random(in: place...min(place + 5, packets.count), using: &random))
      case 2: packets[place].checksumError = 1
      case 3: packets[place].moreFragments = !packets[place].isIPv6
      case 4: packets[place].timeToLive = 3
      default:
        packets.insert(packets.remove(at: place), at: Int.random(in: max(0, place - 9)..<place + 1, using: &random))
      }
      if packets.isEmpty { return }
    }
  }
}

@Suite struct TrafficTests {
  static let configurations: [GROConfiguration] = [
    GROConfiguration(), GROConfiguration(mode: .linear), GROConfiguration(capacity: 128, holdTime: 5, holdLimit: 40),
    GROConfiguration(mode: .linear, capacity: 128, holdTime: 3, holdLimit: 64),
  ]

  @Test(arguments: 0..<4, [false, true])
  func nothingIsLostDoubledOrReorderedButBySorting(number: Int, trouble: Bool) {
    for seed in 0..<150 {
      var random = SeededGenerator(UInt64(seed) << 8 | UInt64(number) << 1 | (trouble ? 1 : 0))
      let traffic = Traffic(&random, trouble: trouble).packets
      let units = Self.run(traffic, Self.configurations[number], &random)
      #expect(units.flatMap { $0 }.sorted() == Array(0..<traffic.count), "seed \(seed)")
      Self.checkOrder(units.flatMap { $0 }, traffic, seed)
      for unit in units where unit.count > 1 {
        Self.checkUnit(unit.map { traffic[$0] }, Self.configurations[number].mode, seed)
      }
    }
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
      let traffic = Traffic(&random, trouble: false).packets
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
      let burst = Burst(Array(Traffic(&random, trouble: true).packets.prefix(256)))
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
