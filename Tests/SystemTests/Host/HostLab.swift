import Forwarder
import Testing
import XSKLab

@testable import XSKEngine

/// A host whose stack is behind the engine, and its neighbour:
///
///     left ── l0 ═ h0 ── engine ── tap0 ── stack of host
///
/// The neighbour is 10.7.0.1 and fd07::1, the host 10.7.0.2 and fd07::2.
struct HostLab {
  let left: NetworkNamespace
  let host: NetworkNamespace
  let mtu: UInt32
  private let queues: UInt32
  private let keepsOffloads: Bool

  init(mtu: UInt32 = 1500, queues: UInt32 = 1, keepsOffloads: Bool = false) throws {
    left = try NetworkNamespace("left")
    host = try NetworkNamespace("host")
    (self.mtu, self.queues, self.keepsOffloads) = (mtu, queues, keepsOffloads)
    try connect()
  }

  /// Makes the cable (again).
  func connect() throws {
    _ = try VethPair(
      VethEnd(
        "l0", in: left, address: "02:00:00:00:07:01", addresses: ["10.7.0.1/24", "fd07::1/64"], rxQueues: queues,
        txQueues: queues, keepsOffloads: keepsOffloads),
      VethEnd("h0", in: host, address: "02:00:00:00:07:02", rxQueues: queues, txQueues: queues), mtu: mtu)
  }

  /// Makes tap0 with the host's addresses.
  func makeTap(offloads: TapOffloads = .all) throws -> TapDevice {
    let tap = try host.run {
      try TapDevice("tap0", address: [2, 0, 0, 0, 7, 2], mtu: Int(mtu), offloads: offloads)
    }
    try giveAddresses()
    return tap
  }

  func giveAddresses() throws {
    try ip("addr", "add", "10.7.0.2/24", "dev", "tap0")
    try ip("addr", "add", "fd07::2/64", "dev", "tap0", "nodad")
  }

  /// ip(8) in the host's namespace.
  func ip(_ words: String..., sourceLocation: SourceLocation = #_sourceLocation) throws {
    let result = try host.run(["ip"] + words)
    try #require(result.succeeded, "\(result.errors)", sourceLocation: sourceLocation)
  }

  var configuration: EngineConfiguration {
    var configuration = EngineConfiguration(ports: [PortConfiguration("h0")])
    configuration.socket.rings = RingSizes(receive: 2048, transmit: 2048)
    configuration.localPort = "tap0"
    configuration.reasonNames = DropReason.hostNames
    return configuration
  }

  func start(
    _ tap: TapDevice, coalesces: Bool = true, _ configuration: EngineConfiguration? = nil
  ) throws -> Engine {
    let configuration = configuration ?? self.configuration
    return try host.run {
      try Engine.start(configuration) { placement throws(XSKError) in
        try HostHandler(
          try tap.queue(placement.worker), coalesces: coalesces, batch: configuration.worker.batch)
      }
    }
  }

  /// Whether the host answers its neighbour.
  func isPassing(within limit: Duration = patience, payload: Int = 56) throws -> Bool {
    try eventually(limit) {
      try Ping.run(from: left, to: "10.7.0.2", count: 1, payload: payload, timeout: .milliseconds(200)).isComplete
    }
  }

  /// Whether the host's namespace has a device of that name.
  func has(_ device: String) throws -> Bool { try host.links().contains { $0.name == device } }
}
