import PacketHeaders
import PacketSamples
import Testing
import XSKEngine

@testable import Forwarder

/// The pipeline against the slow way, on random policies and traffic.
@Suite struct PipelinePropertyTests {
  /// What order of packets a run promises.
  enum Order: CaseIterable {
    /// Without GRO: packets leave as they came.
    case arrival
    /// Each flow's.
    case flows
    /// None: GRO sorts what came in disorder.
    case none
  }

  @Test(arguments: Order.allCases, [1, 6, 30])
  func `the pipeline does what the configuration says, packet by packet`(order: Order, rules: Int) throws {
    let networks = try (0..<2).map { try RandomPolicy.Network(UInt64(rules * 2 + $0)) }
    for seed in 0..<UInt64(24) {
      let faults = try Self.faults(order, networks[Int(seed % 2)], rules: rules, seed: seed)
      #expect(faults == [], "\(order), \(rules) rules, seed \(seed)")
    }
  }

  /// Rules that leave plain packets to the loop that has their headers in registers, and units whole but for some ports' lists.
  @Test(arguments: Order.allCases, [1, 6, 30, 90])
  func `plain packets get what the configuration says`(order: Order, rules: Int) throws {
    let networks = try (0..<2).map { try RandomPolicy.Network(UInt64(rules * 2 + $0)) }
    for seed in 0..<UInt64(24) {
      let faults = try Self.faults(order, networks[Int(seed % 2)], rules: rules, seed: seed, isPlain: true)
      #expect(faults == [], "\(order), \(rules) rules, seed \(seed)")
    }
  }

  /// Rules of one port, and of tagged packets: all others go the way of plain packets.
  @Test(arguments: Order.allCases, [1, 6, 90])
  func `rules change nothing for packets that they are not for`(order: Order, rules: Int) throws {
    let networks = try (0..<2).map { try RandomPolicy.Network(UInt64(rules * 2 + $0)) }
    for seed in 0..<UInt64(24) {
      let faults = try Self.faults(order, networks[Int(seed % 2)], rules: rules, seed: seed, areBound: true)
      #expect(faults == [], "\(order), \(rules) rules, seed \(seed)")
    }
  }

  /// Units of several packets; what is limited depends on their order, so each run is one flow.
  @Test func `lists limit units as they would their packets`() throws {
    var limited = (packets: UInt64(0), units: UInt64(0), refusals: UInt64(0))
    for seed in 0..<UInt64(150) {
      var random = RandomPolicy(seed, limitsFlows: false)
      let configuration = try random.limitedLists()
      let facts = configuration.ports.map { _ in PortFacts(mac: 0x02, mtu: 1500) }
      var reference = try ReferencePipeline(configuration, facts: facts)
      let pipeline = Pipeline(try Policy(configuration, facts: facts))
      let rig = try PipelineTests.rig(pipeline)
      rig.worker.handler.units.replayTime = TimestampClock.now
      var sent: [[[UInt8]]] = [[], [], []]
      for run in random.runs() {
        for frame in run.frames { reference.handle(frame, on: run.port) }
        for (port, more) in rig.run(run.frames, on: run.port, burst: run.frames.count).enumerated() {
          sent[port] += more
        }
        limited.packets += UInt64(run.frames.count)
      }
      #expect(Self.differences(.arrival, sent, reference.sent) == [], "seed \(seed)")
      let counts = pipeline.counts
      #expect(counts.rules.map(\.packets) == reference.rules.map(\.packets), "seed \(seed)")
      #expect(counts.limiters.map(\.passed) == reference.passed, "seed \(seed)")
      #expect(counts.limiters.map(\.exceeded) == reference.exceeded, "seed \(seed)")
      #expect(Self.dropFaults(rig, reference) == [], "seed \(seed)")
      limited.units += rig.counters.worker(index: 0).get(.units)
      limited.refusals += reference.exceeded.reduce(0) { $0 + $1.packets }
    }
    #expect(limited.units * 3 < limited.packets && limited.refusals * 10 > limited.packets)
  }

