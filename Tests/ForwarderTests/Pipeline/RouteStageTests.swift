@testable import Forwarder
import GROLite
import PacketHeaders
import PacketSamples
import Testing
import XSKEngine

/// Routes every unit; malformed ones are not for routing.
struct RoutingUnits: UnitHandler, ~Copyable {
  var stage: RouteStage
  var answers: AnswerQueue

  mutating func decide(_ unit: GROUnit, of gro: borrowing GROLite, in burst: inout Burst) -> Verdict? {
    stage.route(unit, gro.summary(of: unit), of: gro, in: &burst, &answers)
  }

  mutating func originate(_ burst: inout Burst) { answers.send(&burst) }
}

/// What a next hop refuses, and how.
struct RouteRefusal: Sendable {
  let hop: UInt32?
  let reason: DropReason
  /// Type and code of the answer, v4 and v6; empty: none.
  let answers: [[UInt8]]
  var timeToLive: UInt8 = 8
  var size = 100
}

@Suite struct RouteStageTests {
  static let neighbour: UInt64 = 0x0200_0000_0B02
  static let own: UInt64 = 0x0200_0000_0B01
  /// Hops 0 and 1: ports 0 and 1. Then those that refuse, and one with a small MTU, and one with a VLAN.
  static let hops: [NextHop] = [
    NextHop(port: 0, destination: neighbour, source: own), NextHop(port: 1, destination: neighbour, source: own),
    NextHop(.unresolved), NextHop(.unreachable), NextHop(.prohibited), NextHop(.blackhole),
    NextHop(port: 1, destination: neighbour, source: own, mtu: 1280),
    NextHop(port: 1, destination: neighbour, source: own, vlan: 77), NextHop(.host),
  ]

  typealias Rig = ForwarderRig<CoalescingHandler<RoutingUnits>>

  /// Routes 10.0.1.0/24 and 2001:db8::/64, where sample packets go, by a next hop; the host `host` in them by none.
  static func rig(
    _ hop: UInt32?, answersPerSecond rate: Int = 1_000_000, answersUnresolved: Bool = true
  ) throws -> Rig {
    var ipv4 = RouteList<UInt32>()
    var ipv6 = RouteList<UInt128>()
    if let hop {
      try ipv4.insert(IPv4Prefix("10.0.1.0/24"), hop)
      try ipv6.insert(IPv6Prefix("2001:db8::/64"), hop)
    }
    let router = RouterAddresses(ipv4: 0x0A00_00FE, ipv6: 0x2001_0DB8 << 96 | 0xFE)
    let routes = try Routes(ipv4: ipv4, ipv6: ipv6, hops: Self.hops, routers: [router, router])
    return try ForwarderRig(
      CoalescingHandler(
        RoutingUnits(stage: RouteStage(routes, answersUnresolved: answersUnresolved), answers: AnswerQueue(rate: rate)),
        queues: 3),
      ports: 2, rings: RingSizes(receive: 128, transmit: 128), hasLocalPort: true)
  }

  static func mac(_ address: UInt64) -> [UInt8] {
    (0..<6).map { UInt8(truncatingIfNeeded: address >> UInt64(40 - 8 * $0)) }
  }

  /// What a router makes of a packet.
  static func routed(_ sample: SamplePacket, vlan: UInt16? = nil) -> SamplePacket {
    sample.with {
      $0.destinationMAC = mac(neighbour)
      $0.sourceMAC = mac(own)
      $0.timeToLive -= 1
      $0.vlans = vlan.map { [(UInt16(0x8100), $0)] } ?? []
    }
  }

  static func stream(_ count: Int, isIPv6: Bool, size: Int = 200, _ change: (inout SamplePacket) -> Void = { _ in })
    -> [SamplePacket]
  {
    (0..<count).map { number in
      var sample = SamplePacket {
        $0.isIPv6 = isIPv6
        $0.sequence = UInt32(number * size)
        $0.identification = UInt16(number)
        $0.payload = SamplePacket.fill(size, from: number)
      }
      change(&sample)
      return sample
    }
  }

  @Test(arguments: [false, true]) func `packets leave by their route, as a router rewrites them`(isIPv6: Bool) throws {
    let rig = try Self.rig(1)
    let samples = Self.stream(40, isIPv6: isIPv6)
    #expect(rig.run(samples.map(\.frame), on: 0, burst: 16)[1] == samples.map { Self.routed($0).frame })
    #expect(rig.counters.worker(index: 0).get(.units) == 3, "decided once a unit")
  }

