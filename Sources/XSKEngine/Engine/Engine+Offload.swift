import Glibc
import Synchronization

extension Engine {
  /// The verdicts that the XDP programs carry out; nil unless `EngineConfiguration.offload` is set.
  public var verdicts: VerdictTable? { policy?.verdicts }

  /// What the XDP programs decided by themselves, so far; nil if neither punt nor offload is configured. Some hundred system
  /// calls.
  public var kernelCounters: KernelCounters? {
    policy?.counters(reasonNames.withLock { $0 }, portNames: ports.map { $0.isEmpty ? nil : $0.name })
  }

  /// The counters of workers and kernel at this moment.
  ///
  /// - Throws: if the counter page was damaged by another process.
  public func snapshot() throws(XSKError) -> CounterSnapshot {
    var snapshot = try counters.snapshot()
    snapshot.kernel = kernelCounters
    return snapshot
  }

  /// Lets packets be redirected to the devices that take them, and to no others; notes what changed. Again and again: a
  /// veth stops taking them when its peer loses its program and GRO.
  ///
  /// - Parameter isStart: whether every port that takes none is noted.
  func updateEgress(isStart: Bool = false) {
    guard let verdicts else { return }
    let states = ports.map(\.current)
    let isAllGeneric = states.allSatisfy { $0.program?.mode == .generic }
    for (port, state) in zip(ports, states) {
      let device = state.link == .gone || state.link == .empty ? nil : try? NetworkDevice(named: port.deviceName)
      let takes = device.map { $0.index == state.device.index && (isAllGeneric || $0.takesRedirected) } ?? false
      let egress = takes ? device : nil
      let change = egress.map { Egress(index: $0.index, longest: $0.longestRedirected) }
      let before = port.egress
      if isStart && change == nil && !port.isSpare { noteEgress(port) }
      guard change != before else { continue }
      let code = verdicts.setEgress(UInt8(port.index), ifindex: change?.index, longest: change?.longest ?? 0)
      // Refused only where the device went meanwhile, which the next look sees.
      port.setEgress(code == 0 ? change : nil)
      if !isStart && !port.isSpare && (before == nil) != (port.egress == nil) { noteEgress(port) }
    }
  }

  /// Says of a port whether it takes redirected packets.
  private func noteEgress(_ port: Port) {
    guard port.egress == nil else { return note("\(port.name): takes packets from the kernel's redirect again") }
    note(
      "\(port.name): takes no packets from the kernel's redirect, they go through the engine; on a veth the far end "
        + "needs an XDP program or GRO (ethtool -K DEVICE gro on)")
  }

  /// Carries workers' requests to the table, on a thread of its own, until the engine stops.
  func serveOffload() throws(XSKError) {
    guard let policy, let verdicts = policy.verdicts else { return }
    offloader.begin()
    do throws(XSKError) {
      try SystemThread.start("xsk-offload") { [self] in
        keepOffWorkerCores()
        var service = OffloadService(verdicts, policy.requests)
        while !offloader.isStopping { usleep(service.turn()) }
        offloader.end()
      }
    } catch {
      offloader.end()
      throw error
    }
  }
}

/// Takes requests and installs them, and clears away what is over.
struct OffloadService {
  /// Microseconds between two looks: while there is work, and after a while without any.
  static let shortRest: UInt32 = 1000
  static let longRest: UInt32 = 20_000
  /// How long requests are refused unseen after the table was full: doubling, in nanoseconds.
  static let firstPause: UInt64 = 50_000_000
  static let longestPause: UInt64 = 2_000_000_000
  static let sweepInterval: UInt64 = 500_000_000
  /// Requests of one worker in one turn, so that others get theirs.
  static let most = 4096

  private let table: VerdictTable
  private let requests: [OffloadRequests]
  private var rest = Self.shortRest
  private var pausedUntil: UInt64 = 0
  private var pause = Self.firstPause
  private var nextSweep: UInt64 = 0

  init(_ table: VerdictTable, _ requests: [OffloadRequests]) {
    self.table = table
    self.requests = requests
  }

  /// - Returns: how long to rest, in microseconds.
  mutating func turn(now: UInt64 = TimestampClock.monotonicNanoseconds) -> UInt32 {
    if now >= nextSweep {
      table.sweep()
      nextSweep = now + Self.sweepInterval
    }
    var taken = 0
    for ring in requests {
      for _ in 0..<Self.most {
        guard let request = ring.take() else { break }
        taken += 1
        serve(request, now)
      }
    }
    rest = taken > 0 ? Self.shortRest : min(rest * 2, Self.longRest)
    return rest
  }

  private mutating func serve(_ request: OffloadRequests.Request, _ now: UInt64) {
    guard now >= pausedUntil else { return table.refuseUnseen() }
    let outcome = table.install(
      request.key, request.verdict, lifetime: .milliseconds(Int64(request.milliseconds)),
      decidedIn: request.generation)
    switch outcome {
    case .full:
      pausedUntil = now + pause
      pause = min(pause * 2, Self.longestPause)
    case .installed: pause = Self.firstPause
    default: break
    }
  }
}

/// A device that redirected packets leave by.
struct Egress: Hashable, Sendable {
  let index: CInt
  /// Bytes of the longest frame, with the Ethernet header.
  let longest: Int
}

extension NetworkDevice {
  /// Whether other devices may redirect to it natively. A kernel that can't tell (before 6.3) is believed to.
  var takesRedirected: Bool { isUp && (xdp?.features.contains(.redirectTarget) ?? true) }

  /// xdp_ok_fwd_dev() of the kernel: MTU, Ethernet header, one VLAN tag.
  var longestRedirected: Int { mtu + 14 + 4 }
}