  /// One world: what differs between the pipeline and the reference.
  static func faults(
    _ order: Order, _ network: RandomPolicy.Network, rules: Int, seed: UInt64, isPlain: Bool = false,
    areBound: Bool = false
  ) throws -> [String] {
    var random = RandomPolicy(seed << 8 | UInt64(rules), limitsFlows: order == .flows)
    var configuration = try random.configuration(
      network, rules: rules, gro: order != .arrival, limiters: order == .none ? 0 : 3, usesSets: seed % 10 == 0)
    if isPlain {
      configuration.rules = RandomPolicy.plain(configuration.rules)
      configuration.access = RandomPolicy.plain(configuration.access)
    }
    if areBound { configuration.rules = RandomPolicy.bound(configuration.rules) }
    var reference = try ReferencePipeline(configuration, facts: RandomPolicy.facts)
    let policy = try Policy(configuration, facts: RandomPolicy.facts, routes: network.routes)
    #expect(!isPlain || policy.program.hasPlainStepsOnly && policy.rules.view.asksForFlowOnly)
    #expect(!areBound || policy.hasNoRules[..<2] == [true, true])
    let pipeline = Pipeline(policy)
    let traffic = (0..<2).map { _ in
      (
        port: random.world.number(0...2), burst: random.world.number(1...60),
        frames: random.frames(trouble: order != .flows, configuration.rules)
      )
    }
    for part in traffic {
      for frame in part.frames { reference.handle(frame, on: part.port) }
    }
    let rig = try PipelineTests.rig(pipeline)
    // No tokens come.
    rig.worker.handler.units.replayTime = TimestampClock.now
    var sent: [[[UInt8]]] = [[], [], []]
    for part in traffic {
      for (port, more) in rig.run(part.frames, on: part.port, burst: part.burst).enumerated() { sent[port] += more }
    }
    return Self.differences(order, sent, reference.sent) + countFaults(pipeline.counts, reference)
      + dropFaults(rig, reference)
  }

  static func differences(_ order: Order, _ found: [[[UInt8]]], _ wanted: [[[UInt8]]]) -> [String] {
    found.indices.flatMap { port -> [String] in
      let isSame =
        switch order {
        case .arrival: found[port] == wanted[port]
        case .flows: flows(found[port]) == flows(wanted[port])
        case .none: sorted(found[port]) == sorted(wanted[port])
        }
      guard !isSame else { return [] }
      let missing = wanted[port].filter { !found[port].contains($0) }.prefix(2)
      let surplus = found[port].filter { !wanted[port].contains($0) }.prefix(2)
      return [
        "port \(port): sent \(found[port].count) of \(wanted[port].count); missing \(missing), surplus \(surplus)"
      ]
    }
  }

  struct Flow: Hashable {
    var key: FlowKey
    var link: [UInt64]
  }

  static func flows(_ frames: [[UInt8]]) -> [Flow: [[UInt8]]] {
    Dictionary(grouping: frames) { frame in
      let summary = PacketSummary(frame.packet)
      return Flow(key: summary.key, link: [summary.linkWord0, summary.linkWord1, summary.vlanTags])
    }
  }

  static func sorted(_ frames: [[UInt8]]) -> [[UInt8]] { frames.sorted { $0.lexicographicallyPrecedes($1) } }

  static func countFaults(_ counts: PipelineCounts, _ reference: ReferencePipeline) -> [String] {
    var faults: [String] = []
    func check(_ what: String, _ found: RuleCount, _ wanted: RuleCount) {
      if found != wanted { faults.append("\(what): \(found), not \(wanted)") }
    }
    func count(_ rule: PipelineCounts.Rule) -> RuleCount { RuleCount(packets: rule.packets, bytes: rule.bytes) }
    if counts.rules.count != reference.rules.count { faults.append("\(counts.rules.count) rules counted") }
    for (rule, wanted) in zip(counts.rules, reference.rules) { check(rule.name, count(rule), wanted) }
    check("default", counts.defaultAction, reference.defaultAction)
    check("malformed", counts.malformed, reference.malformed)
    for counter in counts.counters {
      check(counter.name, count(counter), reference.counters[counter.name] ?? RuleCount())
    }
    for (number, limiter) in counts.limiters.enumerated() {
      check("\(limiter.name) passed", limiter.passed, reference.passed[number])
      check("\(limiter.name) exceeded", limiter.exceeded, reference.exceeded[number])
    }
    return faults
  }

  static func dropFaults(_ rig: PipelineTests.Rig, _ reference: ReferencePipeline) -> [String] {
    (0..<3).flatMap { port -> [String] in
      (0...UInt8.max).compactMap { number in
        let reason = DropReason(rawValue: number)
        let (found, wanted) = (rig.counters.queue(slot: port).dropped(reason), reference.drops[port][reason] ?? 0)
        return found == wanted ? nil : "port \(port), reason \(number): \(found) dropped, not \(wanted)"
      }
    }
  }
}
