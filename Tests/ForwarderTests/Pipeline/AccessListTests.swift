import Forwarder
import PacketHeaders
import PacketSamples
import Testing
import XSKEngine

@testable import Forwarder

/// Access lists of simulated ports 0, 1 and 2; 10.0.1.n is behind port n.
@Suite struct AccessListTests {
  static let udp = RuleMatch { $0.ipProtocol = [.udp] }
  static let web = RuleMatch {
    $0.ipProtocol = [.tcp]
    $0.destinationPort = [80...80]
  }

  static func configuration(
    _ access: [Int: PortAccess], gro: Bool = true, _ change: (inout ForwarderConfiguration) -> Void = { _ in }
  ) -> ForwarderConfiguration {
    PipelineTests.configuration([], default: .route) { configuration in
      configuration.engine.gro = gro ? .chain : nil
      configuration.neighbours = (0..<3).map {
        ConfiguredNeighbour(.ipv4(0x0A00_0100 | UInt32($0)), mac: 0x0200_0000_0B00, port: $0)
      }
      configuration.access = access
      change(&configuration)
    }
  }

  static func packets(_ count: Int, to host: Int, port: UInt16 = 80, isUDP: Bool = false) -> [[UInt8]] {
    PipelineTests.stream(count) {
      $0.destinationHost = UInt8(host)
      $0.destinationPort = port
      if isUDP { $0.transport = .udp }
    }
  }

