import Forwarder
import Testing
import XSKLab

@testable import XSKEngine

/// A `ForwardLab` whose engine has spare ports: what comes in on those goes back where it came from.
struct SpareLab {
  let lab: ForwardLab
  let engine: Engine

  /// Ports 0 and 1 are m0 and m1, spare ones follow.
  init(
    spares: Int = 4, isSilent: Bool = false, queues: UInt32 = 1, cores: [Int]? = nil,
    _ change: (inout EngineConfiguration) -> Void = { _ in }
  ) throws {
    lab = try ForwardLab(queues: queues, isSilent: isSilent)
    var configuration = lab.configuration
    configuration.cores = cores
    configuration.spares = SparePorts(count: spares)
    change(&configuration)
    let settings = configuration
    engine = try lab.middle.run { try Engine.start(settings) { _ in CableAndMirrors() } }
  }

  /// A cable from a namespace to a device of the middle.
  func connect(_ far: NetworkNamespace, _ name: String, queues: UInt32 = 1, mtu: UInt32 = 1500) throws {
    _ = try VethPair(
      VethEnd("eth0", in: far, rxQueues: queues, txQueues: queues, gro: true),
      VethEnd(name, in: lab.middle, rxQueues: queues, txQueues: queues), mtu: mtu)
  }

  func occupancy(_ port: Int) -> PortOccupancy { engine.portStatus[port].occupancy }

  /// Waits until a port is as it should be.
  func becomes(_ port: Int, _ wanted: PortOccupancy, within limit: Duration = patience) -> Bool {
    eventually(limit) { occupancy(port) == wanted }
  }

  /// Frames of a plugged device that come back to it, of `count`.
  func mirrored(_ far: NetworkNamespace, count: Int) throws -> Int {
    let end = try PacketSocket(in: far, device: "eth0")
    for number in 0..<count { try end.send(NumberedFrame.make(number)) }
    return try end.receive(count, timeout: .seconds(10)).count
  }
}

/// Ports 0 and 1 are a cable; others' packets go back.
struct CableAndMirrors: PacketHandler {
  mutating func handle(_ burst: inout Burst) {
    let port = burst.port
    for index in 0..<burst.count { burst[verdict: index] = port < 2 ? .forward(to: port ^ 1) : .reflect }
  }
}
