import ArgumentParser
import Measuring
import XSKEngine
import XSKLab

/// Counts and checks what arrives.
struct SinkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sink",
    abstract: "Count and check what arrives on an interface: loss, duplicates, order, delay.",
    discussion: """
      Takes all packets of the interface with the engine's own worker, and drops them. Probes of xskbench gen tell what is \
      missing, what came twice or late, and, within one machine, how long it took. Order is checked within each flow: name \
      --flows as the generator was told.

      Exit status: 0 all that came is in order; 1 something is missing, came twice or late, or no probe came; 2 wrong use, \
      or something that stands in the way. Needs root.
      """)

  @Argument(help: "The interface.") var interface: String
  @Option(help: "Seconds to listen, 0.1…86400. Default: until Ctrl-C.") var duration: Double?
  @Option(help: "Stop after this many probes.") var count: UInt64?
  @Option(help: "Stop when nothing has come for this many seconds, once something has; 0.1…3600.") var quiet: Double?
  @Option(help: "The stream to check, 0…65535. Default: the first that comes.") var stream: UInt16?
  @Option(help: "Flows of the generator, 1…16777216.") var flows: UInt32 = 1
  @Option(help: "Probes that were sent: those that are missing at the end are lost, too.") var sent: UInt64?
  @Option(help: "The CPU to run on. Default: the highest.") var cpu: Int?
  @Option(help: "When nothing arrives: spin, busy-poll, sleep, or adaptive.") var idle = IdlePolicy.adaptive
  @Option(help: "auto, zerocopy, copy, or generic.") var mode = ModeRequest.auto
  @Flag(help: "Print one JSON object.") var json = false

  func validate() throws {
    guard (0.1...86_400).contains(duration ?? 1) else {
      throw ValidationError("--duration \(duration ?? 0): out of range; give 0.1 to 86400 seconds")
    }
    guard (0.1...3600).contains(quiet ?? 1) else {
      throw ValidationError("--quiet \(quiet ?? 0): out of range; give 0.1 to 3600 seconds")
    }
    guard 1...(1 << 24) ~= flows else { throw ValidationError("--flows \(flows): out of range; give 1 to 16777216") }
  }

  func run() throws {
    let signals = StopSignals()
    let cpu = try Processors.choose(cpu)
    var configuration = ProbeEngine.Configuration(devices: [interface])
    configuration.cpu = cpu
    (configuration.idle, configuration.mode) = (idle, mode)
    (configuration.stream, configuration.flows) = (stream, flows)
    let probes = try ProbeEngine(configuration)
    defer { probes.engine.stop() }
    complain("listening on \(interface), CPU \(cpu), \(probes.mode)")
    let start = TimestampClock.monotonicNanoseconds
    let before = try probes.engine.snapshot()
    try listen(probes, start, signals)
    guard let last = probes.progress.report() else {
      throw XSKError("worker on CPU \(cpu)", "does not answer", remedy: "look for what else runs on that CPU")
    }
    let after = try probes.engine.snapshot()
    let report = SinkReport(
      interface: interface, mode: probes.mode, cpu: cpu, flows: flows,
      seconds: (Double(TimestampClock.monotonicNanoseconds - start) / 1e9).short, counts: last.counts, sent: sent,
      ringFull: Self.kernelDrops(after) - Self.kernelDrops(before), latency: last.latency.summary)
    print(json ? try report.json() : report.text)
    guard report.problems.isEmpty else { throw ExitCode(1) }
  }

  /// Until time, number, quiet or a signal says that it is enough.
  private func listen(_ probes: ProbeEngine, _ start: UInt64, _ signals: StopSignals) throws {
    var progress = Progress()
    var last = (packets: UInt64(0), time: start)
    while !signals.arrives(within: 0.02) {
      try probes.checkLinks()
      let now = TimestampClock.monotonicNanoseconds
      let packets = try probes.engine.snapshot().total(.receivedPackets)
      try progress.tell(packets, "frames received")
      if packets != last.packets { last = (packets, now) }
      if let duration, Double(now - start) / 1e9 >= duration { return }
      if let quiet, packets > 0, Double(now - last.time) / 1e9 >= quiet { return }
      if let count, packets >= count, (probes.progress.report()?.counts.received ?? 0) >= count { return }
    }
  }

  private static func kernelDrops(_ snapshot: CounterSnapshot) -> UInt64 {
    // An empty fill ring is counted among the dropped, too.
    snapshot.total(.kernelRXRingFull) &+ snapshot.total(.kernelRXDropped)
  }
}

extension IdlePolicy: ExpressibleByArgument {}
extension ModeRequest: ExpressibleByArgument {}
