import Captures
public import Forwarder
public import Reporting
public import XSKEngine

/// A policy tried on a capture: its packets arrive on one of the policy's ports, and what leaves by any port can be written to
/// another capture. Nothing reaches a network.
///
/// Rate limits go by the capture's time. Packets that came within 50 µs of each other make a burst, as they would where a worker
/// sleeps in between.
public struct PolicyReplay: Sendable {
  /// The capture, pcap or pcapng; `-`: standard input.
  public var input: String
  /// Where frames go that leave by any port; nil: nowhere, `-`: standard output.
  public var output: String?
  /// The port that the packets arrive on, by its number.
  public var port = 0
  public var interruption: ReplayInterruption?
  public var tool = "swift-xsk"
  public var version = ""
  public var command: String

  private let policy: Policy

  public init(input: String, _ policy: Policy) {
    self.input = input
    self.policy = policy
    command = "replay \(input)"
  }

  /// What came of it.
  public struct Outcome: Sendable {
    public var summary: RunSummary
    public var counts: PipelineCounts
    /// What ended it before the capture's end: damage in the capture, or a file that could not be written.
    public var failure: XSKError?
    public var isInterrupted: Bool
  }

  /// Nanoseconds between the first and the last packet of a burst.
  private static let burstTime: Int64 = 50_000

  /// Replays it all.
  ///
  /// - Parameter began: called once nothing stands in the way any more, before the output loses its contents.
  /// - Throws: what stands in the way before anything was replayed or written.
  public func run(began: () throws(XSKError) -> Void = {}) throws(XSKError) -> Outcome {
    let cpu = CPUTimes.ofThisProcess
    var source = try CaptureSource(input)
    guard source.link.layer == .ethernet else {
      throw XSKError(
        source.name, "has no Ethernet frames, which a policy is for", remedy: "capture on an Ethernet interface")
    }
    var lab = try ReplayLab(policy, port: port, tool: tool, version: version, command: command)
    var file: OutputFile?
    if let output { file = try OutputFile(output, except: [(source.identity, "the capture that is read")]) }
    try began()
    if let file = file.take() { lab.writer = try CaptureWriter(file, link: source.link) }
    let start = ContinuousClock.now
    var failure: XSKError?
    var next: CaptureRecord?
    do throws(XSKError) {
      next = try source.next()
      while let first = next, !isInterrupted {
        try lab.arrive(source.bytes, first, isFirst: true)
        next = try source.next()
        while let record = next, lab.hasRoom, (0...Self.burstTime).contains(record.time(since: first.time)) {
          try lab.arrive(source.bytes, record, isFirst: false)
          next = try source.next()
        }
        try lab.turn()
      }
    } catch { failure = isInterrupted ? nil : error }
    do throws(XSKError) { try lab.finish() } catch { failure = failure ?? error }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let summary = RunSummary(try lab.counters.snapshot(), duration: seconds, cpu: CPUTimes.ofThisProcess - cpu)
    return Outcome(
      summary: summary, counts: lab.pipeline.counts, failure: failure, isInterrupted: isInterrupted && next != nil)
  }

  private var isInterrupted: Bool { interruption?.isRequested ?? false }
}

/// A policy's ports as simulated devices, and a worker on them.
private struct ReplayLab: ~Copyable {
  let pipeline: Pipeline
  let counters: CounterPage
  var writer: CaptureWriter?
  private var worker: Worker<CoalescingHandler<PipelineHandler>>
  private var nics: FixedArray<SimulatedNIC>
  private let port: Int
  private let batch: Int
  private var pending = 0
  private var time = CaptureRecord(length: 0)
  /// The first packet's time, and the ticks that stand for it.
  private var origin: (time: Int64, ticks: UInt64)?

