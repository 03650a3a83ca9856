import CXsk
import XSKEngine
import XSKLab

/// Trials of a search, between two interfaces: those of a wire lab of its own, or two that are there.
public final class WireTester: LoadTester {
  /// What the trials go through.
  public enum Subject: Hashable, Sendable {
    /// A device under test in a lab that is made for it.
    case lab(DeviceKind)
    /// Something between two interfaces of the calling thread's namespace, which this program does not know.
    case interfaces(InterfacePair)
  }

  private let subject: Subject
  private let placement: WirePlacement
  private let signals: StopSignals
  private let flows: UInt32
  private var lab: WireLab?
  private var device: RunningDevice?
  private var isPrepared = false
  /// While the generator last ran: processor time of the calling thread, and how long the device had to wait for its CPU, seconds.
  private var harness = 0.0
  private var waited: Double?
  /// What was odd about the interfaces before the first trial.
  public private(set) var notes: [String] = []

  public init(_ subject: Subject, placement: WirePlacement, flows: UInt32, signals: StopSignals) {
    self.subject = subject
    self.placement = placement
    self.flows = flows
    self.signals = signals
  }

  /// The exact command of the device under test, once there was a trial.
  public var command: String? { device?.command }

  /// Versions of the programs under test, by name, once there was a trial.
  public private(set) var versions: [String: String] = [:]

  /// Processor time and the like of the device so far.
  var sample: DeviceSample? { device?.sample() }

  private var job: WireJob {
    if case .lab(let kind) = subject { kind.job } else { .forward }
  }

  /// Lab and device are made with the first trial: a search that goes on from a file may need none.
  private func prepare() throws {
    if case .interfaces(let pair) = subject, !isPrepared {
      isPrepared = true
      return try prepare(pair)
    }
    guard case .lab(let kind) = subject, device == nil else { return }
    let made = try WireLab(for: kind, placement: placement, isJoined: true)
    lab = made
    device = try made.start(kind, signals: signals)
    if let version = device?.version { versions[version.name] = version.text }
    // The first frames find caches and tables empty.
    _ = try run(rate: 10_000, packets: 1000, seconds: 0.1, size: SizeMix(size: 60))
  }

  /// Sends a little, to see whether anything of it arrives, and that nothing else does.
  private func prepare(_ pair: InterfacePair) throws {
    for name in [pair.transmit, pair.receive] { _ = try Link.named(name) }
    try checkInterfaces()
    let before = try counted()
    try signals.pause(0.3)
    let foreign = try counted() &- before
    if foreign > 0 {
      notes.append(
        "\(foreign) frames arrived at \(pair.receive) in 0.3 s while none was sent: others send there, and are counted")
    }
    let start = try counted()
    let sent = try run(rate: 10_000, packets: 1000, seconds: 0.1, size: SizeMix(size: 60)).packets
    guard try settled() &- start == 0 else { return }
    throw XSKError(
      "\(pair.transmit) to \(pair.receive)", "none of \(sent) frames arrived",
      remedy:
        "check cables, and that what is between carries frames to \(template.destinationAddress) and packets from "
        + "\(pair.source) to \(pair.destination); --to-mac, --from and --to say others")
  }

  /// What the generator can do when nothing but a program that drops is behind it, frames a second.
  public func maximumLoad(size: SizeMix) throws -> Double {
    guard case .lab = subject else { return try measureOpen(size) }
    let load = WireLoad(size: size, seconds: 1, flows: flows)
    return try WireLab.generatorAlone(load, placement: placement, signals: signals)
  }

  /// Into whatever is there, since nothing else may be put in its place.
  private func measureOpen(_ size: SizeMix) throws -> Double {
    try prepare()
    let report = try run(rate: nil, packets: nil, seconds: 1, size: size)
    return Double(report.packets) / max(report.duration / .seconds(1), 1e-9)
  }

  public func trial(load: Double, seconds: Double, size: SizeMix) throws -> TrialOutcome {
    try prepare()
    let requested = UInt64((load * seconds).rounded())
    let before = try counted()
    let (dropped, steal) = (try dropped(), Processors.stealSeconds(placement.generator))
    let report = try run(rate: load, packets: requested, seconds: seconds, size: size)
    let stolen = Processors.stealSeconds(placement.generator) - steal
    var outcome = TrialOutcome(
      load: load, seconds: seconds, lasted: report.duration / .seconds(1), requested: requested, sent: report.packets,
      received: try settled() &- before)
    let droppedLater = try self.dropped()
    outcome.settle(
      window: Self.window(seconds), held: report.held / .seconds(1), others: report.waited / .seconds(1) + stolen)
    outcome.harness = harness
    outcome.deviceWaited = waited
    (outcome.portDropped, outcome.farDropped) = (droppedLater.port &- dropped.port, droppedLater.far &- dropped.far)
    return outcome
  }

