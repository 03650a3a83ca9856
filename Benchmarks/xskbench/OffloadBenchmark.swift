import ArgumentParser
import Glibc
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
    let job: WireLab.Job
    let ours: (name: String, device: WireLab.Device)
    let other: (name: String, device: WireLab.Device)
  }

  private static let comparisons = [
    Comparison(
      job: .drop, ours: ("drop, verdict", .verdict(punts: false)), other: ("drop, program that only drops", .kernelDrop)
    ),
    Comparison(
      job: .drop, ours: ("drop, punt and verdict", .verdict(punts: true)),
      other: ("drop, program that only drops", .kernelDrop)),
    Comparison(
      job: .forward, ours: ("forward, verdict", .verdict(punts: false)), other: ("forward, engine", .engine)),
  ]

  func run() throws {
    guard sysconf(Int32(_SC_NPROCESSORS_ONLN)) >= 2 else {
      throw XSKError("this machine", "has one CPU", remedy: "run on one with two: generator and engine each need one")
    }
    var report = BenchmarkReport(command: "offload --pairs \(pairs) --seconds \(seconds) --size \(size)")
    for comparison in Self.comparisons {
      var ours: [Double] = []
      var others: [Double] = []
      for pair in 1...pairs {
        complain("\(comparison.ours.name): pair \(pair) of \(pairs)")
        ours.append(try measure(comparison.ours.device, comparison.job))
        others.append(try measure(comparison.other.device, comparison.job))
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
  private func measure(_ device: WireLab.Device, _ job: WireLab.Job) throws -> Double {
    try WireLab(size: size).measure(device, job, seconds: seconds).rate
  }

  private func result(_ name: String, _ rates: [Double]) -> BenchmarkReport.Result {
    let millions = rates.map { $0 / 1e6 }
    var result = BenchmarkReport.Result(
      name: name, set: "veth", mpps: millions, packets: Int(millions.median * 1e6 * seconds))
    (result.driver, result.frameBytes, result.frameIncludesFCS) = ("veth", size, false)
    return result
  }
}