  init(_ policy: Policy, port: Int, tool: String, version: String, command: String) throws(XSKError) {
    let configuration = policy.configuration
    self.port = port
    batch = configuration.engine.batch
    let ring = UInt32(max(64, 2 * batch)).roundedUpToPowerOfTwo
    let umem = try UMEM(simulated: UMEMConfiguration(frames: 8 * Int(ring), chunkSize: CaptureReplay.chunkSize))
    let rings = RingSizes(receive: ring, transmit: ring)
    var devices: [SimulatedDevice] = []
    for port in configuration.ports { devices.append(try SimulatedDevice(name: port.name, rings: rings)) }
    let names = try configuration.engineConfiguration().reasonNames
    let counters = try CounterPage(
      simulated: devices, localPort: "local", reasonNames: names, tool: tool, version: version, command: command)
    let parts = try WorkerParts(
      simulated: devices, hasLocalPort: true, umem: umem, counters: counters,
      configuration: WorkerConfiguration(batch: batch, idle: .spin, holdCapacity: 64 * (devices.count + 1)))
    let made = devices
    let nics = try FixedArray(count: devices.count) { port throws(XSKError) in
      SimulatedNIC(made[port], umem: umem, needsWakeup: false)
    }
    let pipeline = Pipeline(policy)
    let handler = try pipeline.handler(queues: devices.count + 1, isOffline: true)
    self.pipeline = pipeline
    self.counters = counters
    self.nics = nics
    worker = Worker(parts, handler: handler)
    worker.turn()
  }

  var hasRoom: Bool { pending < batch }

  /// A packet for the next turn.
  mutating func arrive(_ bytes: RawSpan, _ record: CaptureRecord, isFirst: Bool) throws(XSKError) {
    if isFirst { setTime(record) }
    guard nics[port].receive(bytes) else {
      throw XSKError("replay", "a packet found no frame", remedy: "please report this as a bug")
    }
    pending += 1
  }

  /// Moves the clock that rate limits go by to a packet's time; it never goes back.
  private mutating func setTime(_ record: CaptureRecord) {
    time = record
    let start = origin ?? (record.time, TimestampClock.now)
    origin = start
    let passed = UInt64(max(0, record.time(since: start.time)))
    let ticks = start.ticks &+ TimestampClock.shared.ticks(nanoseconds: passed)
    worker.handler.units.replayTime = max(worker.handler.units.replayTime, ticks)
  }

  /// Has what arrived carried out, and writes what leaves.
  mutating func turn() throws(XSKError) {
    worker.turn()
    worker.turn()  // Answers that the first has composed are transmitted, and frames come back.
    pending = 0
    try takeTransmitted()
  }

  mutating func finish() throws(XSKError) {
    worker.drain()
    worker.housekeeping()
    try takeTransmitted()
    try writer?.flush()
  }

  private mutating func takeTransmitted() throws(XSKError) {
    var frames: [[UInt8]] = []
    for port in 0..<nics.count {
      nics[port].transmit { bytes, _ in
        // Any bit pattern is a byte.
        if writer != nil { frames.append(unsafe bytes.withUnsafeBytes { unsafe Array($0) }) }
      }
    }
    for frame in frames {
      let record = CaptureRecord(
        seconds: time.seconds, nanoseconds: time.nanoseconds, length: UInt32(frame.count))
      try writer?.write(unsafe frame.span.bytes, record)
    }
  }
}

extension CaptureRecord {
  /// Nanoseconds of Unix time; wraps for dates that no clock has.
  fileprivate var time: Int64 { seconds &* 1_000_000_000 &+ Int64(nanoseconds) }

  /// Nanoseconds since another time, negative if that is later, and ten years at most: a capture may say anything.
  fileprivate func time(since other: Int64) -> Int64 {
    let (difference, isTooLarge) = time.subtractingReportingOverflow(other)
    let tenYears: Int64 = 315_360_000_000_000_000
    guard !isTooLarge else { return time > other ? tenYears : -1 }
    return min(difference, tenYears)
  }
}
