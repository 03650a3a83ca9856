import ArgumentParser
import Forwarder
import Glibc
import Measuring
import XSKEngine
import XSKLab

/// The engine and a peer in turn on the same veth lab: drop and forward rates, counted by the kernel's own device counters.
struct WireBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wire",
    abstract: "Drop and forward on real veth devices, side by side with dpdk-testpmd in the same run.",
    discussion: """
      Needs root and two CPUs: the generator has CPU 0, the device under test CPU 1. The lab vanishes with the program.
      """)

  @Option(help: "Pairs of trials, ours and the peer's in turn, 1…100.") var pairs = 10
  @Option(help: "Seconds that each trial counts, 0.5…600.") var seconds = 2.0
  @Option(help: "Bytes of a frame without FCS, 64…1514.") var size = 64
  @Option(help: "testpmd, or none.") var peer = Peer.testpmd
  @Option(help: "drop, forward, or both.") var job = Jobs.both
  @Option(help: "Frames the engine keeps with the kernel for receiving, a queue; 0: its fill ring's worth.")
  var fillLevel = 0
  @OptionGroup var output: OutputOptions

  enum Jobs: String, ExpressibleByArgument, CaseIterable {
    case drop, forward, both
    var list: [WireLab.Job] { WireLab.Job.allCases.filter { self == .both || $0.rawValue == rawValue } }
  }

  enum Peer: String, ExpressibleByArgument, CaseIterable { case testpmd, none }

  func validate() throws {
    guard (1...100).contains(pairs) else { throw ValidationError("--pairs \(pairs): out of range; give 1 to 100") }
    guard (0.5...600).contains(seconds) else {
      throw ValidationError("--seconds \(seconds): out of range; give 0.5 to 600")
    }
    guard (64...1514).contains(size) else { throw ValidationError("--size \(size): out of range; give 64 to 1514") }
  }

  func run() throws {
    guard sysconf(Int32(_SC_NPROCESSORS_ONLN)) >= 2 else {
      throw XSKError("this machine", "has one CPU", remedy: "run on one with two: generator and engine each need one")
    }
    var report = BenchmarkReport(
      command: "wire --pairs \(pairs) --seconds \(seconds) --size \(size) --peer \(peer.rawValue)")
    for job in self.job.list {
      var ours: [WireLab.Trial] = []
      var theirs: [WireLab.Trial] = []
      for pair in 1...pairs {
        complain("\(job.rawValue): pair \(pair) of \(pairs)")
        ours.append(try WireLab(size: size, fillLevel: fillLevel).measure(.engine, job, seconds: seconds))
        guard peer == .testpmd else { continue }
        theirs.append(try WireLab(size: size).measure(.testpmd, job, seconds: seconds))
      }
      report.results.append(result("\(job.rawValue), xskfwd", ours))
      if peer == .testpmd {
        report.results.append(result("\(job.rawValue), testpmd \(job.testpmdMode)", theirs))
        let ratios = zip(ours, theirs).map { $0.rate / $1.rate }
        report.ratios.append(
          BenchmarkReport.Ratio(name: "\(job.rawValue), xskfwd / testpmd", of: ratios))
        report.peers.append(WireLab.testpmdCommand(job).joined(separator: " "))
      }
    }
    try output.deliver(report, cpus: [0, 1])
  }

  private func result(_ name: String, _ trials: [WireLab.Trial]) -> BenchmarkReport.Result {
    let rates = trials.map { $0.rate / 1e6 }
    let cycles = trials.compactMap(\.cyclesPerPacket)
    var result = BenchmarkReport.Result(
      name: name, set: "veth", cyclesPerPacket: cycles.isEmpty ? nil : cycles.median.short, mpps: rates.median.short,
      packets: trials.reduce(0) { $0 + $1.packets }, repeats: trials.count,
      min: ((cycles.isEmpty ? rates : cycles).min() ?? .nan).short,
      max: ((cycles.isEmpty ? rates : cycles).max() ?? .nan).short)
    (result.driver, result.mode) = ("veth", "copy")
    (result.subject, result.frameBytes, result.frameIncludesFCS) = (name, size, false)
    result.trials = trials.map {
      BenchmarkReport.Trial(
        seconds: $0.seconds.short, packets: $0.packets, mpps: ($0.rate / 1e6).short,
        cyclesPerPacket: $0.cyclesPerPacket?.short)
    }
    return result
  }
}

/// Generator ── veth ── device under test ── veth ── far end, each in a namespace of its own; made anew for every trial.
struct WireLab {
  enum Job: String, CaseIterable {
    case drop, forward

    var testpmdMode: String { self == .drop ? "rxonly" : "io" }
    var devices: [String] { self == .drop ? ["a0"] : ["a0", "b0"] }
  }

  enum Device: Equatable {
    case engine, testpmd
    /// The engine, with a verdict on the generator's source address that its XDP program carries out; with or without punt.
    case verdict(punts: Bool)
    /// A program that counts and drops, and nothing else.
    case kernelDrop
  }

  struct Trial {
    let packets: Int
    let seconds: Double
    /// TSC cycles a packet of turns that found packets; nil for a peer, which does not tell.
    let cyclesPerPacket: Double?
    var rate: Double { Double(packets) / seconds }
  }

