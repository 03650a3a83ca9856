import ArgumentParser
import CXsk
import Forwarder
import Measuring
import XSKEngine

/// The engine on simulated rings: cycles a packet, the NIC's half outside the timed sections.
struct EngineBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "engine",
    abstract: "Cycles a packet on simulated rings: drop and reflect, hot and cold, one core and two.")

  @Option(help: "Packets of one repeat, 10000…100000000.") var packets = 1_000_000
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
  }

  func run() throws {
    var report = BenchmarkReport(command: "engine --packets \(packets) --repeats \(repeats)")
    let home = try pinned(to: cpu)
    for set in [WorkingSet.hot, .coldHeader] {
      report.results.append(try measure("drop", set, transmits: false) { DropHandler() })
      report.results.append(try measure("reflect", set, transmits: true) { ReflectHandler() })
    }
    guard report.machine.cpus >= 2 else {
      complain("one CPU only: the measurements with two cores are left out")
      return try output.deliver(report, cpus: [home])
    }
    try report.results.append(contentsOf: TwoCores(packets: packets, repeats: repeats).measure(&report.ratios))
    report.results.append(try NICOnOtherCore(packets: packets, repeats: repeats).measure())
    try output.deliver(report)
  }

  /// One handler on one working set.
  private func measure<Handler: PacketHandler>(
    _ name: String, _ set: WorkingSet, transmits: Bool, _ handler: () -> Handler
  ) throws -> BenchmarkReport.Result {
    var bench = try SimulatedBench(set, handler: handler())
    _ = bench.run(packets: packets / 4)  // Caches, branch predictors and page tables have seen it all once.
    let cycles = (0..<repeats).map { _ in bench.run(packets: packets) }
    return BenchmarkReport.Result(simulated: name, set: set.name, cycles: cycles, packets: packets)
  }
}

/// How much memory the packets of a measurement go through.
enum WorkingSet {
  /// 128 frames: rings, tables and headers stay in the first two cache levels.
  case hot
  /// 65,536 frames, in the order of a long ring: each burst's headers have left the second level.
  case coldHeader

  var name: String { self == .hot ? "hot" : "cold-header" }
  var frames: Int { self == .hot ? 1024 : 65536 }
  /// Frames that are given to the NIC before the first comes back.
  var depth: UInt32 { self == .hot ? 128 : 32768 }
}

/// A worker and the NIC that feeds it, on one thread; only the worker's turns are timed.
struct SimulatedBench<Handler: PacketHandler>: ~Copyable {
  private var worker: Worker<Handler>
  private var nic: SimulatedNIC

  /// Packets that the NIC receives before the worker is timed: two bursts, so that reading the counter costs little.
  static var section: Int { 128 }
  static var packetLength: UInt32 { 60 }

  init(_ set: WorkingSet, handler: Handler) throws(XSKError) {
    let umem = try UMEM(UMEMConfiguration(frames: set.frames))
    let device = try SimulatedDevice(
      rings: RingSizes(receive: set.depth, transmit: 128, fill: set.depth, completion: 128))
    worker = Worker(
      try WorkerParts(
        simulated: [device], umem: umem, counters: try CounterPage(simulated: [device]),
        configuration: WorkerConfiguration(idle: .spin)),
      handler: handler)
    nic = SimulatedNIC(device, umem: umem, needsWakeup: false)
    worker.turn()
  }

  /// TSC cycles a packet over `packets` packets.
  mutating func run(packets: Int) -> Double {
    var cycles: UInt64 = 0
    var done = 0
    while done < packets {
      let received = nic.receive(count: Self.section, length: Self.packetLength)
      let start = cxsk_timestamp_ordered()
      let taken = timedTurns(&worker, taking: received)
      cycles &+= cxsk_timestamp_ordered() &- start
      done += taken
      nic.completeAll()
    }
    return Double(cycles) / Double(done)
  }
}
