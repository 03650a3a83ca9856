import ArgumentParser
import Forwarder
import Measuring
import XSKEngine

/// The pipeline in a worker on simulated rings: cycles a packet, the whole way from RX to TX.
struct PipelineBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pipeline",
    abstract: "Cycles a packet of the whole way on simulated rings: parse, GRO, rules, routes, rewriting, TX.",
    discussion: """
      A million IPv4 routes, 100 rules ahead of them that match nothing. Timed is the worker's turn: reading the RX ring, \
      parsing, GRO, rules, the longest prefix match, rewriting MAC addresses and TTL, the TX ring, completions, filling the \
      fill ring. The NIC's half, which writes the packets' headers and takes what is transmitted, is not timed. Headers are \
      in the cache, as after a NIC that writes them there. Where nothing merges GRO pauses, and looks at one burst in 33. \
      Tenants' traffic, under ever more policy, is measured in turn, repeat by repeat.
      """)

  @Option(help: "Only the traffic of this name, for example blocklist (default: all).") var traffic: String?
  @Option(help: "IPv4 routes, 1000…4000000.") var routes = 1_000_000
  @Option(help: "Packets of one repeat, 10000…100000000.") var packets = 100_000
  @Option(help: "Repeats of each measurement, 3…1000.") var repeats = 15
  @Option(help: "The CPU to measure on. Default: the highest.") var cpu: Int?
  @OptionGroup var output: OutputOptions

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
    guard !chosen.isEmpty else {
      let names = PipelineTraffic.all.map(\.name).joined(separator: ", ")
      throw ValidationError("--traffic \(traffic ?? ""): unknown; give one of \(names)")
    }
  }

  private var chosen: [PipelineTraffic] { PipelineTraffic.all.filter { traffic == nil || traffic == $0.name } }

  func run() throws {
    var report = BenchmarkReport(
      command: "pipeline --packets \(packets) --repeats \(repeats) --routes \(routes)"
        + (traffic.map { " --traffic \($0)" } ?? ""))
    let home = try pinned(to: cpu)
    let prefixes = try PipelineTraffic.prefixes(routes)
    // Sources to be blocked are other networks than those that packets go to.
    let blocked = Array(prefixes.suffix(100_000))
    var cycles: [String: [Double]] = [:]
    for group in groups {
      let measured = try measure(group, prefixes, blocked: blocked)
      for (traffic, samples) in zip(group, measured) {
        cycles[traffic.name] = samples
        report.results.append(
          BenchmarkReport.Result(simulated: traffic.name, set: "hot", cycles: samples, packets: packets))
      }
    }
    for (name, what) in [("rules-10000", "for other services"), ("rules-10000-alike", "for other addresses")] {
      guard let many = cycles[name], let none = cycles["rules-0"] else { continue }
      report.ratios.append(
        BenchmarkReport.Ratio(
          name: "10,000 rules \(what) / none", of: zip(many, none).map { $0 / $1 }, metric: "cycles"))
    }
    for kind in TenantTrafficKind.allCases where kind != .none {
      guard let with = cycles[kind.rawValue], let without = cycles[TenantTrafficKind.none.rawValue] else { continue }
      report.ratios.append(
        BenchmarkReport.Ratio(
          name: "\(kind.rawValue) / \(TenantTrafficKind.none.rawValue)", of: zip(with, without).map { $0 / $1 },
          metric: "cycles"))
    }
    try output.deliver(report, cpus: [home])
  }

  /// What tenants' traffic costs beside none of their policy is measured in turn, so that the machine's moods meet all of it. The
  /// others' tables of routes are too large to be there together.
  private var groups: [[PipelineTraffic]] {
    let tenants = chosen.filter { $0.tenants != nil }
    return chosen.filter { $0.tenants == nil }.map { [$0] } + (tenants.isEmpty ? [] : [tenants])
  }

  /// - Returns: cycles a packet of each of the group's, in the order of repeats.
  private func measure(
    _ group: [PipelineTraffic], _ prefixes: [IPv4Prefix], blocked: [IPv4Prefix]
  ) throws -> [[Double]] {
    var benches = try FixedArray(count: group.count) { place throws(XSKError) in
      let pipeline = Pipeline(try group[place].policy(prefixes, blocked: blocked))
      let source = try PipelineSource(group[place], prefixes, blocked: blocked)
      return try PipelineBench(group[place], source) { queues throws(XSKError) in
        try pipeline.handler(queues: queues)
      }
    }
    var cycles = [[Double]](repeating: [], count: group.count)
    // Caches, branch predictors and page tables have seen it all once.
    for place in group.indices { _ = benches[place].run(packets: packets / 4) }
    for _ in 0..<repeats {
      for (place, traffic) in group.enumerated() {
        let (measured, forwarded) = benches[place].run(packets: packets)
        // What does something else than it says is no measurement.
        let isRight = traffic.blocked > 0 ? forwarded == 0 : forwarded >= packets
        guard isRight else {
          throw XSKError(
            traffic.name, "\(forwarded) of \(packets) packets left", remedy: "please report this as a bug")
        }
        cycles[place].append(measured)
      }
    }
    return cycles
  }
}
