import ArgumentParser
import Forwarder
import FoundationEssentials
import Glibc
import Measuring
import XSKEngine
import XSKLab

/// iperf3 into a stack behind the engine, with GRO and without in turn: what coalescing is worth to a host.
struct HostBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "host",
    abstract: "iperf3's TCP through the engine into a host's stack, with GRO and without in the same run.",
    discussion: """
      Needs root, iperf3 and two CPUs: the engine has CPU 1, both ends of iperf3 CPU 0. The sender's offloads are off. The \
      lab vanishes with the program.
      """)

  @Option(help: "Pairs of trials, with GRO and without in turn, 1…100.") var pairs = 5
  @Option(help: "Seconds that each trial lasts, 1…600.") var seconds = 3
  @Option(help: "Packets that one burst may take, 1…1024.") var batch = 64
  // Not --version: that is the program's own.
  @Option(name: .customLong("ip"), help: "IP version, 4 or 6.") var version = 4
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (1...100).contains(pairs) else { throw ValidationError("--pairs \(pairs): out of range; give 1 to 100") }
    guard (1...600).contains(seconds) else {
      throw ValidationError("--seconds \(seconds): out of range; give 1 to 600")
    }
    guard (1...1024).contains(batch) else { throw ValidationError("--batch \(batch): out of range; give 1 to 1024") }
    guard version == 4 || version == 6 else { throw ValidationError("--ip \(version): give 4 or 6") }
  }

  func run() throws {
    try Processors.require(2, for: "sender and engine need")
    var report = BenchmarkReport(
      command: "host --pairs \(pairs) --seconds \(seconds) --batch \(batch) --ip \(version)")
    var (with, without): ([HostLab.Trial], [HostLab.Trial]) = ([], [])
    for pair in 1...pairs {
      complain("pair \(pair) of \(pairs)")
      with.append(try HostLab(batch: batch).measure(coalesces: true, seconds: seconds, version: version))
      without.append(try HostLab(batch: batch).measure(coalesces: false, seconds: seconds, version: version))
    }
    report.results = [result("up, GRO on", with), result("up, GRO off", without)]
    let ratios = zip(with, without).map { $0.bits / $1.bits }
    report.ratios = [
      BenchmarkReport.Ratio(name: "GRO on / off, bits a second", of: ratios)
    ]
    report.peers = [HostLab.clientCommand(version, seconds).joined(separator: " ")]
    try output.deliver(report, cpus: [0, 1])
  }

  private func result(_ name: String, _ trials: [HostLab.Trial]) -> BenchmarkReport.Result {
    let bits = trials.map { $0.bits / 1e9 }
    let rates = trials.map { $0.packetRate / 1e6 }
    let cycles = trials.map(\.cyclesPerPacket)
    var result = BenchmarkReport.Result(
      name: name, set: "veth", cyclesPerPacket: cycles.median.short,
      mpps: rates.median.short, packets: trials.reduce(0) { $0 + $1.packets }, repeats: trials.count,
      min: (cycles.min() ?? .nan).short, max: (cycles.max() ?? .nan).short)
    result.gigabits = bits.median.short
    (result.driver, result.mode) = ("veth", "copy")
    result.trials = trials.map {
      var trial = BenchmarkReport.Trial(
        seconds: Double(seconds), packets: $0.packets, mpps: ($0.packetRate / 1e6).short,
        cyclesPerPacket: $0.cyclesPerPacket.short)
      trial.gigabits = ($0.bits / 1e9).short
      return trial
    }
    return result
  }
}

/// Sender ── veth ── engine ── TAP device ── receiver's stack; made anew for every trial.
struct HostLab {
  struct Trial {
    /// Payload bits a second, by iperf3's receiver.
    let bits: Double
    /// Packets that the engine delivered, and how many a second.
    let packets: Int
    let packetRate: Double
    /// TSC cycles a packet of turns that found packets: the engine's and, since a write to the TAP device runs the stack,
    /// the stack's.
    let cyclesPerPacket: Double
  }

  /// The part of iperf3's report that matters here.
  private struct Report: Decodable {
    struct Sum: Decodable { var bitsPerSecond: Double }
    struct End: Decodable { var sumReceived: Sum }
    var end: End
  }

  private let batch: Int
  private let sender: NetworkNamespace
  private let host: NetworkNamespace

  init(batch: Int) throws {
    self.batch = batch
    sender = try NetworkNamespace("sender")
    host = try NetworkNamespace("host")
    _ = try VethPair(
      VethEnd("l0", in: sender, addresses: ["10.7.0.1/24", "fd07::1/64"]),
      VethEnd("h0", in: host, address: "02:00:00:00:07:02"))
  }

  static func clientCommand(_ version: Int, _ seconds: Int) -> [String] {
    ["iperf3", "-c", version == 4 ? "10.7.0.2" : "fd07::2", "-t", "\(seconds)", "-A", "0,0", "-J"]
  }

  func measure(coalesces: Bool, seconds: Int, version: Int) throws -> Trial {
    let tap = try host.run { try TapDevice("tap0", address: [2, 0, 0, 0, 7, 2], mtu: 1500) }
    defer { tap.close() }
    for words in [["10.7.0.2/24"], ["fd07::2/64", "nodad"]] {
      try expectSuccess(host.run(["ip", "addr", "add", words[0], "dev", "tap0"] + words.dropFirst()), "ip")
    }
    let engine = try startEngine(tap, coalesces)
    defer { engine.stop() }
    let server = try host.start(["iperf3", "-s", "-1", "--forceflush"])
    guard server.waitForOutput("Server listening", timeout: .seconds(10)) else {
      throw XSKError("iperf3", "does not listen: \(server.errors.suffix(300))", remedy: "apt-get install iperf3")
    }
    let before = try engine.counters.snapshot()
    let client = try sender.run(Self.clientCommand(version, seconds), timeout: .seconds(seconds + 20))
    let after = try engine.counters.snapshot()
    try expectSuccess(client, "iperf3")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let report = try decoder.decode(Report.self, from: Data(client.output.utf8))
    let packets = after.total(.deliveredPackets) - before.total(.deliveredPackets)
    let ticks = after.total(.busyTicks) - before.total(.busyTicks)
    return Trial(
      bits: report.end.sumReceived.bitsPerSecond, packets: Int(packets),
      packetRate: Double(packets) / Double(seconds), cyclesPerPacket: Double(ticks) / Double(max(1, packets)))
  }

  private func startEngine(_ tap: TapDevice, _ coalesces: Bool) throws -> Engine {
    var configuration = EngineConfiguration(ports: [PortConfiguration("h0")])
    configuration.cores = [1]
    configuration.worker.batch = batch
    configuration.localPort = "tap0"
    let (made, batch) = (configuration, batch)
    return try host.run {
      try Engine.start(made) { placement throws(XSKError) in
        try HostHandler(try tap.queue(placement.worker), coalesces: coalesces, batch: batch)
      }
    }
  }

  private func expectSuccess(_ result: CommandResult, _ program: String) throws(XSKError) {
    guard !result.succeeded else { return }
    throw XSKError(
      program, "failed: \((result.errors + result.output).suffix(300))", remedy: "run it by hand to see more")
  }
}
