import ArgumentParser
import Glibc
import Measuring
import XSKEngine
import XSKLab

/// Sends traffic into an interface.
struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gen",
    abstract: "Send traffic into an interface: millions of frames a second from one CPU, numbered and timed.",
    discussion: """
      Sources: live, copies of a frame that an XDP program composes inside the kernel and redirects to the interface, the \
      fastest; xsk, the engine's own TX path over AF_XDP; capture, a file's frames over AF_XDP, with --capture. On a veth \
      live needs GRO or an XDP program at the far end.

      Each frame of live and xsk is a probe: it has a number and the time that it was composed, by which xskbench sink \
      finds loss, duplicates, order and delay. Exit status: 0 what was asked for was sent; 1 it was not reached; 2 wrong \
      use, or something that stands in the way. Needs root.
      """)

  enum Source: String, ExpressibleByArgument, CaseIterable { case live, xsk, capture }

  @Argument(help: "The interface.") var interface: String
  @Option(help: "live, xsk, or capture. Default: live, or capture with --capture.") var source: Source?
  @Option(help: ArgumentHelp("A capture to send again and again, with its own timing or --rate.", valueName: "file"))
  var capture: String?
  @Option(help: "A capture's timing: how many times as fast, 0.001…1000.") var speed = 1.0
  @OptionGroup var frames: FrameOptions
  @Option(help: "Frames a second, 1000 or more: 250k, 1.5M. Default: as many as go.") var rate: FrameRate?
  @Option(help: "Seconds to send, 0.1…86400.") var duration = 10.0
  @Option(help: "Frames to send; it ends when they are sent, or --duration is over.") var count: UInt64?
  @Option(help: "The CPU to run on. Default: the highest.") var cpu: Int?
  @Option(help: "Frames handed over at once, 1…256 (live). A frame waits for its batch: 1 for the smallest delay.")
  var batch: UInt32 = 64
  @Option(help: "The number that this run's probes carry, 0…65535. Default: any.") var stream: UInt16?
  @Flag(help: "Send frames that are no probes.") var noProbes = false
  @Option(
    help:
      "Every how many probes one has a time; 0: none. Default: 17, so that each place of a batch is met, or 1 with --rate."
  )
  var timeEvery: UInt16?
  @Flag(help: "Print one JSON object.") var json = false

  func validate() throws {
    guard (0.1...86_400).contains(duration) else {
      throw ValidationError("--duration \(duration): out of range; give 0.1 to 86400 seconds")
    }
    guard rate?.perSecond ?? 1000 >= 1000, rate?.perSecond ?? 0 <= 1e9 else {
      throw ValidationError("--rate \(rate?.perSecond ?? 0): out of range; give 1000 to 1000M frames a second")
    }
    guard 1...256 ~= batch else { throw ValidationError("--batch \(batch): out of range; give 1 to 256") }
    guard (0.001...1000).contains(speed) else {
      throw ValidationError("--speed \(speed): out of range; give 0.001 to 1000")
    }
    guard count ?? 1 > 0 else { throw ValidationError("--count 0: nothing to send; give 1 or more") }
    guard (kind == .capture) == (capture != nil) else {
      throw ValidationError("--source \(kind.rawValue): --capture FILE goes with --source capture, and only with that")
    }
  }

  private var kind: Source { source ?? (capture == nil ? .live : .capture) }

  func run() throws {
    let signals = StopSignals()
    let cpu = try Processors.choose(cpu)
    let device = try Link.named(interface)
    guard device.isUp else {
      throw XSKError(interface, "is down", remedy: "bring it up: ip link set dev \(interface) up")
    }
    var report = try kind == .live ? sendLive(device, cpu, signals) : sendXSK(device, cpu, signals)
    report.judge()
    print(json ? try report.json() : report.text)
    guard report.shortfall.isEmpty else { throw ExitCode(1) }
  }

  private var probe: ProbeStream? {
    noProbes
      ? nil : ProbeStream(number: stream ?? .random(in: 0...UInt16.max), timeEvery: timeEvery ?? (rate == nil ? 17 : 1))
  }

  private func sendLive(_ device: Link, _ cpu: Int, _ signals: StopSignals) throws -> GenerateReport {
    let probe = probe
    let made = try frames.frames(try frames.template(sourceAddress: device.address), probes: probe != nil)
    var configuration = LiveFrameGenerator.Configuration(
      frame: made[0], flows: frames.flows, packets: limit, duration: .milliseconds(Int(duration * 1000)),
      rate: rate?.perSecond, cpu: UInt32(cpu), batch: batch)
    configuration.frames = made
    configuration.schedule = frames.size.schedule
    configuration.probe = probe
    configuration.goesFirst = true
    let generator = try LiveFrameGenerator(in: nil, device: interface, configuration)
    var progress = Progress()
    while generator.isRunning {
      guard !signals.arrives(within: 0.05) else { break }
      try progress.tell(generator.sent)
      try checkDevice(device)
    }
    let result = try generator.stop()
    var report = report(
      cpu, probe, seconds: result.duration / .seconds(1), offered: result.packets, bytes: result.bytes)
    report.sent = amount(result.transmitted, report.seconds)
    report.dropped = result.transmitDropped
    return report
  }

  private func sendXSK(_ device: Link, _ cpu: Int, _ signals: StopSignals) throws -> GenerateReport {
    let probe = kind == .capture ? nil : probe
    var skipped: [String: Int] = [:]
    var plan = SendingPlan(frames: [], seconds: duration)
    if let capture {
      let file = try CaptureFrames(capture, longest: Int(device.mtu) + 14 + 4)
      plan.frames = file.frames
      plan.pace = file.pace(speed: speed)
      skipped = file.skipped
    } else {
      plan.frames = try frames.frames(try frames.template(sourceAddress: device.address), probes: probe != nil)
      plan.schedule = frames.size.schedule.map { Int($0) }
      plan.flows = frames.flows
      plan.probe = probe
    }
    if let rate { plan.pace = .rate(rate.perSecond) }
    plan.packets = limit
    var configuration = ProbeEngine.Configuration(devices: [interface])
    configuration.cpu = cpu
    configuration.plan = plan
    let engine = try ProbeEngine(configuration)
    let before = try Link.named(interface).counters
    var progress = Progress()
    var failure: (any Error)?
    try engine.send {
      do { try progress.tell(engine.progress.sent) } catch { failure = error }
      return failure == nil && !signals.arrives(within: 0)
    }
    let mode = engine.mode
    engine.engine.stop()
    let growth = try Link.named(interface).counters.since(before)
    var report = report(
      cpu, probe, seconds: engine.progress.sendingSeconds, offered: engine.progress.sent, bytes: engine.progress.bytes)
    report.sent = amount(growth.transmittedPackets, report.seconds)
    report.dropped = growth.transmitDropped
    (report.mode, report.skipped) = (mode, skipped)
    if kind == .capture { (report.size, report.flows) = ("the capture's", 1) }
    return report
  }

  /// What a rate and a duration come to, or as many as asked for.
  private var limit: UInt64? { count ?? rate.map { UInt64($0.perSecond * duration) } }

  private func report(
    _ cpu: Int, _ probe: ProbeStream?, seconds: Double, offered: UInt64, bytes: UInt64
  ) -> GenerateReport {
    GenerateReport(
      command: CommandLine.arguments.dropFirst().joined(separator: " "), interface: interface, source: kind.rawValue,
      cpu: cpu, size: frames.size.description, meanBytes: offered > 0 ? (Double(bytes) / Double(offered)).short : 0,
      flows: frames.flows, stream: probe?.number, seconds: seconds.short,
      requested: GenerateReport.Amount(frames: limit, rate: rate?.perSecond), offered: amount(offered, seconds),
      sent: amount(offered, seconds), dropped: 0, bytes: bytes, skipped: [:], shortfall: [])
  }

  private func amount(_ frames: UInt64, _ seconds: Double) -> GenerateReport.Amount {
    GenerateReport.Amount(frames: frames, rate: seconds > 0 ? (Double(frames) / seconds).short : 0)
  }

  /// - Throws: if the interface is gone: what is redirected to it vanishes without a word.
  private func checkDevice(_ device: Link) throws(XSKError) {
    guard let now = try? Link.named(interface), now.index == device.index else {
      throw XSKError(interface, "the interface is gone", remedy: "create it again, then start anew")
    }
    guard now.isUp else {
      throw XSKError(interface, "was taken down", remedy: "bring it up, then start anew")
    }
  }
}

/// A line a second on standard error.
struct Progress {
  private var last = TimestampClock.monotonicNanoseconds
  private var count: UInt64 = 0
  private let start = TimestampClock.monotonicNanoseconds

  mutating func tell(_ sent: UInt64, _ what: String = "frames offered") throws {
    let now = TimestampClock.monotonicNanoseconds
    guard now - last >= 1_000_000_000 else { return }
    let rate = Double(sent &- count) * 1e9 / Double(now - last)
    complain("\((Double(now - start) / 1e9).rounded()) s: \(FrameRate.text(rate)), \(sent) \(what)")
    (last, count) = (now, sent)
  }
}