  public func burst(frames: UInt64, size: SizeMix) throws -> TrialOutcome {
    try prepare()
    let before = try counted()
    let report = try run(rate: nil, packets: frames, seconds: 60, size: size)
    let received = try settled() &- before
    let lasted = report.duration / .seconds(1)
    return TrialOutcome(
      load: Double(frames) / max(lasted, 1e-9), seconds: lasted, lasted: lasted, requested: frames,
      sent: report.packets, received: received)
  }

  public func latency(load: Double, seconds: Double, size: SizeMix) throws -> LatencyOutcome {
    try prepare()
    let (transmit, receive) = ends
    guard job != .drop else {
      throw XSKError("latency", "nothing comes back from a device that drops", remedy: "test one that forwards")
    }
    let template = template
    var plan = SendingPlan(
      frames: try size.parts.map { try template.probeFrame(size: max($0.size, template.probeBytes)) }, seconds: seconds)
    plan.schedule = size.schedule.map { Int($0) }
    plan.flows = flows
    plan.probe = ProbeStream(number: .random(in: 0...UInt16.max))
    plan.pace = .rate(load)
    plan.packets = UInt64((load * seconds).rounded())
    var configuration = ProbeEngine.Configuration(devices: transmit == receive ? [transmit] : [transmit, receive])
    configuration.cpu = placement.generator
    configuration.plan = plan
    configuration.flows = flows
    configuration.stream = plan.probe?.number
    let engine = try startTester(configuration)
    defer { engine.engine.stop() }
    engine.progress.start()
    while !engine.progress.hasFinished {
      try signals.pause(0.02)
      try device?.check()
    }
    var last = engine.progress.report()
    // Until none has come for a tenth of a second, two seconds at most.
    for _ in 0..<20 {
      try signals.pause(0.1)
      let now = engine.progress.report()
      if now?.counts.received == last?.counts.received { break }
      last = now
    }
    guard let last else {
      throw XSKError("tester on CPU \(placement.generator)", "does not answer", remedy: "look for what else runs there")
    }
    return LatencyOutcome(
      load: load, seconds: seconds, sent: engine.progress.sent, counts: last.counts, latency: last.latency.summary)
  }

  public func recovery(overload: Double, load: Double, seconds: Double, size: SizeMix) throws -> RecoveryOutcome {
    try prepare()
    let counter = try quickCounter()
    let generator = try startGenerator(rate: overload, packets: nil, seconds: seconds * 2 + 1, window: nil, size: size)
    defer { _ = try? generator.stop() }
    try signals.pause(seconds)
    try generator.setRate(load)
    var watch = RecoveryWatch(start: TimestampClock.monotonicNanoseconds)
    while watch.elapsed < seconds {
      watch.add(sent: generator.sent, received: try counter())
      try signals.pause(0.001)
    }
    let report = try generator.stop()
    _ = try settled()
    return watch.outcome(before: overload, after: load, sent: report.packets, received: try counter())
  }

  /// Frames counted from now on, for who asks a thousand times a second.
  private func quickCounter() throws -> () throws -> UInt64 {
    guard let lab, job == .forward else {
      let before = try counted()
      return { [self] in try counted() &- before }
    }
    let counter = try DropCounter(in: lab.receiver, device: "r0")
    return { counter.count }
  }

  public func reset(load: Double, seconds: Double, size: SizeMix) throws -> RecoveryOutcome {
    try prepare()
    guard let lab, case .lab(let kind) = subject else {
      throw XSKError(
        "reset", "this program does not know how to reset what is between two interfaces", remedy: "leave it out")
    }
    let counter = try quickCounter()
    let generator = try startGenerator(rate: load, packets: nil, seconds: seconds * 2 + 30, window: nil, size: size)
    defer { _ = try? generator.stop() }
    try signals.pause(seconds)
    // As hard as it gets for a process; what is in the kernel is taken away.
    var watch = RecoveryWatch(start: TimestampClock.monotonicNanoseconds)
    watch.add(sent: generator.sent, received: try counter())
    device?.kill()
    device?.stop()
    device = nil
    device = try lab.start(kind, signals: signals)
    let end = watch.elapsed + seconds
    while watch.elapsed < end {
      watch.add(sent: generator.sent, received: try counter())
      try signals.pause(0.001)
    }
    let report = try generator.stop()
    _ = try settled()
    return watch.outcome(before: load, after: load, sent: report.packets, received: try counter())
  }

  // MARK: Ends

  private var ends: (transmit: String, receive: String) {
    switch subject {
    case .lab(let kind): ("l0", kind.job == .reflect ? "l0" : "r0")
    case .interfaces(let pair): (pair.transmit, pair.receive)
    }
  }