  /// A source or destination address, its first byte or all of it, that no router sends packets on from or to.
  @Test(arguments: [[0], [127], [224], [239], [255]] as [[UInt8]], [26, 30])
  func `martians of IPv4 are dropped, with or without GRO`(address: [UInt8], offset: Int) throws {
    var frame = Self.stream(1, isIPv6: false)[0].frame
    frame.replaceSubrange(offset..<offset + 1, with: address)
    Self.setHeaderSum(&frame)
    let rig = try Self.rig(1)
    #expect(rig.run([frame], on: 0) == [[], []])
    #expect(rig.counters.queue(slot: 0).dropped(.martian) == 1)
  }

  @Test(arguments: [[0xFF, 0x02], [0xFE, 0x80], [0xFE, 0xBF], []] as [[UInt8]], [22, 38])
  func `martians of IPv6 are dropped`(start: [UInt8], offset: Int) throws {
    let rig = try Self.rig(1)
    for last in [0, 1] as [UInt8] {
      var frame = Self.stream(1, isIPv6: true)[0].frame
      let address = start + [UInt8](repeating: 0, count: 15 - start.count) + [last]
      frame.replaceSubrange(offset..<offset + 16, with: address)
      #expect(rig.run([frame], on: 0) == [[], []])
    }
    #expect(rig.counters.queue(slot: 0).dropped(.martian) == 2)
  }

  @Test(arguments: [[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0x01, 0x00, 0x5E, 0, 0, 1]] as [[UInt8]], [false, true])
  func `what came for a group or for everybody is not sent on, and what is near a martian is`(
    mac: [UInt8], isIPv6: Bool
  ) throws {
    let rig = try Self.rig(1)
    #expect(rig.run([Self.stream(1, isIPv6: isIPv6) { $0.destinationMAC = mac }[0].frame], on: 0) == [[], []])
    #expect(rig.counters.queue(slot: 0).dropped(.martian) == 1)
    for byte in [1, 126, 128, 223] as [UInt8] {
      var frame = Self.stream(1, isIPv6: false)[0].frame
      frame[26] = byte
      let summary = PacketSummary(frame.packet)
      #expect(!summary.isMartian)
    }
  }

  @Test func `a route may lead back to the port that a packet came in on`() throws {
    let rig = try Self.rig(0)
    let sample = Self.stream(1, isIPv6: false)[0]
    #expect(rig.run([sample.frame], on: 0) == [[Self.routed(sample).frame], []])
  }

  @Test(arguments: [false, true]) func `tags of the ingress go, those of the egress come`(isIPv6: Bool) throws {
    for (hop, vlan) in [(UInt32(1), UInt16?.none), (7, 77)] {
      for tags in [[], [(0x8100, 5)], [(0x88A8, 6), (0x8100, 5)]] as [[(UInt16, UInt16)]] {
        let rig = try Self.rig(hop)
        let samples = Self.stream(4, isIPv6: isIPv6) { $0.vlans = tags }
        #expect(rig.run(samples.map(\.frame), on: 0)[1] == samples.map { Self.routed($0, vlan: vlan).frame })
      }
    }
  }

  static let refusals: [RouteRefusal] = [
    RouteRefusal(hop: nil, reason: .noRoute, answers: [[3, 0], [1, 0]]),
    RouteRefusal(hop: 1, reason: .hopLimit, answers: [[11, 0], [3, 0]], timeToLive: 1),
    RouteRefusal(hop: 1, reason: .hopLimit, answers: [[11, 0], [3, 0]], timeToLive: 0),
    RouteRefusal(hop: 2, reason: .neighbourUnknown, answers: [[3, 1], [1, 3]]),
    RouteRefusal(hop: 3, reason: .refusedByRoute, answers: [[3, 0], [1, 0]]),
    RouteRefusal(hop: 4, reason: .refusedByRoute, answers: [[3, 13], [1, 1]]),
    RouteRefusal(hop: 5, reason: .refusedByRoute, answers: []),
    RouteRefusal(hop: 6, reason: .needsFragmentation, answers: [[3, 4], [2, 0]], size: 1300),
  ]

