import Forwarder
import Testing
import XSKEngine
import XSKLab

/// Two hosts and a machine between them that runs an engine:
///
///     left ── l0 ═ m0 ── middle (engine) ── m1 ═ r0 ── right
///
/// The hosts are in one IP network, as if the engine were a cable. Their Ethernet addresses are fixed: a recreated device
/// has its old one, so neighbours need no time to find out.
struct ForwardLab {
  let left: NetworkNamespace
  let middle: NetworkNamespace
  let right: NetworkNamespace
  var mtu: UInt32
  let queues: UInt32
  /// The hosts have no addresses, so nothing is sent that the test does not send.
  let isSilent: Bool

  init(mtu: UInt32 = 1500, queues: UInt32 = 1, isSilent: Bool = false) throws {
    left = try NetworkNamespace("left")
    middle = try NetworkNamespace("middle")
    right = try NetworkNamespace("right")
    self.mtu = mtu
    self.queues = queues
    self.isSilent = isSilent
    try connectLeft()
    try connectRight()
  }

  /// Makes the left cable (again).
  @discardableResult func connectLeft() throws -> VethPair {
    try VethPair(
      VethEnd(
        "l0", in: left, address: "02:00:00:00:07:01", addresses: isSilent ? [] : ["10.7.0.1/24", "fd07::1/64"],
        rxQueues: queues, txQueues: queues),
      VethEnd("m0", in: middle, rxQueues: queues, txQueues: queues), mtu: mtu)
  }

  @discardableResult func connectRight(to far: NetworkNamespace? = nil) throws -> VethPair {
    try VethPair(
      VethEnd("m1", in: middle, rxQueues: queues, txQueues: queues),
      VethEnd(
        "r0", in: far ?? right, address: "02:00:00:00:07:02", addresses: isSilent ? [] : ["10.7.0.2/24", "fd07::2/64"],
        rxQueues: queues, txQueues: queues),
      mtu: mtu)
  }

  /// m0 and m1, small rings.
  var configuration: EngineConfiguration {
    var configuration = EngineConfiguration(ports: [PortConfiguration("m0"), PortConfiguration("m1")])
    configuration.socket.rings = RingSizes(receive: 1024, transmit: 1024)
    return configuration
  }

  /// Starts an engine that forwards between m0 and m1.
  func forward(_ configuration: EngineConfiguration? = nil) throws -> Engine {
    let configuration = configuration ?? self.configuration
    return try middle.run { try Engine.start(configuration) { _ in ForwardHandler() } }
  }

  /// Whether the right host answers the left one; the first packets of a new path may be lost.
  func isPassing(within limit: Duration = patience, payload: Int = 56) throws -> Bool {
    try eventually(limit) {
      try Ping.run(from: left, to: "10.7.0.2", count: 1, payload: payload, timeout: .milliseconds(200)).isComplete
    }
  }
}

extension Engine {
  /// Stops and asserts both invariants.
  @discardableResult func finish(sourceLocation: SourceLocation = #_sourceLocation) -> CounterReader {
    stop()
    let counters = CounterReader(self)
    counters.expectInvariants(sourceLocation: sourceLocation)
    return counters
  }

  /// Waits for a message that contains `text`.
  func says(_ text: String, within limit: Duration = patience) -> Bool {
    eventually(limit) { messages.contains { $0.contains(text) } }
  }
}
