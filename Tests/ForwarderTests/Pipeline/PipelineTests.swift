import Forwarder
import GROLite
import PacketHeaders
import PacketSamples
import Testing
import XSKEngine

/// Rules and their actions, on simulated ports 0, 1 and 2.
@Suite struct PipelineTests {
  typealias Rig = ForwarderRig<CoalescingHandler<PipelineHandler>>

  static func configuration(
    _ rules: [Rule], default last: RuleAction = .drop("policy"), malformed: RuleAction? = nil,
    _ change: (inout ForwarderConfiguration) -> Void = { _ in }
  ) -> ForwarderConfiguration {
    var configuration = ForwarderConfiguration(
      ports: (0..<3).map { ForwarderPort("p\($0)", device: "sim\($0)") },
      rules: RuleSet(rules, default: last, malformed: malformed))
    change(&configuration)
    return configuration
  }

  static func policy(_ configuration: ForwarderConfiguration) throws -> Policy {
    try Policy(configuration, facts: configuration.ports.map { _ in PortFacts(mac: 0x02, mtu: 1500) })
  }

  static func rig(_ pipeline: Pipeline) throws -> Rig {
    try ForwarderRig(
      try pipeline.handler(queues: 4), ports: 3, rings: RingSizes(receive: 128, transmit: 128), hasLocalPort: true)
  }

  static func rig(_ configuration: ForwarderConfiguration) throws -> (rig: Rig, pipeline: Pipeline) {
    let pipeline = Pipeline(try policy(configuration))
    return (try rig(pipeline), pipeline)
  }

  /// `count` segments of one stream, which GRO makes one unit of.
  static func stream(_ count: Int, port: UInt16 = 1, _ change: (inout SamplePacket) -> Void = { _ in }) -> [[UInt8]] {
    (0..<count).map { number in
      SamplePacket {
        $0.sourcePort = port
        $0.sequence = UInt32(number * 100)
        $0.identification = UInt16(number)
        $0.payload = SamplePacket.fill(100, from: number)
        change(&$0)
      }.frame
    }
  }

  static func match(_ change: (inout RuleMatch) -> Void) -> RuleMatch { RuleMatch(change) }

  static let tcp = match { $0.ipProtocol = [.tcp] }

  @Test func `the first rule that matches decides, and the default about the rest`() throws {
    let (rig, pipeline) = try Self.rig(
      Self.configuration(
        [
          Rule("one", Self.match { $0.sourcePort = [1...1] }, .forward(port: 1)),
          Rule("two", Self.match { $0.sourcePort = [1...2] }, .forward(port: 2)),
          Rule("three", Self.match { $0.sourcePort = [3...3] }, .reflect),
          Rule("four", Self.match { $0.sourcePort = [4...4] }, .drop("four")),
        ], default: .drop("rest")))
    let packets = (1...5).map { Self.stream(3, port: UInt16($0)) }
    let sent = rig.run(packets.flatMap { $0 }, on: 0, burst: 15)
    #expect(sent == [packets[2], packets[0], packets[1]])
    #expect(rig.counters.queue(slot: 0).dropped(.custom(0)) == 3, "four")
    #expect(rig.counters.queue(slot: 0).dropped(.custom(1)) == 3, "rest")
    #expect(rig.counters.worker(index: 0).get(.units) == 5)
    let counts = pipeline.counts
    let bytes = UInt64(3 * packets[0][0].count)
    #expect(counts.rules.map(\.packets) == [3, 3, 3, 3] && counts.rules.map(\.bytes) == [bytes, bytes, bytes, bytes])
    #expect(counts.defaultAction == RuleCount(packets: 3, bytes: bytes) && counts.malformed == RuleCount())
  }

  @Test func `malformed packets are dropped under the malformation's name, unless a rule or a last resort is for them`()
    throws
  {
    let bad = SamplePacket { $0.payload = [1, 2, 3] }.frame.prefix(20)
    let malformation = Self.summary(Array(bad)).malformation
    let (plain, pipeline) = try Self.rig(Self.configuration([Rule("tcp", Self.tcp, .reflect)], default: .reflect))
    #expect(plain.run([Array(bad)], on: 0)[0] == [])
    #expect(plain.counters.queue(slot: 0).dropped(.malformed(malformation)) == 1)
    #expect(pipeline.counts.malformed.packets == 1)
    let (sent, _) = try Self.rig(Self.configuration([], malformed: .forward(port: 1)))
    #expect(sent.run([Array(bad)], on: 0)[1] == [Array(bad)])
    let (ruled, _) = try Self.rig(Self.configuration([Rule("all", RuleMatch(), .forward(port: 2))]))
    #expect(ruled.run([Array(bad)], on: 0)[2] == [Array(bad)])
  }