  @Test(arguments: refusals, [false, true])
  func `what can't be sent is dropped under its reason, and its sender is told once a unit`(
    refusal: RouteRefusal, isIPv6: Bool
  ) throws {
    let rig = try Self.rig(refusal.hop)
    let samples = Self.stream(5, isIPv6: isIPv6, size: refusal.size) { $0.timeToLive = refusal.timeToLive }
    let sent = rig.run(samples.map(\.frame), on: 0)
    #expect(sent[1] == [] && rig.counters.queue(slot: 0).dropped(refusal.reason) == 5)
    guard !refusal.answers.isEmpty else {
      #expect(sent[0] == [])
      return
    }
    let answer = try #require(sent[0].first)
    #expect(sent[0].count == 1 && rig.count(.forwardedPackets, 2) == 1, "an answer is a packet of the worker's own")
    let start = isIPv6 ? 54 : 34
    #expect(Array(answer[start..<start + 2]) == refusal.answers[isIPv6 ? 1 : 0])
    #expect(Array(answer[..<12]) == samples[0].sourceMAC + samples[0].destinationMAC)
  }

  @Test func `what is larger than the MTU and may be fragmented is dropped without an answer`() throws {
    let rig = try Self.rig(6)
    let sample = Self.stream(1, isIPv6: false, size: 1300) { $0.dontFragment = false }[0]
    #expect(rig.run([sample.frame], on: 0) == [[], []])
    #expect(rig.counters.queue(slot: 0).dropped(.needsFragmentation) == 1)
  }

  @Test func `what is no IP, or has a wrong header checksum, is not routed`() throws {
    let rig = try Self.rig(1)
    let arp = [UInt8](repeating: 2, count: 12) + [0x08, 0x06] + [UInt8](repeating: 0, count: 46)
    let bad = Self.stream(1, isIPv6: false) { $0.ipv4ChecksumError = 4 }[0]
    #expect(rig.run([arp, bad.frame], on: 0) == [[], []])
    #expect(rig.counters.queue(slot: 0).dropped(.noRoute) == 1)
    #expect(rig.counters.queue(slot: 0).dropped(.ipv4Checksum) == 1)
  }

  /// What a router must look at of an IP header (RFC 1812 section 5.2.2, RFC 8200 section 3), each wrong in a frame for a host that
  /// there is a route to. The header's sum is right.
  static let faults: [(Malformation, isIPv6: Bool, offset: Int, bytes: [UInt8])] = [
    (.ipVersion, false, 14, [0x55]), (.ipv4HeaderLength, false, 14, [0x44]), (.ipv4HeaderPastFrame, false, 14, [0x4F]),
    (.ipv4TotalLengthSmall, false, 16, [0, 19]), (.ipv4TotalLengthPastFrame, false, 16, [1, 0]),
    (.ipVersion, true, 14, [0x40]), (.ipv6PayloadPastFrame, true, 18, [1, 0]),
  ]

  @Test(arguments: faults, [false, true])
  func `what has a malformed IP header is not routed, whatever rule says so`(
    fault: (Malformation, isIPv6: Bool, offset: Int, bytes: [UInt8]), gro: Bool
  ) throws {
    var frame = Self.stream(1, isIPv6: fault.isIPv6, size: 2)[0].frame
    frame.replaceSubrange(fault.offset..<fault.offset + fault.bytes.count, with: fault.bytes)
    if !fault.isIPv6 { Self.setHeaderSum(&frame) }
    #expect(PacketSummary(frame.packet).malformation == fault.0)
    let target = AnyPrefix(fault.isIPv6 ? .ipv6(0x2001_0DB8 << 96 | 2) : .ipv4(0x0A00_0102))
    let rules = [
      [Rule("all", RuleMatch(), .route)], [Rule("all", RuleMatch(), [.count("all"), .route])], [],
    ]
    for rules in rules {
      let configuration = PipelineTests.configuration(rules, default: .drop("policy"), malformed: .route) {
        $0.engine.gro = gro ? .chain : nil
        $0.routes = [ConfiguredRoute(.prefix(target), .mac(0x0200_0000_0B00, port: 1))]
      }
      let (rig, _) = try PipelineTests.rig(configuration)
      #expect(rig.run([frame, frame], on: 0) == [[], [], []])
      #expect(rig.counters.queue(slot: 0).dropped(.malformed(fault.0)) == 2)
    }
    // A cable is no router.
    let (cable, _) = try PipelineTests.rig(PipelineTests.configuration([Rule("all", RuleMatch(), .forward(port: 2))]))
    #expect(cable.run([frame], on: 0) == [[], [], [frame]])
  }

