import ArgumentParser
import CXsk
import Forwarder
import GROLite
import XSKEngine

/// The simulated benchmarks once each, for a fixed number of packets: for callgrind, which counts instructions.
struct CountCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "count",
    abstract: "Runs each simulated benchmark for as many packets, for scripts/check-instructions.",
    discussion: """
      Prints a line for each: its name and the packets that were taken between countingBegins and countingEnds, the two \
      functions that callgrind looks for. Measures nothing by itself.
      """, shouldDisplay: false)

  @Option(help: "Packets of each, 128…1000000.") var packets = 12_800

  func validate() throws {
    guard (128...1_000_000).contains(packets) else {
      throw ValidationError("--packets \(packets): out of range; give 128 to 1000000")
    }
  }

  /// Few, so that making the table takes a moment: where a route is found does not depend on how many there are.
  private static let routes = 20_000

  func run() throws {
    try engine("drop") { DropHandler() }
    try engine("reflect") { ReflectHandler() }
    for name in ["tcp-1", "tcp-8", "tcp-1024", "udp64-8"] { try gro(name) }
    let prefixes = try PipelineTraffic.prefixes(Self.routes)
    for traffic in PipelineTraffic.all where traffic.idleRules <= 1000 {
      let pipeline = Pipeline(try traffic.policy(prefixes, blocked: Array(prefixes.suffix(Self.routes / 10))))
      let source = try PipelineSource(traffic, prefixes, blocked: Array(prefixes.suffix(Self.routes / 10)))
      var bench = try PipelineBench(traffic, source) { queues throws(XSKError) in
        try pipeline.handler(queues: queues, seed: 1)
      }
      count("pipeline \(traffic.name)") { _ = bench.run(packets: packets) }
    }
  }

  private func engine<Handler: PacketHandler>(_ name: String, _ handler: () -> Handler) throws {
    var bench = try SimulatedBench(.hot, handler: handler())
    count("engine \(name)") { _ = bench.run(packets: packets) }
  }

  private func gro(_ name: String) throws {
    guard let traffic = GROTraffic.chain.first(where: { $0.name == name }) else {
      throw XSKError(name, "no such traffic", remedy: "please report this as a bug")
    }
    var bench = try GROBench(traffic, .hot, gro: GROConfiguration(mode: .chain)) { ChainUnits() }
    count("gro \(name)") { _ = bench.run(packets: packets) }
  }

  /// Once without and once with counting: the second time tables and lists have the sizes that they keep.
  private func count(_ name: String, _ body: () -> Void) {
    body()
    countingBegins()
    body()
    countingEnds()
    print("\(name)\t\((packets + 127) / 128 * 128)")
  }
}

// Found by name in the machine code; what they do only keeps the compiler from leaving them out.

@inline(never) private func countingBegins() { cxsk_finish_writes() }
@inline(never) private func countingEnds() { cxsk_spin_hint() }