  private let size: Int
  private let fillLevel: Int
  private let sender: NetworkNamespace
  private let device: NetworkNamespace
  private let receiver: NetworkNamespace
  private let near: VethPair
  private let far: VethPair

  init(size: Int, fillLevel: Int = 0) throws {
    self.size = size
    self.fillLevel = fillLevel
    sender = try NetworkNamespace("sender")
    device = try NetworkNamespace("device")
    receiver = try NetworkNamespace("receiver")
    near = try VethPair(VethEnd("l0", in: sender, gro: true), VethEnd("a0", in: device))
    far = try VethPair(VethEnd("r0", in: receiver, gro: true), VethEnd("b0", in: device))
  }

  /// One trial: device up, generator up, half a second to settle, then the counting.
  func measure(_ which: Device, _ job: Job, seconds: Double) throws -> Trial {
    switch which {
    case .engine, .verdict:
      let engine = try startEngine(job, which)
      defer { engine.stop() }
      let before = try engine.counters.snapshot()
      let trial = try count(job, seconds)
      let after = try engine.counters.snapshot()
      let packets = after.total(.receivedPackets) - before.total(.receivedPackets)
      let ticks = after.total(.busyTicks) - before.total(.busyTicks)
      return Trial(
        packets: trial.packets, seconds: trial.seconds,
        cyclesPerPacket: packets > 0 ? Double(ticks) / Double(packets) : nil)
    case .kernelDrop:
      let program = try DropCounter(in: device, device: "a0")
      defer { withExtendedLifetime(program) {} }
      let trial = try count(job, seconds)
      return Trial(packets: trial.packets, seconds: trial.seconds, cyclesPerPacket: nil)
    case .testpmd:
      let peer = try device.start(Self.testpmdCommand(job))
      defer { peer.kill() }
      guard peer.waitForOutput("Port statistics", timeout: .seconds(20)) || peer.isRunning else {
        throw XSKError(
          "dpdk-testpmd", "ended at once: \(peer.errors.suffix(300))",
          remedy: "apt-get install dpdk-dev, and run as root")
      }
      usleep(1_000_000)
      let trial = try count(job, seconds)
      return Trial(packets: trial.packets, seconds: trial.seconds, cyclesPerPacket: nil)
    }
  }

  private func startEngine(_ job: Job, _ which: Device) throws -> Engine {
    let punt = which == .verdict(punts: true) ? PuntConfiguration.host : .none
    var configuration = EngineConfiguration(ports: job.devices.map { PortConfiguration($0, punt: punt) })
    if which != .engine { configuration.offload = OffloadConfiguration() }
    configuration.cores = [1]
    // What the kernel decides reaches no worker: one that spins would only take time from the others' CPU.
    configuration.worker.idle = which == .engine ? .spin : .sleep
    configuration.worker.fillLevel = fillLevel
    let made = configuration
    let engine = try device.run {
      switch job {
      case .drop: try Engine.start(made) { _ in DropHandler() }
      case .forward: try Engine.start(made) { _ in ForwardHandler() }
      }
    }
    guard let verdicts = engine.verdicts, let source = NetworkAddress(Self.source) else { return engine }
    let outcome = verdicts.install(
      .source(source, port: 0), job == .drop ? .drop(.policy) : .redirect(to: 1), lifetime: .seconds(3600))
    guard outcome == .installed else {
      engine.stop()
      throw XSKError("verdict on \(source)", "\(outcome)", remedy: "see: xskfwd doctor")
    }
    return engine
  }

  private static let source = "198.51.100.1"

  /// What the far side's own counters say over `seconds`: for drop what the device took off its queue, for forward what
  /// arrived behind it.
  private func count(_ job: Job, _ seconds: Double) throws -> (packets: Int, seconds: Double) {
    let template = FrameTemplate(
      sourceAddress: LinkAddress(number: 0x0200_0000_0001), destinationAddress: LinkAddress(number: 0x0200_0000_0002),
      source: Self.source, destination: "203.0.113.1")
    let generator = try LiveFrameGenerator(
      in: sender, device: "l0",
      .init(frame: try template.frame(size: size), duration: .milliseconds(Int(seconds * 1000) + 1500), cpu: 0))
    usleep(500_000)
    let before = try arrived(job)
    let start = TimestampClock.monotonicNanoseconds
    usleep(UInt32(seconds * 1e6))
    let after = try arrived(job)
    let elapsed = Double(TimestampClock.monotonicNanoseconds - start) / 1e9
    _ = try generator.stop()
    return (Int(after - before), elapsed)
  }

  private func arrived(_ job: Job) throws -> UInt64 {
    switch job {
    case .drop:
      let counters = try near.right.counters()
      return counters.receivedPackets - counters.receiveDropped
    case .forward:
      return try far.left.counters().receivedPackets
    }
  }

  static func testpmdCommand(_ job: Job) -> [String] {
    let devices = job.devices.enumerated().flatMap { ["--vdev", "net_af_xdp\($0),iface=\($1)"] }
    return ["dpdk-testpmd", "-l", "0,1", "--no-huge", "-m", "512", "--no-pci", "--no-telemetry"] + devices
      + [
        "--", "--forward-mode=\(job.testpmdMode)", "--nb-cores=1", "--burst=64", "--total-num-mbufs=32768",
        "--auto-start", "--stats-period=100",
      ]
  }
}
