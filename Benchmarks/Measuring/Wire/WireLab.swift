import Forwarder
import Glibc
import XSKEngine
import XSKLab

/// Where the lab's threads run.
public struct WirePlacement: Hashable, Sendable {
  /// The generator's, and with it the kernel's receiving half of the device under test: a veth's far end runs where its near end
  /// sends.
  public var generator: Int
  /// The device under test's.
  public var device: Int

  /// Keeps the calling thread off the generator's CPU.
  ///
  /// - Throws: without two CPUs, or if the process may not run on those named.
  public init(generator: Int? = nil, device: Int? = nil) throws(XSKError) {
    try Processors.require(2, for: "generator and device under test need")
    let deviceCPU = try Processors.choose(device, option: "--device-cpu")
    let others = Processors.allowed.filter { $0 != deviceCPU }
    let generatorCPU = try Processors.choose(generator ?? others.first, option: "--generator-cpu")
    guard generatorCPU != deviceCPU else {
      throw XSKError("CPU \(deviceCPU)", "is the generator's and the device's", remedy: "give each one of its own")
    }
    (self.generator, self.device) = (generatorCPU, deviceCPU)
    Processors.avoid(generatorCPU)
  }
}

/// Generator ── veth ── device under test ── veth ── far end, each in a namespace of its own. It vanishes with this value, and
/// with the process in whatever way that ends.
public final class WireLab {
  public let placement: WirePlacement
  let sender: NetworkNamespace
  let device: NetworkNamespace
  let receiver: NetworkNamespace
  let near: VethPair
  let far: VethPair

  static let source = "198.51.100.1"
  static let destination = "203.0.113.1"
  /// The ports' MAC addresses, and one that nobody has: whoever counts drops frames for it early.
  static let senderAddress: LinkAddress = "02:00:00:00:00:01"
  static let portAddress: LinkAddress = "02:00:00:00:00:02"
  static let targetAddress: LinkAddress = "02:00:00:00:00:99"

  /// - Parameters:
  ///   - kind: what is going to be tested.
  ///   - isJoined: both ends are in one namespace, so that one tester can have them both.
  public init(for kind: DeviceKind, placement: WirePlacement, isJoined: Bool = false) throws(XSKError) {
    self.placement = placement
    sender = try NetworkNamespace("sender")
    device = try NetworkNamespace("device")
    receiver = isJoined ? sender : try NetworkNamespace("receiver")
    near = try VethPair(
      VethEnd("l0", in: sender, address: Self.senderAddress, gro: true),
      VethEnd("a0", in: device, address: Self.portAddress, gro: kind.needsGRO))
    far = try VethPair(VethEnd("r0", in: receiver, gro: true), VethEnd("b0", in: device))
  }

  /// What the frames are like: UDP over IPv4, as long as headers and probe or longer.
  public static func template(for kind: DeviceKind) -> FrameTemplate {
    FrameTemplate(
      sourceAddress: senderAddress, destinationAddress: kind == .bridge ? targetAddress : portAddress, source: source,
      destination: destination)
  }

  /// Frames counted so far where the job says. What a full ring lost is not among them.
  public func counted(_ job: WireJob) throws(XSKError) -> UInt64 {
    switch job {
    case .drop:
      let counters = try near.right.counters()
      return counters.receivedPackets &- counters.receiveDropped
    case .forward: return try far.left.counters().receivedPackets
    case .reflect: return try near.left.counters().receivedPackets
    }
  }

  /// Frames that a queue had no room for so far: that of the device's port, and that of the far end.
  func dropped(_ job: WireJob) throws(XSKError) -> (port: UInt64, far: UInt64) {
    let port = try near.right.counters().receiveDropped
    switch job {
    case .drop: return (port, 0)
    case .forward: return (port, try far.left.counters().receiveDropped)
    case .reflect: return (port, try near.left.counters().receiveDropped)
    }
  }

  /// Starts a device under test and waits until it has its ports.
  func start(_ kind: DeviceKind, signals: StopSignals) throws -> RunningDevice {
    switch kind {
    case .ours(let mode):
      return try startCommand(DeviceCommands.ours(mode, cpu: placement.device), hasCounters: true, signals)
    case .testpmd(let mode):
      let words = DeviceCommands.testpmd(mode, cpu: placement.device, main: placement.generator)
      return try startCommand(words, hasCounters: false, signals)
    case .command(let words, _): return try startCommand(words, hasCounters: false, signals)
    case .xdpDrop:
      let program = try DropCounter(in: device, device: "a0")
      return RunningDevice(command: "an XDP program that counts and drops, native, on a0", attached: [program])
    case .xdpRedirect:
      let program = try KernelRedirector(in: device, from: "a0", to: "b0")
      return RunningDevice(command: "an XDP program that redirects to b0, native, on a0", attached: [program])
    case .bridge: return try configure(DeviceCommands.bridge(target: "\(Self.targetAddress)"))
    case .kernelRoute: return try configure(DeviceCommands.route(target: "\(Self.targetAddress)"))
    case .verdict(let punts, let job): return RunningDevice(command: "", engine: try startVerdict(job, punts: punts))
    }
  }

  private func startCommand(
    _ words: [String], hasCounters: Bool, _ signals: StopSignals
  ) throws -> RunningDevice {
    let process: ChildProcess
    do throws(XSKError) {
      process = try device.start(words)
    } catch {
      guard words.first == "dpdk-testpmd", error.code == ENOENT else { throw error }
      throw XSKError("dpdk-testpmd", "no such program", remedy: "apt-get install dpdk-dev, or choose another --peer")
    }
    let command = words.joined(separator: " ")
    let running = RunningDevice(command: command, process: process, cpu: placement.device)
    // Its program on a0 is what every AF_XDP device under test has in common once it takes packets.
    let deadline = TimestampClock.monotonicNanoseconds + 20_000_000_000
    while try device.run({ try NetworkDevice(named: "a0").program == nil }) {
      try running.check()
      guard TimestampClock.monotonicNanoseconds < deadline else {
        throw XSKError(
          words.first ?? "", "has not attached to a0 within 20 s: \(process.errors.suffix(300))",
          remedy: "run its command by hand: \(command)")
      }
      try signals.pause(0.05)
    }
    try signals.pause(0.3)
    if hasCounters {
      running.reader = try CounterPageReader(path: CounterPageDirectory.standard.file(of: process.pid))
    }
    return running
  }

  private func configure(_ commands: [[String]]) throws(XSKError) -> RunningDevice {
    for command in commands {
      let result = try device.run(command)
      guard result.succeeded else {
        throw XSKError(
          command.joined(separator: " "), "failed: \(result.errors.split(separator: "\n").first ?? "")",
          remedy: "use a kernel that has this, and iproute2")
      }
    }
    return RunningDevice(command: commands.map { $0.joined(separator: " ") }.joined(separator: "; "))
  }

  private func startVerdict(_ job: WireJob, punts: Bool) throws -> Engine {
    let devices = job == .drop ? ["a0"] : ["a0", "b0"]
    let punt = punts ? PuntConfiguration.host : .none
    var configuration = EngineConfiguration(ports: devices.map { PortConfiguration($0, punt: punt) })
    configuration.offload = OffloadConfiguration()
    configuration.cores = [placement.device]
    // What the kernel decides reaches no worker: one that spins would only take time from the others' CPU.
    configuration.worker.idle = .sleep
    let made = configuration
    let engine = try device.run {
      try job == .drop ? Engine.start(made) { _ in DropHandler() } : Engine.start(made) { _ in ForwardHandler() }
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
}