  @Test(arguments: [false, true])
  func `what is routed meets the lists of both ports, and what is accepted by the one, the other's`(gro: Bool) throws {
    let arriving = AccessList([.init("no-udp", Self.udp, drop: "no-udp")])
    let leaving = AccessList([.init("web", Self.web), .init("rest", drop: "closed")])
    let access = [0: PortAccess(arriving: arriving), 1: PortAccess(leaving: leaving)]
    let (rig, pipeline) = try PipelineTests.rig(Self.configuration(access, gro: gro))
    func passing(_ frames: [[UInt8]], on port: Int = 0) -> [Int] { rig.run(frames, on: port).map(\.count) }
    #expect(passing(Self.packets(4, to: 1)) == [0, 4, 0])
    #expect(passing(Self.packets(3, to: 1, port: 22)) == [0, 0, 0])
    #expect(passing(Self.packets(2, to: 1, isUDP: true)) == [0, 0, 0])
    // Port 2 lets everything out, and in.
    #expect(passing(Self.packets(5, to: 2, port: 22)) == [0, 0, 5])
    #expect(passing(Self.packets(6, to: 2, isUDP: true), on: 1) == [0, 0, 6])
    #expect(
      rig.counters.queue(slot: 0).dropped(.custom(0)) == 2 && rig.counters.queue(slot: 0).dropped(.custom(1)) == 3)
    let counts = pipeline.counts
    #expect(counts.rules.map(\.name) == ["no-udp", "web", "rest"] && counts.rules.map(\.packets) == [2, 4, 3])
    #expect(counts.defaultAction.packets == 20)
  }

  @Test func `what rules forward or reflect meets no list`() throws {
    let closed = (0..<3).map { port in
      PortAccess(
        arriving: AccessList([.init("in\(port)", drop: "in")]), leaving: AccessList([.init("out\(port)", drop: "out")]))
    }
    let (rig, pipeline) = try PipelineTests.rig(
      Self.configuration([0: closed[0], 1: closed[1], 2: closed[2]]) {
        $0.rules = RuleSet([Rule("udp", Self.udp, .forward(port: 2))], default: .reflect)
      })
    #expect(rig.run(Self.packets(3, to: 1) + Self.packets(2, to: 1, isUDP: true), on: 0).map(\.count) == [3, 0, 2])
    #expect(pipeline.counts.rules.map(\.packets) == [2, 0, 0, 0, 0, 0, 0])
  }

  @Test(arguments: [false, true])
  func `two limits take from both or from neither, and tell which of them refused`(gro: Bool) throws {
    let frame = Self.packets(1, to: 1)[0].count
    let limits = [
      RateLimiter("packets", try RateLimit(.packets, perSecond: 1, burst: 12), excess: "many"),
      // Ten packets' worth, and a bit more than clocks' rounding.
      RateLimiter("bits", try RateLimit(.bits, perSecond: 1000, burst: frame * 80 + 100), excess: "much"),
    ]
    let list = AccessList([.init("all")], packets: 0, bits: 1)
    let (rig, pipeline) = try PipelineTests.rig(
      Self.configuration([1: PortAccess(leaving: list)], gro: gro) { $0.limiters = limits })
    rig.worker.handler.units.replayTime = TimestampClock.now
    #expect(rig.run(Self.packets(6, to: 1), on: 0)[1].count == 6)
    // Four more by bits, whatever the other limit has: it keeps what it has for two.
    #expect(rig.run(Self.packets(5, to: 1), on: 0)[1].count == 4)
    #expect(
      rig.counters.queue(slot: 0).dropped(.custom(1)) == 1 && rig.counters.queue(slot: 0).dropped(.custom(0)) == 0)
    let some = pipeline.counts.limiters
    #expect(some.map(\.passed.packets) == [10, 10] && some.map(\.exceeded.packets) == [0, 1])
    // A replacement keeps what is left, and counts on.
    let next = Self.configuration([1: PortAccess(leaving: list)], gro: gro) { $0.limiters = limits }
    try pipeline.replace(with: try PipelineTests.policy(next)) { rig.worker.housekeeping() }
    #expect(rig.run(Self.packets(1, to: 1), on: 0)[1].isEmpty)
    #expect(pipeline.counts.limiters.map(\.exceeded.packets) == [0, 2])
    #expect(pipeline.counts.limiters.map(\.passed.bytes) == [UInt64(10 * frame), UInt64(10 * frame)])
    #expect(pipeline.counts.rules.map(\.packets) == [12])
    // Bits come back sooner than packets, of which there are two.
    rig.worker.handler.units.replayTime &+=
      UInt64(TimestampClock.shared.ticksPerSecond * 0.5) * UInt64(frame * 8) / 1000
    #expect(rig.run(Self.packets(2, to: 1), on: 0)[1].isEmpty)
    rig.worker.handler.units.replayTime &+= UInt64(TimestampClock.shared.ticksPerSecond)
    #expect(rig.run(Self.packets(1, to: 1), on: 0)[1].count == 1)
  }

  @Test func `lists that ask the same are compiled once`() throws {
    let list = { (name: String) in AccessList([.init("\(name)-web", Self.web), .init("\(name)-rest", drop: "closed")]) }
    var access = (0..<3).map { ($0, PortAccess(arriving: list("in\($0)"), leaving: list("out\($0)"))) }
    let configuration = Self.configuration(Dictionary(uniqueKeysWithValues: access))
    #expect(try PipelineTests.policy(configuration).access.compiled.ruleSet.rules.count == 2)
    access[1].1.arriving = AccessList([.init("udp", Self.udp)])
    let other = Self.configuration(Dictionary(uniqueKeysWithValues: access))
    #expect(try PipelineTests.policy(other).access.compiled.ruleSet.rules.count == 3)
  }

  @Test func `services are compiled for lists that ask for nothing else`() throws {
    func services(_ access: [Int: PortAccess]) throws -> Bool {
      try PipelineTests.policy(Self.configuration(access)).access.compiled.services != nil
    }
    #expect(try !services([:]))
    #expect(try !services([0: PortAccess(leaving: AccessList())]))
    let host = RuleMatch { $0.source = [.ipv4(1, length: 32)] }
    #expect(try !services([0: PortAccess(leaving: AccessList([.init("host", host)]))]))
    let web = PortAccess(arriving: AccessList([.init("web", Self.web)]))
    #expect(try services([0: PortAccess(leaving: AccessList([.init("host", host)])), 1: web]))
  }

  @Test func `a list that asks for what a unit's packets differ in has units split that meet it, and no others`() throws
  {
    let flags = AccessList([
      .init("flags", RuleMatch { $0.tcpFlags = [TCPFlagsPattern(.psh, mask: .psh)] }, drop: "push")
    ])
    let open = AccessList([.init("web", Self.web)])
    let (rig, _) = try PipelineTests.rig(
      Self.configuration([
        0: PortAccess(arriving: open), 1: PortAccess(leaving: flags),
        2: PortAccess(arriving: AccessList([.init("short", RuleMatch { $0.length = [0...100] })])),
      ]))
    func isSplit(from port: UInt8, to host: Int) -> Bool {
      rig.worker.handler.units.looksBeyondFlow(
        PipelineTests.summary(Self.packets(1, to: host)[0]).key, port, isTagged: false)
    }
    #expect(!isSplit(from: 0, to: 2) && !isSplit(from: 0, to: 0) && !isSplit(from: 1, to: 0))
    #expect(isSplit(from: 0, to: 1) && isSplit(from: 2, to: 0) && !isSplit(from: 0, to: 9))
  }

  @Test func `more rules or drop reasons than there can be are refused in words`() throws {
    func error(_ lists: [AccessList]) -> String {
      let access = lists.enumerated().map { ($0, PortAccess(leaving: $1)) }
      do {
        _ = try PipelineTests.policy(Self.configuration(Dictionary(uniqueKeysWithValues: access)))
        return ""
      } catch { return "\(error)" }
    }
    let long = AccessList([AccessList.Rule](repeating: .init("a"), count: 90_000))
    #expect(
      error([long, long, long]) == "access lists: they have 270000 rules together; "
        + "use at most 262144: shorter lists, or fewer ports with lists")
    let reasons = AccessList((0..<161).map { AccessList.Rule("r\($0)", Self.web, drop: "d\($0)") })
    let problem =
      "drop reasons: rules, access lists and their limiters name 161; use at most 160: let some share a name"
    #expect(error([reasons]) == problem)
    #expect {
      try Self.configuration([0: PortAccess(arriving: reasons)]).engineConfiguration()
    } throws: { "\($0)" == problem }
    #expect(error([AccessList(Array(reasons.rules.prefix(160)))]).isEmpty)
  }

  @Test func `lists that can't be are refused in words`() throws {
    let rate = try RateLimit(.packets, perSecond: 10)
    func problem(_ access: [Int: PortAccess], _ limiters: [RateLimiter] = []) -> String {
      do {
        _ = try PipelineTests.policy(Self.configuration(access) { $0.limiters = limiters })
        return ""
      } catch {
        return "\(error)"
      }
    }
    let twice = AccessList([.init("a"), .init("a")])
    #expect(
      problem([0: PortAccess(arriving: twice)])
        == "access list of port 0, arriving: another rule is called \"a\" too; give each rule a name of its own")
    #expect(
      problem([3: PortAccess(leaving: AccessList([]))])
        == "access list of port 3, leaving: there is no such port; use 0 to 2")
    #expect(
      problem([0: PortAccess(leaving: AccessList([], packets: 1))], [RateLimiter("l", rate)])
        == "access list of port 0, leaving: there is no limiter 1; configure it first")
    let limited = PortAccess(arriving: AccessList([], packets: 0), leaving: AccessList([], packets: 0))
    #expect(
      problem([0: limited], [RateLimiter("l", rate)])
        == "access list of port 0, leaving: limiter \"l\" has another use; configure one for each list")
    for (list, limiter) in [
      (AccessList([], bits: 0), RateLimiter("l", rate)),
      (AccessList([], packets: 0), RateLimiter("l", rate, forEach: .flow)),
    ] {
      #expect(problem([0: PortAccess(arriving: list)], [limiter]).contains("is not for all packets together"))
    }
    let bad = AccessList([.init("bad", RuleMatch { $0.vlanPriority = [9] })])
    #expect(problem([0: PortAccess(arriving: bad)]).contains("VLAN priority 9 is out of range"))
  }
}
