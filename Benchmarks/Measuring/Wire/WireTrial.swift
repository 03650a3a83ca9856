import XSKEngine
import XSKLab

/// What a trial on the wire is to be like.
public struct WireLoad: Hashable, Sendable {
  public var size: SizeMix
  public var flows: UInt32 = 1
  /// Frames a second; nil: as many as go.
  public var rate: Double?
  /// Seconds that are counted.
  public var seconds: Double

  public init(size: SizeMix, seconds: Double, rate: Double? = nil, flows: UInt32 = 1) {
    (self.size, self.seconds, self.rate, self.flows) = (size, seconds, rate, flows)
  }
}

/// What one trial on the wire came to.
public struct WireTrial: Codable, Hashable, Sendable {
  /// Frames a second asked of the generator; null: as many as go.
  public var requestedRate: Double?
  /// Frames that the generator handed to its device while it was counted.
  public var offered: UInt64
  /// Frames counted behind the device under test, by the kernel.
  public var received: UInt64
  public var seconds: Double
  /// Processor time of the device under test's process a packet received, nanoseconds; null: it has no process.
  public var userNanoseconds: Double?
  public var systemNanoseconds: Double?
  /// TSC cycles a packet of turns that found packets; null for those that don't tell.
  public var cyclesPerPacket: Double?
  /// Share of the time in which the device's thread could have run and had no CPU; null: it has none, or that is not known.
  public var deviceWaited: Double?
  /// Share of the time that the harness itself took on a CPU.
  public var harness = 0.0

  public var rate: Double { Double(received) / seconds }
  public var offeredRate: Double { Double(offered) / seconds }

  enum CodingKeys: String, CodingKey {
    case offered, received, seconds, harness
    case deviceWaited = "device_waited"
    case requestedRate = "requested_per_second"
    case userNanoseconds = "user_ns_per_packet"
    case systemNanoseconds = "system_ns_per_packet"
    case cyclesPerPacket = "cycles_per_packet"
  }
}

extension WireLab {
  /// A trial in a lab made for it: device up, generator up, half a second to settle, then the counting.
  ///
  /// - Returns: the trial, the device's exact command, and its program's version if it tells one.
  public static func measure(
    _ kind: DeviceKind, _ load: WireLoad, placement: WirePlacement, signals: StopSignals
  ) throws -> (trial: WireTrial, command: String, version: (name: String, text: String)?) {
    let lab = try WireLab(for: kind, placement: placement)
    let device = try lab.start(kind, signals: signals)
    defer { device.stop() }
    let trial = try lab.measure(device, kind, load, signals)
    return (trial, device.command, device.version)
  }

  private func measure(
    _ device: RunningDevice, _ kind: DeviceKind, _ load: WireLoad, _ signals: StopSignals
  ) throws -> WireTrial {
    let generator = try startGenerator(kind, load, seconds: load.seconds + 1.5)
    defer { _ = try? generator.stop() }
    try signals.pause(0.5)
    try device.check()
    let used = device.sample()
    let own = Processors.threadSeconds
    let (sent, arrived, start) = (generator.sent, try counted(kind.job), TimestampClock.monotonicNanoseconds)
    try signals.pause(load.seconds)
    let (sentLater, arrivedLater) = (generator.sent, try counted(kind.job))
    let seconds = Double(TimestampClock.monotonicNanoseconds - start) / 1e9
    let harness = (Processors.threadSeconds - own) / seconds
    let usedLater = device.sample()
    try device.check()
    let received = arrivedLater &- arrived
    guard received > 0 else {
      throw XSKError(
        kind.name, "no frame came out of it in \(load.seconds) s", remedy: "run its command by hand: \(device.command)")
    }
    func perPacket(_ before: Double?, _ after: Double?) -> Double? {
      guard let before, let after else { return nil }
      return (after - before) * 1e9 / Double(received)
    }
    var cycles: Double?
    if let ticks = used.busyTicks, let later = usedLater.busyTicks, let packets = used.packets,
      let laterPackets = usedLater.packets, laterPackets > packets
    {
      cycles = Double(later &- ticks) / Double(laterPackets &- packets)
    }
    var trial = WireTrial(
      requestedRate: load.rate, offered: sentLater &- sent, received: received, seconds: seconds,
      userNanoseconds: perPacket(used.user, usedLater.user),
      systemNanoseconds: perPacket(used.system, usedLater.system), cyclesPerPacket: cycles)
    trial.harness = harness
    if let waited = used.waited, let later = usedLater.waited { trial.deviceWaited = (later - waited) / seconds }
    return trial
  }

  func startGenerator(_ kind: DeviceKind, _ load: WireLoad, seconds: Double) throws(XSKError) -> LiveFrameGenerator {
    let template = Self.template(for: kind)
    let frames = try load.size.parts.map { part throws(XSKError) in try template.frame(size: part.size) }
    var configuration = LiveFrameGenerator.Configuration(
      frame: frames[0], flows: load.flows, duration: .milliseconds(Int(seconds * 1000)), rate: load.rate,
      cpu: UInt32(placement.generator))
    configuration.frames = frames
    configuration.schedule = load.size.schedule
    configuration.goesFirst = true
    return try LiveFrameGenerator(in: sender, device: "l0", configuration)
  }

  /// What the generator can do when nothing but a program that drops is behind it: frames a second.
  public static func generatorAlone(
    _ load: WireLoad, placement: WirePlacement, signals: StopSignals
  ) throws -> Double {
    var load = load
    (load.seconds, load.rate) = (min(load.seconds, 1), nil)
    return try measure(.xdpDrop, load, placement: placement, signals: signals).trial.offeredRate
  }
}