  @Test func `actions that are not terminal go on, to the rule's next one and to the next rule`() throws {
    let (rig, pipeline) = try Self.rig(
      Self.configuration(
        [
          Rule("first", Self.tcp, .count("tcp"), .setVLAN(.tag(id: 7, priority: 5))),
          Rule("other", Self.match { $0.ipProtocol = [.udp] }, .drop("udp")),
          Rule("second", Self.tcp, .count("tcp"), .count("again")),
        ], default: .forward(port: 1)))
    let packets = Self.stream(4)
    let tagged = Self.stream(4) { $0.vlans = [(0x8100, 5 << 13 | 7)] }
    #expect(rig.run(packets, on: 0)[1] == tagged, "the tag is set once the packets' way is known")
    #expect(pipeline.counts.rules.map(\.packets) == [4, 0, 4])
    #expect(pipeline.counts.counters.map(\.name) == ["tcp", "again"])
    #expect(pipeline.counts.counters.map(\.packets) == [8, 4])
    #expect(pipeline.counts.defaultAction.packets == 4)
  }

  @Test func `tags are set, changed and taken off`() throws {
    for (tags, action, expected) in [
      ([], .tag(id: 9), [(0x8100, 9)]), ([(0x8100, 0x6005)], .tag(id: 9), [(0x8100, 0x6009)]),
      ([(0x8100, 0x6005)], .tag(id: 9, priority: 0), [(0x8100, 9)]),
      ([(0x88A8, 5), (0x8100, 6)], .remove, [(0x8100, 6)]),
      ([], .remove, []),
    ] as [([(UInt16, UInt16)], RuleAction.VLANAction, [(UInt16, UInt16)])] {
      let (rig, _) = try Self.rig(
        Self.configuration([Rule("tag", RuleMatch(), .setVLAN(action), .forward(port: 1))]))
      #expect(rig.run(Self.stream(3) { $0.vlans = tags }, on: 0)[1] == Self.stream(3) { $0.vlans = expected })
    }
  }

  @Test func `a mark is there for the rules behind`() throws {
    let (rig, _) = try Self.rig(
      Self.configuration(
        [
          Rule("mark", Self.match { $0.sourcePort = [1...1] }, .setMark(0x10, mask: 0xF0), .setMark(3, mask: 0xF)),
          Rule("marked", Self.match { $0.metadata = [MetadataPattern(key: 5, value: 0x13)] }, .forward(port: 2)),
        ], default: .forward(port: 1)))
    let (first, second) = (Self.stream(2, port: 1), Self.stream(2, port: 2))
    #expect(rig.run(first + second, on: 0) == [[], second, first])
  }

  @Test func `what differs within a unit is asked of each packet`() throws {
    let (rig, pipeline) = try Self.rig(
      Self.configuration(
        [Rule("push", Self.match { $0.tcpFlags = [TCPFlagsPattern(.psh, mask: .psh)] }, .forward(port: 2))],
        default: .forward(port: 1)))
    var packets = Self.stream(4)
    packets[3] = Self.stream(4) { $0.tcpFlags |= 8 }[3]
    #expect(rig.run(packets, on: 0) == [[], Array(packets[..<3]), [packets[3]]])
    #expect(rig.counters.worker(index: 0).get(.units) == 1 && pipeline.counts.rules[0].packets == 1)
  }

  @Test func `a limit lets the first packets of a unit through, and drops the rest`() throws {
    let limit = try RateLimit(.packets, perSecond: 1, burst: 5)
    let (rig, pipeline) = try Self.rig(
      Self.configuration(
        [Rule("limited", Self.tcp, .rateLimit(limiter: 0, excess: "flood"), .count("passed"))],
        default: .forward(port: 1)
      ) { $0.limiters = [RateLimiter("slow", limit, excess: "flood")] })
    // Time stands still: no token comes back, however slow the machine is.
    rig.worker.handler.units.replayTime = TimestampClock.now
    let packets = Self.stream(8)
    #expect(rig.run(packets, on: 0)[1] == Array(packets[..<5]))
    #expect(rig.run(Self.stream(2, port: 9), on: 0)[1] == [])
    #expect(rig.counters.queue(slot: 0).dropped(.custom(0)) == 5)
    let counts = pipeline.counts
    #expect(counts.limiters[0].passed.packets == 5 && counts.limiters[0].exceeded.packets == 5)
    #expect(counts.rules[0].packets == 10 && counts.counters[0].packets == 5 && counts.defaultAction.packets == 5)
  }

  @Test func `a limit for each source leaves other sources alone`() throws {
    let limit = try RateLimit(.packets, perSecond: 1, burst: 2)
    let (rig, _) = try Self.rig(
      Self.configuration([Rule("each", Self.tcp, .rateLimit(limiter: 0, excess: "flood"))], default: .forward(port: 1))
      {
        $0.limiters = [RateLimiter("each", limit, forEach: try? .source(), entries: 1024)]
      })
    rig.worker.handler.units.replayTime = TimestampClock.now
    let (one, other) = (Self.stream(4) { $0.sourceHost = 1 }, Self.stream(4) { $0.sourceHost = 3 })
    #expect(rig.run(one + other, on: 0)[1] == Array(one[..<2] + other[..<2]))
  }

