import Forwarder
import Glibc
import XSKEngine
import XSKLab

/// Sender ── veth ── engine with a pipeline ── veth ── receiver, whose devices come and go.
final class VethSoak {
  private var dice: SeededNumbers
  private let sender: NetworkNamespace
  private let middle: NetworkNamespace
  private let receiver: NetworkNamespace
  private let pipeline: Pipeline
  private let engine: Engine
  private var generator: LiveFrameGenerator?

  init(seed: UInt64) throws {
    dice = SeededNumbers(seed: seed)
    sender = try NetworkNamespace("sender")
    middle = try NetworkNamespace("device")
    receiver = try NetworkNamespace("receiver")
    try Self.connect(sender, "l0", middle, "a0")
    try Self.connect(receiver, "r0", middle, "b0")
    var configuration = EngineConfiguration(ports: [PortConfiguration("a0"), PortConfiguration("b0")])
    configuration.localPort = "local"
    configuration.reasonNames = SoakPolicy.reasonNames
    configuration.worker.idle = .sleep
    let made = configuration
    let pipeline = Pipeline(try SoakPolicy.make(0, routes: false, devices: ["a0", "b0"]))
    self.pipeline = pipeline
    engine = try middle.run {
      try Engine.start(made) { placement throws(XSKError) in try pipeline.handler(for: placement) }
    }
  }

  private static func connect(
    _ end: NetworkNamespace, _ name: String, _ middle: NetworkNamespace, _ device: String
  ) throws(XSKError) {
    _ = try VethPair(VethEnd(name, in: end, gro: true), VethEnd(device, in: middle))
  }

  func run(seconds: Double, _ tally: inout SoakTally) throws {
    defer { engine.stop() }
    let end = TimestampClock.monotonicNanoseconds + UInt64(seconds * 1e9)
    try generate()
    try awaitPassage("at the start")
    repeat {
      try fault(&tally)
      try check(tally)
    } while TimestampClock.monotonicNanoseconds < end
    _ = try? generator?.stop()
    generator = nil
    guard let last = engine.stop() else { throw SoakFault("veth", "the engine's counters were lost") }
    try SoakFault.check("veth", last)
    tally.vethPackets += Int(last.total(.receivedPackets))
  }

  /// Traffic of a kind that the dice choose, until it is ended.
  private func generate() throws {
    _ = try? generator?.stop()
    let template = FrameTemplate(
      sourceAddress: LinkAddress(number: 0x0200_0000_0001), destinationAddress: LinkAddress(number: 0x0200_0000_0002),
      source: "198.18.0.1", destination: "203.0.113.1", transport: dice.next() % 2 == 0 ? .tcp : .udp)
    let size = [64, 128, 576, 1514][Int(dice.next() % 4)]
    generator = try LiveFrameGenerator(
      in: sender, device: "l0",
      .init(
        frame: try template.frame(size: size), flows: [1, 16, 1000][Int(dice.next() % 3)], duration: .seconds(3600),
        rate: 60_000, batch: 16))
  }

  private func fault(_ tally: inout SoakTally) throws {
    switch dice.next() % 6 {
    case 0:
      tally.note("links down")
      let side = dice.next() % 2 == 0
      try (side ? middle : receiver).setUp(side ? "a0" : "r0", false)
      usleep(UInt32(50_000 + dice.next() % 150_000))
      try (side ? middle : receiver).setUp(side ? "a0" : "r0", true)
      // A generator that finds nobody to take its frames gives up.
      if side { try generate() }
      try awaitPassage("after a link was down")
    case 1:
      tally.note("devices deleted")
      let side = dice.next() % 2 == 0
      _ = side ? try? generator?.stop() : nil
      try (side ? sender : receiver).delete(side ? "l0" : "r0")
      usleep(UInt32(100_000 + dice.next() % 200_000))
      try side ? Self.connect(sender, "l0", middle, "a0") : Self.connect(receiver, "r0", middle, "b0")
      if side { try generate() }
      try awaitPassage("after a device was deleted and made anew")
    case 2, 3:
      let outcome = try pipeline.replace(
        with: try SoakPolicy.make(Int(dice.next() % 1000), routes: dice.next() % 2 == 0, devices: ["a0", "b0"]),
        within: 20, wake: engine.wakeWorkers)
      guard outcome.silentWorkers.isEmpty else {
        throw SoakFault("veth", "worker \(outcome.silentWorkers) has not taken a new policy in 20 s")
      }
      tally.reloads += 1
      try awaitPassage("after a new policy")
    case 4:
      try capture(&tally)
    default:
      tally.note("changes of traffic")
      try generate()
      try awaitPassage("after a change of traffic")
    }
  }

  /// A capture whose packets must be what is sent, within 20 s.
  private func capture(_ tally: inout SoakTally) throws {
    var selection = CaptureSelection()
    selection.count = 200
    selection.oneIn = 1 + UInt32(dice.next() % 20)
    let session = try engine.startCapture(selection)
    defer { session.end() }
    var taken = 0
    let isComplete = wait(seconds: 20) {
      taken += session.read { _, bytes in _ = bytes.byteCount }
      return session.isComplete
    }
    guard isComplete else { throw SoakFault("veth", "a capture has only \(taken) of 200 packets after 20 s") }
    tally.captured += taken
    session.end()
    guard wait(seconds: 20, until: { session.isReleased }) else {
      throw SoakFault("veth", "workers still record for a capture that ended 20 s ago")
    }
  }

  /// Packets get through to the receiver within 20 s.
  private func awaitPassage(_ when: String) throws {
    let before = try receiver.link("r0").counters.receivedPackets
    let passes = wait(seconds: 20) { ((try? receiver.link("r0").counters.receivedPackets) ?? 0) > before + 100 }
    guard passes else {
      throw SoakFault(
        "veth", "no packets got through in 20 s \(when): \(engine.messages.suffix(4).joined(separator: "; "))")
    }
  }

  private func check(_ tally: SoakTally) throws {
    let snapshot = try engine.snapshot()
    let violations = snapshot.total(.ledgerViolations)
    guard violations == 0 else {
      throw SoakFault("veth", "frames or packets did not add up at \(violations) of the workers' own checks")
    }
  }

  private func wait(seconds: Double, until isTrue: () -> Bool) -> Bool {
    let end = TimestampClock.monotonicNanoseconds + UInt64(seconds * 1e9)
    while !isTrue() {
      guard TimestampClock.monotonicNanoseconds < end else { return false }
      usleep(10_000)
    }
    return true
  }
}
