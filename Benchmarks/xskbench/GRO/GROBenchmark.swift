import ArgumentParser
import GROLite
import Measuring
import XSKEngine

/// GRO in a worker on simulated rings: cycles a packet, parse and rings included; beside it librte_gro on the same packets.
struct GROBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gro",
    abstract: "Cycles a packet of GRO on simulated rings, hot and from memory; side by side with librte_gro.",
    discussion: """
      Timed is the worker's turn: reading the RX ring, parsing, GRO, a verdict for each unit, recycling the frames and
      filling the fill ring. The NIC's half, which writes the packets, is not timed.

      --peer names the program that Benchmarks/peers/build makes where libdpdk-dev is installed. It runs
      rte_net_get_ptype and rte_gro_reassemble_burst on the same packets, in turn with ours, and touches no rings.
      """)

  @Option(help: "hot, cold (headers from memory), or both.") var set = Sets.both
  @Option(help: "chain, linear, or both.") var mode = Modes.both
  @Option(help: "Only the traffic of this name, for example tcp-1024 (default: all).") var traffic: String?
  @Option(help: "Packets of one repeat, 10000…100000000.") var packets = 100_000
  @Option(help: "Repeats of each measurement, ours and the peer's in turn, 3…1000.") var repeats = 15
  @Option(help: "Packets that headers are prefetched ahead, 0…64; the peer's too.") var prefetch = 12
  @Option(help: "The peer's program.") var peer: String?
  @Option(help: "The CPU to measure on. Default: the highest.") var cpu: Int?
  @OptionGroup var output: OutputOptions

  enum Sets: String, ExpressibleByArgument, CaseIterable {
    case hot, cold, both
    var list: [WorkingSet] { [.hot, .coldHeader].filter { self == .both || (self == .hot) == ($0 == .hot) } }
  }

  enum Modes: String, ExpressibleByArgument, CaseIterable { case chain, linear, both }

  func validate() throws {
    guard (10_000...100_000_000).contains(packets) else {
      throw ValidationError("--packets \(packets): out of range; give 10000 to 100000000")
    }
    guard (3...1000).contains(repeats) else {
      throw ValidationError("--repeats \(repeats): out of range; give 3 to 1000")
    }
    guard (0...64).contains(prefetch) else {
      throw ValidationError("--prefetch \(prefetch): out of range; give 0 to 64")
    }
    guard traffic == nil || !chosen.isEmpty else {
      let names = (GROTraffic.chain + GROTraffic.linear).map(\.name).joined(separator: ", ")
      throw ValidationError("--traffic \(traffic ?? ""): unknown; give one of \(names)")
    }
  }

  private var chosen: [GROTraffic] {
    let known = (mode == .linear ? [] : GROTraffic.chain) + (mode == .chain ? [] : GROTraffic.linear)
    return known.filter { traffic == nil || traffic == $0.name }
  }

  func run() throws {
    var report = BenchmarkReport(
      command: "gro --set \(set.rawValue) --mode \(mode.rawValue) --packets \(packets) --repeats \(repeats)"
        + " --prefetch \(prefetch)" + (traffic.map { " --traffic \($0)" } ?? "") + (peer.map { " --peer \($0)" } ?? ""))
    let home = cpu ?? report.machine.cpus - 1
    try measure(on: home, &report)
    try output.deliver(report, cpus: [home])
  }

  /// All that was chosen. The peer has ended afterwards, so that its processor time counts as ours.
  private func measure(on home: Int, _ report: inout BenchmarkReport) throws {
    // The peer's before this thread is pinned: it pins itself.
    let peer = try self.peer.map { try GROPeer($0, cpu: home) }
    if let peer { report.peers.append(peer.description) }
    _ = try pinned(to: home)
    for traffic in chosen {
      for set in traffic.isLinear ? set.list.filter({ $0 == .hot }) : set.list {
        try measure(traffic, set, peer, &report)
      }
    }
  }

  private func measure(
    _ traffic: GROTraffic, _ set: WorkingSet, _ peer: GROPeer?, _ report: inout BenchmarkReport
  ) throws {
    let configuration = GROConfiguration(mode: traffic.isLinear ? .linear : .chain, prefetchDistance: prefetch)
    if traffic.isLinear {
      var bench = try GROBench(traffic, set, gro: configuration) { LinearUnits(capacity: traffic.burst) }
      let (cycles, units) = bench.repeated(packets: packets, repeats: repeats) {}
      report.results.append(result(traffic, set, cycles, units))
      return
    }
    var bench = try GROBench(traffic, set, gro: configuration) { ChainUnits() }
    guard let peer else {
      let (cycles, units) = bench.repeated(packets: packets, repeats: repeats) {}
      report.results.append(result(traffic, set, cycles, units))
      return
    }
    try peer.load(traffic)
    var theirs: [GROPeer.Answer] = [try peer.run(set, packets: packets, prefetch: prefetch)]
    theirs = []
    let (ours, units) = try bench.repeated(packets: packets, repeats: repeats) {
      theirs.append(try peer.run(set, packets: packets, prefetch: prefetch))
    }
    report.results.append(result(traffic, set, ours, units))
    var other = result(traffic, set, theirs.map(\.cycles), theirs.last.map { $0.packets / $0.units } ?? 0)
    other.name += ", librte_gro"
    report.results.append(other)
    let ratios = zip(ours, theirs).map { $0 / $1.cycles }
    report.ratios.append(
      BenchmarkReport.Ratio(name: "\(traffic.name), \(set.name), ours / librte_gro", of: ratios, metric: "cycles"))
  }

  private func result(
    _ traffic: GROTraffic, _ set: WorkingSet, _ cycles: [Double], _ packetsPerUnit: Double
  ) -> BenchmarkReport.Result {
    let rate = TimestampClock.shared.ticksPerSecond / cycles.median
    var result = BenchmarkReport.Result(simulated: traffic.name, set: set.name, cycles: cycles, packets: packets)
    result.frameBytes = traffic.size
    result.packetsPerUnit = packetsPerUnit.short
    result.gigabits = (rate * Double(traffic.wireBytes) * 8 / 1e9).short
    return result
  }
}