  @Test func `prefix sets are asked, v4 and v6`() throws {
    for isIPv6 in [false, true] {
      let (rig, _) = try Self.rig(
        Self.configuration(
          [Rule("set", Self.match { $0.sourceSet = ["bad"] }, .drop("bad"))], default: .forward(port: 1)
        ) {
          $0.sets = [
            NamedPrefixes("bad", ipv4: [IPv4Prefix(masking: 0x0A00_0003, length: 32)], ipv6: [Self.host6(3)])
          ]
        })
      let good = Self.stream(2) { ($0.isIPv6, $0.sourceHost) = (isIPv6, 1) }
      let bad = Self.stream(2) { ($0.isIPv6, $0.sourceHost) = (isIPv6, 3) }
      let key = Self.summary(bad[0]).key
      let isSample = isIPv6 ? Self.host6(3).contains(key.sourceIPv6) : key.sourceIPv4 == 0x0A00_0003
      #expect(isSample, "the sample's source is what the set has")
      #expect(rig.run(bad + good, on: 0)[1] == good)
    }
  }

  static func host6(_ host: UInt8) -> IPv6Prefix {
    let frame = stream(1) { ($0.isIPv6, $0.sourceHost) = (true, host) }[0]
    return IPv6Prefix(masking: summary(frame).key.sourceIPv6, length: 128)
  }

  static func summary(_ frame: [UInt8]) -> PacketSummary {
    let bytes = frame.packet
    return PacketSummary(bytes)
  }

  @Test func `routed packets leave by their route`() throws {
    let (rig, pipeline) = try Self.rig(
      Self.configuration([Rule("all", Self.tcp, .count("tcp"))], default: .route) {
        $0.routes = [
          ConfiguredRoute(.prefix(.ipv4(IPv4Prefix(masking: 0x0A00_0000, length: 8))), .mac(0x0200_0000_0B02, port: 1))
        ]
      })
    let expected = Self.stream(4) {
      $0.destinationMAC = [2, 0, 0, 0, 0x0B, 2]
      $0.sourceMAC = [0, 0, 0, 0, 0, 2]
      $0.timeToLive -= 1
    }
    #expect(rig.run(Self.stream(4), on: 0)[1] == expected)
    #expect(pipeline.counts.counters[0].packets == 4)
  }

  /// The rule ahead of the route makes steps of it.
  @Test(arguments: [[], [Rule("all", RuleMatch(), .count("all"), .setVLAN(.tag(id: 9)))]])
  func `where the packets of a unit are too large for their route but the last, that one leaves`(rules: [Rule]) throws {
    let (rig, _) = try Self.rig(
      Self.configuration(rules, default: .route) {
        let prefix = IPv4Prefix(masking: 0x0A00_0000, length: 8)
        $0.routes = [ConfiguredRoute(.prefix(.ipv4(prefix)), .mac(0x0200_0000_0B02, port: 1), mtu: 120)]
      })
    func short(_ change: (inout SamplePacket) -> Void = { _ in }) -> [[UInt8]] {
      Self.stream(4) {
        if $0.identification == 3 { $0.payload = Array($0.payload[..<30]) }
        change(&$0)
      }
    }
    let routed = short {
      $0.destinationMAC = [2, 0, 0, 0, 0x0B, 2]
      $0.sourceMAC = [0, 0, 0, 0, 0, 2]
      $0.timeToLive -= 1
      if !rules.isEmpty { $0.vlans = [(0x8100, 9)] }
    }
    #expect(rig.run(short(), on: 0)[1] == [routed[3]])
    #expect(rig.counters.worker(index: 0).get(.units) == 1)
    #expect(rig.counters.queue(slot: 0).dropped(.needsFragmentation) == 3)
  }

  @Test func `without a TAP device nothing can go to the host`() throws {
    let (rig, _) = try Self.rig(Self.configuration([], default: .host))
    _ = rig.run(Self.stream(4), on: 0)
    #expect(rig.counters.queue(slot: 0).dropped(.noHost) == 4)
  }

  @Test func `without GRO each packet is decided about by itself`() throws {
    let (rig, _) = try Self.rig(Self.configuration([], default: .forward(port: 1)) { $0.engine.gro = nil })
    let packets = Self.stream(6)
    #expect(rig.run(packets, on: 0)[1] == packets)
    let worker = rig.counters.worker(index: 0)
    #expect(worker.get(.units) == 0 && worker.get(.unitPackets) == 0, "GRO did not run, and nobody is told that it did")
  }
}