  @Test func `what is wrong behind the IP header is not a router's business`() throws {
    let rig = try Self.rig(1)
    let short = SamplePacket { $0.tcpOptions = [3, 0, 0, 0] }
    let extended = SamplePacket {
      $0.isIPv6 = true
      $0.extensions = [SamplePacket.Extension(60, [0, 1, 9, 0, 0, 0, 0])]
    }
    for (sample, fault) in [(short, Malformation.tcpOptionLength), (extended, .ipv6ExtensionOptionOverrun)] {
      #expect(PacketSummary(sample.frame.packet).malformation == fault)
      #expect(rig.run([sample.frame], on: 0) == [[], [Self.routed(sample).frame]])
    }
  }

  static func setHeaderSum(_ frame: inout [UInt8]) {
    frame.replaceSubrange(24..<26, with: [0, 0])
    var sum = stride(from: 14, to: 34, by: 2).reduce(0) { $0 + (Int(frame[$1]) << 8 | Int(frame[$1 + 1])) }
    while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
    frame.replaceSubrange(24..<26, with: [UInt8(~sum >> 8 & 0xFF), UInt8(~sum & 0xFF)])
  }

  @Test func `answers are limited in rate, drops are not`() throws {
    let rig = try Self.rig(nil, answersPerSecond: 1)
    let samples = (0..<50).map { number in Self.stream(1, isIPv6: false) { $0.sourcePort = UInt16(number) }[0] }
    #expect(rig.run(samples.map(\.frame), on: 0, burst: 50)[0].count == 1)
    #expect(rig.counters.queue(slot: 0).dropped(.noRoute) == 50)
    let silent = try Self.rig(nil, answersPerSecond: 0)
    #expect(silent.run(samples.map(\.frame), on: 0, burst: 50)[0] == [])
  }

  @Test(arguments: [UInt8(1), 64]) func `what is the host's is told from what is refused`(timeToLive: UInt8) throws {
    let rig = try Self.rig(8)
    let samples = Self.stream(2, isIPv6: false) { $0.timeToLive = timeToLive }
    #expect(rig.run(samples.map(\.frame), on: 0) == [[], []], "its sender is not told either")
    #expect(rig.counters.queue(slot: 0).dropped(.noHost) == 2)
  }

  @Test func `where neighbours are asked for, nobody is told that one is not known yet`() throws {
    for (isAsked, answers) in [(true, 0), (false, 1)] {
      let rig = try Self.rig(2, answersUnresolved: !isAsked)
      let samples = Self.stream(3, isIPv6: false)
      #expect(rig.run(samples.map(\.frame), on: 0)[0].count == answers)
      #expect(rig.counters.queue(slot: 0).dropped(.neighbourUnknown) == 3)
    }
  }

  @Test func `a plan takes over the tables that are still right`() throws {
    var plan = RoutePlan()
    try plan.ipv4.insert(IPv4Prefix("10.0.1.0/24"), 1)
    try plan.ipv6.insert(IPv6Prefix("2001:db8::/64"), 0)
    plan.hops = Array(Self.hops.prefix(2))
    let former = try Routes(ipv4: plan.ipv4, ipv6: plan.ipv6, hops: plan.hops, routers: [])
    plan.hops[1].destination = 9
    try plan.ipv4.set(IPv4Prefix("10.0.1.0/24"), 0)
    let same = try Routes(plan, after: former, changes: [])
    #expect(same.ipv4 === former.ipv4 && same.ipv6 === former.ipv6 && same.hops == plan.hops)
    let next = try Routes(plan, after: former, changes: .ipv4)
    #expect(next.ipv4 !== former.ipv4 && next.ipv6 === former.ipv6)
    #expect(next.ipv4.lookup(0x0A00_0101) == 0 && former.ipv4.lookup(0x0A00_0101) == 1)
    // A table that is kept may lead to any of the former hops.
    plan.hops.removeLast()
    #expect(throws: XSKError.self) { try Routes(plan, after: former, changes: .ipv4) }
    #expect(throws: Never.self) { try Routes(plan, after: former, changes: .all) }
  }

  @Test func `a route to a next hop that is not there is refused`() throws {
    var routes = RouteList<UInt32>()
    try routes.insert(IPv4Prefix("10.0.0.0/8"), 9)
    let error = #expect(throws: XSKError.self) {
      try Routes(ipv4: routes, ipv6: RouteList(), hops: Self.hops, routers: [])
    }
    #expect(error?.subject == "next hop 9")
  }

  @Test func `reasons have names, each once`() {
    let names = DropReason.pipelineNames
    #expect(Set(names.values).count == names.count && names.keys.allSatisfy { (32..<96).contains($0.rawValue) })
    #expect(Set(names.values).isDisjoint(with: DropReason.own.map(\.name)))
    #expect(names[.malformed(.ipVersion)] == Malformation.ipVersion.name)
  }
}
