import ArgumentParser
import Measuring
import XSKEngine
import XSKLab

/// A tenant's throughput against the same engine's on plain veths.
struct TenantBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tenant",
    abstract: "What a container's engine receives and sends, beside the same engine on a plain veth without policy.",
    discussion: """
      Four ways, each in both directions, in turn in the same run: a plain veth; the veth of a container, with a socket that xskd \
      handed over; a plain veth behind an engine that forwards and looks at nothing; a container behind xskd's dataplane with \
      the default policy. Like is compared with like: the container's veth with the plain one, and what has a hop on its way \
      with what has one.

      Frames come from one CPU as fast as they go, and engines have the other: where there are two of them, forwarder and \
      receiver share it, and sleep when there is nothing to do; where an engine sends through a forwarder, it has the \
      generator's CPU. What arrives is counted by the kernel. Needs root, two CPUs, and xskd and xskfwd built beside this \
      program. The labs vanish with the program, in whatever way that ends.
      """)

  @Option(help: "Rounds of trials, each way once a round, 1…100.") var pairs = 10
  @Option(help: "Seconds that each trial counts, 0.5…600.") var seconds = 2.0
  @Option(help: "Bytes of a frame without FCS, 60…1514.") var size = 64
  @Option(help: "rx, tx, or both.") var direction = Directions.both
  @OptionGroup var placement: PlacementOptions
  @OptionGroup var output: OutputOptions

  enum Directions: String, ExpressibleByArgument, CaseIterable {
    case rx, tx, both

    var all: [TenantDirection] {
      switch self {
      case .rx: [.receive]
      case .tx: [.transmit]
      case .both: [.receive, .transmit]
      }
    }
  }

  func validate() throws {
    guard (1...100).contains(pairs) else { throw ValidationError("--pairs \(pairs): out of range; give 1 to 100") }
    guard (0.5...600).contains(seconds) else {
      throw ValidationError("--seconds \(seconds): out of range; give 0.5 to 600")
    }
    guard (60...1514).contains(size) else { throw ValidationError("--size \(size): out of range; give 60 to 1514") }
  }

  func run() throws {
    let signals = StopSignals()
    try TenantNode.prepareMounts()
    let placement = try placement.resolved()
    var report = BenchmarkReport(command: CommandLine.arguments.dropFirst().joined(separator: " "))
    let load = WireLoad(size: SizeMix(size: size), seconds: seconds)
    let alone = direction == .tx ? 0 : try WireLab.generatorAlone(load, placement: placement, signals: signals)
    var isInterrupted = false
    for direction in direction.all {
      var rates: [TenantPath: [Double]] = [:]
      do {
        for round in 1...pairs {
          complain("\(direction.rawValue): round \(round) of \(pairs)")
          for path in TenantPath.allCases {
            let trial = try TenantTrial(path, direction, placement: placement, size: size)
            defer { trial.stop() }
            rates[path, default: []].append(try trial.measure(seconds: seconds, signals: signals))
            for command in trial.commands where !report.peers.contains(command) { report.peers.append(command) }
          }
        }
      } catch is Interrupted {
        isInterrupted = true
      }
      report.add(direction, rates, size: size, seconds: seconds)
      if isInterrupted { break }
    }
    if alone > 0 { report.noteGenerator(alone: alone / 1e6, offered: report.results.map(\.mpps).max() ?? 0) }
    if isInterrupted { report.irregular.append("interrupted: rounds are missing") }
    guard !report.results.isEmpty else { throw ExitCode(130) }
    try output.deliver(report, cpus: [placement.generator, placement.device])
    if isInterrupted { throw ExitCode(130) }
  }
}

extension BenchmarkReport {
  fileprivate mutating func add(
    _ direction: TenantDirection, _ rates: [TenantPath: [Double]], size: Int, seconds: Double
  ) {
    for path in TenantPath.allCases {
      guard let mine = rates[path], !mine.isEmpty else { continue }
      var result = Result(
        name: "\(direction.rawValue), \(path.rawValue)", set: "veth", mpps: mine.map { $0 / 1e6 },
        packets: Int(mine[0] * seconds))
      (result.driver, result.mode, result.subject) = ("veth", "copy", result.name)
      (result.frameBytes, result.frameIncludesFCS) = (size, false)
      results.append(result)
    }
    for (tenant, plain) in [(TenantPath.tenant, TenantPath.plain), (.policed, .forwarded)] {
      guard let ours = rates[tenant], let theirs = rates[plain] else { continue }
      ratios.append(
        Ratio(
          name: "\(direction.rawValue), \(tenant.rawValue) / \(plain.rawValue)", of: zip(ours, theirs).map { $0 / $1 }))
    }
  }
}