  private var template: FrameTemplate {
    switch subject {
    case .lab(let kind): WireLab.template(for: kind)
    case .interfaces(let pair):
      FrameTemplate(
        sourceAddress: (try? Link.named(pair.transmit).address) ?? WireLab.senderAddress,
        destinationAddress: pair.target ?? (try? Link.named(pair.receive).address) ?? WireLab.targetAddress,
        source: pair.source, destination: pair.destination)
    }
  }

  /// The tester's engine, made on a thread that is on its CPU: the calling thread keeps off that.
  private func startTester(_ configuration: ProbeEngine.Configuration) throws -> ProbeEngine {
    let cpu = UInt32(placement.generator)
    let make: @Sendable () -> Result<ProbeEngine, XSKError> = {
      _ = cxsk_thread_pin(cpu)
      return Result { () throws(XSKError) in try ProbeEngine(configuration) }
    }
    return try (lab?.sender.run { make() } ?? SystemThread.run("tester", make)).get()
  }

  private func counted() throws -> UInt64 {
    if let lab { return try lab.counted(job) }
    return try counters(ends.receive).receivedPackets
  }

  /// Frames that a queue had no room for: at the device's port, as far as it is known, and at the far end.
  private func dropped() throws(XSKError) -> (port: UInt64, far: UInt64) {
    if let lab { return try lab.dropped(job) }
    return (try counters(ends.transmit).transmitDropped, try counters(ends.receive).receiveDropped)
  }

  private func counters(_ name: String) throws(XSKError) -> LinkCounters {
    guard let link = try? Link.named(name) else { throw Self.gone(name) }
    return link.counters
  }

  private static func gone(_ name: String) -> XSKError {
    XSKError(name, "the interface is gone, or down", remedy: "bring it back, then start anew")
  }

  /// What was counted once no more comes: the same for a tenth of a second, two seconds at most.
  private func settled() throws -> UInt64 {
    var (last, same) = (try counted(), 0)
    for _ in 0..<100 {
      try signals.pause(0.02)
      let now = try counted()
      same = now == last ? same + 1 : 0
      last = now
      if same == 5 { break }
    }
    return last
  }

  // MARK: Generator

  /// What the generator is kept from sending it sends later: the load is what it was asked for whenever it sends. One that still is
  /// not ready long after its time can't send at that load.
  private static func window(_ seconds: Double) -> Double { seconds * 1.25 + 0.05 }

  private func run(
    rate: Double?, packets: UInt64?, seconds: Double, size: SizeMix
  ) throws -> LiveFrameGenerator.Report {
    let window = Self.window(seconds)
    let generator = try startGenerator(
      rate: rate, packets: packets, seconds: rate == nil && packets == nil ? seconds : window + 0.02,
      window: rate.map { _ in window }, size: size)
    let end = TimestampClock.monotonicNanoseconds + UInt64(rate == nil && packets != nil ? 0 : seconds * 1e9)
    // Not before: to make a generator takes time of the device's CPU, where there are but two.
    let (own, before) = (Processors.threadSeconds, device?.sample().waited)
    defer {
      harness = Processors.threadSeconds - own
      waited = before.flatMap { before in device?.sample().waited.map { $0 - before } }
    }
    while generator.isRunning {
      do {
        // Rarely, until it should be ready: each look takes time from the device's CPU where there are but two.
        let now = TimestampClock.monotonicNanoseconds
        try signals.pause(end > now ? min(0.25, Double(end - now) / 1e9 + 0.02) : 0.005)
        try device?.check()
        if lab == nil { try checkInterfaces() }
      } catch {
        _ = try? generator.stop()
        throw error
      }
    }
    return try generator.wait()
  }

  private func checkInterfaces() throws(XSKError) {
    for name in [ends.transmit, ends.receive] {
      guard let link = try? Link.named(name), link.isUp else { throw Self.gone(name) }
    }
  }

  private func startGenerator(
    rate: Double?, packets: UInt64?, seconds: Double, window: Double?, size: SizeMix
  ) throws -> LiveFrameGenerator {
    let template = template
    var configuration = LiveFrameGenerator.Configuration(
      frame: [], flows: flows, packets: packets, duration: .milliseconds(Int(seconds * 1000)), rate: rate,
      cpu: UInt32(placement.generator))
    configuration.frames = try size.parts.map { try template.frame(size: $0.size) }
    configuration.schedule = size.schedule
    configuration.window = window.map { .milliseconds(Int(($0 * 1000).rounded(.up))) }
    configuration.goesFirst = true
    return try LiveFrameGenerator(in: lab?.sender, device: ends.transmit, configuration)
  }
}
