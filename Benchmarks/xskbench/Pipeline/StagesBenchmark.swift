import ArgumentParser
import Forwarder
import Glibc
import Measuring
import XSKEngine

/// Where a packet's cycles go: the same packets through ever more of the way.
struct StagesBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stages",
    abstract: "Where a packet's cycles go on simulated rings: rings, parse, GRO, rules, rewrite, routes, wake-up.",
    discussion: """
      The stages are switched on one by one, and each is measured in every round, so that the machine's moods meet all. What \
      a stage adds is how much more the way costs with it, by medians over the rounds. Stages overlap in the processor: in \
      another order each would add something else, only the sum is the same. Of the traffic far nothing merges: from the \
      policy on GRO pauses, and packets go a way that parses them by itself, so the first such stage takes cycles away.
      """)

  @Option(help: "trains-8, far, or both.") var traffic = Choice.both
  @Option(help: "Rules that match nothing, 0…10000.") var rules = 100
  @Option(help: "IPv4 routes, 1000…4000000.") var routes = 1_000_000
  @Option(help: "Packets of one repeat, 10000…100000000.") var packets = 20_000
  @Option(help: "Rounds, 3…1000.") var repeats = 51
  @Option(help: "The CPU to measure on. Default: the highest.") var cpu: Int?
  @OptionGroup var output: OutputOptions

  enum Choice: String, ExpressibleByArgument, CaseIterable {
    case trains = "trains-8"
    case far, both

    var list: [PipelineTraffic] {
      PipelineTraffic.all.filter { self == .both ? $0.name == "trains-8" || $0.name == "far" : $0.name == rawValue }
    }
  }

  func validate() throws {
    guard (10_000...100_000_000).contains(packets) else {
      throw ValidationError("--packets \(packets): out of range; give 10000 to 100000000")
    }
    guard (3...1000).contains(repeats) else {
      throw ValidationError("--repeats \(repeats): out of range; give 3 to 1000")
    }
    guard (1000...4_000_000).contains(routes) else {
      throw ValidationError("--routes \(routes): out of range; give 1000 to 4000000")
    }
    guard (0...10_000).contains(rules) else { throw ValidationError("--rules \(rules): out of range; give 0 to 10000") }
  }

  func run() throws {
    var report = BenchmarkReport(
      command: "stages --traffic \(traffic.rawValue) --rules \(rules) --routes \(routes) --packets \(packets)"
        + " --repeats \(repeats)")
    let home = try pinned(to: cpu)
    let prefixes = try PipelineTraffic.prefixes(routes)
    for traffic in traffic.list { report.results.append(try measure(traffic, prefixes)) }
    try output.deliver(report, cpus: [home])
  }

  private func measure(_ traffic: PipelineTraffic, _ prefixes: [IPv4Prefix]) throws -> BenchmarkReport.Result {
    let way = try StagedWay(traffic, prefixes, rules: rules)
    var rounds: [[Double]] = []
    for round in 0...repeats {
      let cycles = try way.stages.map { try $0.run(packets: packets) }
      // In the first one caches, branch predictors and page tables see it all once.
      if round > 0 { rounds.append(cycles) }
    }
    let totals = way.stages.indices.map { place in rounds.map { $0[place] } }
    var result = BenchmarkReport.Result(
      simulated: "whole way, \(traffic.name)", set: "hot", cycles: totals.last ?? [], packets: packets)
    result.frameBytes = traffic.size
    result.stages = way.stages.indices.map { place in
      let added = place == 0 ? totals[0] : zip(totals[place], totals[place - 1]).map { $0 - $1 }
      let before = place == 0 ? 0 : totals[place - 1].median
      return BenchmarkReport.Stage(
        name: way.stages[place].name, totalCycles: totals[place].median.short,
        addedCycles: (totals[place].median - before).short, lowAdded: added.quantile(0.25).short,
        highAdded: added.quantile(0.75).short)
    }
    return result
  }
}

/// One worker for each length of the way.
private final class StagedWay {
  let stages: [any Stage]
  /// sendto(2) is called on it; it isn't connected, so that nothing is ever sent.
  private let socket: CInt

  init(_ traffic: PipelineTraffic, _ prefixes: [IPv4Prefix], rules: Int) throws {
    socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    guard socket >= 0 else {
      throw XSKError("socket", refused: "can't be made", code: errno, remedy: "close files, or raise ulimit -n")
    }
    var traffic = traffic
    let source = try PipelineSource(traffic, prefixes, blocked: [])
    let everything = [IPv4Prefix(masking: 0, length: 0)]
    func policed(
      _ name: String, rules: Int, _ routes: [IPv4Prefix], last: RuleAction, wakeSocket: CInt? = nil
    ) throws -> any Stage {
      traffic.idleRules = rules
      let pipeline = Pipeline(try traffic.policy(routes, blocked: [], last: last))
      return try StageOf(name, traffic, source, wakeSocket: wakeSocket) { queues throws(XSKError) in
        try pipeline.handler(queues: queues)
      }
    }
    stages = [
      try StageOf("rings: RX, TX, completion, fill", traffic, source) { _ in ForwardHandler() },
      try StageOf("parse: headers, flow key", traffic, source) { queues throws(XSKError) in
        CountingHandler(try CoalescingHandler(ForwardUnits(), gro: nil, queues: queues))
      },
      try StageOf("GRO: flows of a burst become units", traffic, source) { queues throws(XSKError) in
        CountingHandler(try CoalescingHandler(ForwardUnits(), queues: queues))
      },
      try policed("policy without rules: counts, forward", rules: 0, everything, last: .forward(port: 1)),
      try policed("match: \(rules) rules, none decides", rules: rules, everything, last: .forward(port: 1)),
      try policed("route, one: TTL and MAC addresses rewritten", rules: rules, everything, last: .route),
      try policed("longest prefix match in \(prefixes.count) routes", rules: rules, prefixes, last: .route),
      try policed(
        "wake-up: a system call for each TX flush", rules: rules, prefixes, last: .route, wakeSocket: socket),
    ]
  }

  deinit { close(socket) }
}

/// GRO ahead of forwarding, and an addition a burst. Without that its worker's turn is so much like that of `xskbench gro` that
/// the compiler makes one function of both, which calls what differs through a pointer: in both.
private struct CountingHandler: PacketHandler, ~Copyable {
  private var handler: CoalescingHandler<ForwardUnits>
  private var bursts = 0

  init(_ handler: consuming CoalescingHandler<ForwardUnits>) { self.handler = handler }

  mutating func handle(_ burst: inout Burst) {
    bursts &+= 1
    handler.handle(&burst)
  }
}

/// A worker that goes a part of the way.
private protocol Stage: AnyObject {
  var name: String { get }
  /// TSC cycles a packet.
  func run(packets: Int) throws -> Double
}

private final class StageOf<Handler: PacketHandler & ~Copyable>: Stage {
  let name: String
  private var bench: PipelineBench<Handler>

  init(
    _ name: String, _ traffic: PipelineTraffic, _ source: PipelineSource, wakeSocket: CInt? = nil,
    handler: (Int) throws(XSKError) -> Handler
  ) throws(XSKError) {
    self.name = name
    bench = try PipelineBench(traffic, source, wakeSocket: wakeSocket, handler: handler)
  }

  func run(packets: Int) throws -> Double {
    let (cycles, forwarded) = bench.run(packets: packets)
    // What does something else than it says is no measurement.
    guard forwarded >= packets else {
      throw XSKError(name, "\(forwarded) of \(packets) packets left", remedy: "please report this as a bug")
    }
    return cycles
  }
}
