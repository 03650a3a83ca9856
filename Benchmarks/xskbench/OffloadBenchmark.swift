import ArgumentParser
import Measuring
import XSKEngine
import XSKLab

/// What verdict offload comes to on the wire: drops against a program that does nothing else, redirects against the
/// engine's own forwarding.
struct OffloadBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "offload",
    abstract:
      "Drop and redirect by the XDP program's verdict table, side by side with what it replaces in the same run.",
    discussion: """
      One verdict, on the generator's source address. Drops are compared with an XDP program that only counts and drops, \
      redirects with the engine's own forwarding. Needs root and two CPUs: the generator has CPU 0, the engine CPU 1.
      """)

  @Option(help: "Pairs of trials, ours and the other's in turn, 1…100.") var pairs = 10
  @Option(help: "Seconds that each trial counts, 0.5…600.") var seconds = 2.0
  @Option(help: "Bytes of a frame without FCS, 64…1514.") var size = 64
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (1...100).contains(pairs) else { throw ValidationError("--pairs \(pairs): out of range; give 1 to 100") }
    guard (0.5...600).contains(seconds) else {
      throw ValidationError("--seconds \(seconds): out of range; give 0.5 to 600")
    }
    guard (64...1514).contains(size) else { throw ValidationError("--size \(size): out of range; give 64 to 1514") }
  }

  /// Two things that are measured in turn.
  private struct Comparison {
    let ours: (name: String, device: DeviceKind)
    let other: (name: String, device: DeviceKind)
  }

  private static let comparisons = [
    Comparison(
      ours: ("drop, verdict", .verdict(punts: false, .drop)), other: ("drop, program that only drops", .xdpDrop)),
    Comparison(
      ours: ("drop, punt and verdict", .verdict(punts: true, .drop)),
      other: ("drop, program that only drops", .xdpDrop)),
    Comparison(
      ours: ("forward, verdict", .verdict(punts: false, .forward)), other: ("forward, engine", .ours(.forward))),
  ]

  func run() throws {
    let signals = StopSignals()
    let placement = try WirePlacement()
    var report = BenchmarkReport(command: "offload --pairs \(pairs) --seconds \(seconds) --size \(size)")
    for comparison in Self.comparisons {
      var ours: [Double] = []
      var others: [Double] = []
      for pair in 1...pairs {
        complain("\(comparison.ours.name): pair \(pair) of \(pairs)")
        ours.append(try measure(comparison.ours.device, placement, signals))
        others.append(try measure(comparison.other.device, placement, signals))
      }
      report.results.append(result(comparison.ours.name, ours))
      report.results.append(result(comparison.other.name, others))
      let ratios = zip(ours, others).map { $0 / $1 }
      report.ratios.append(
        BenchmarkReport.Ratio(name: "\(comparison.ours.name) / \(comparison.other.name)", of: ratios))
    }
    try output.deliver(report, cpus: [0, 1])
  }

  /// Packets a second.
  private func measure(_ device: DeviceKind, _ placement: WirePlacement, _ signals: StopSignals) throws -> Double {
    let load = WireLoad(size: SizeMix(size: size), seconds: seconds)
    return try WireLab.measure(device, load, placement: placement, signals: signals).trial.rate
  }

  private func result(_ name: String, _ rates: [Double]) -> BenchmarkReport.Result {
    let millions = rates.map { $0 / 1e6 }
    var result = BenchmarkReport.Result(
      name: name, set: "veth", mpps: millions, packets: Int(millions.median * 1e6 * seconds))
    (result.driver, result.frameBytes, result.frameIncludesFCS) = ("veth", size, false)
    return result
  }
}
