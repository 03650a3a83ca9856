import Forwarder
import PacketSamples
import Testing
import XSKEngine

@testable import ContainerDataplane

/// A node's policy in a worker on simulated rings: port 0 is the uplink, tenant n is on port n.
final class NodeRig {
  static let uplinkMAC: UInt64 = 0x0200_0000_AA00
  static let gatewayMAC: UInt64 = 0x0200_0000_BB00
  static let uplinks = [PortFacts(mac: uplinkMAC, mtu: 1500)]

  let pipeline: Pipeline
  private(set) var policy: NodePolicy
  private let counters: CounterPage
  private let devices: [SimulatedDevice]
  private var nics: FixedArray<SimulatedNIC>
  private var worker: Worker<CoalescingHandler<PipelineHandler>>
  /// Reasons' numbers stay over replacements.
  private var reasons = ReasonNumbers()

  init(_ node: NodeConfiguration, _ tenants: [Tenant]) throws {
    let memory = try UMEM(UMEMConfiguration(frames: 1024))
    policy = try NodePolicy(node, tenants: tenants, uplinks: Self.uplinks)
    let devices = try policy.configuration.ports.indices.map {
      try SimulatedDevice(name: "sim\($0)", rings: RingSizes(receive: 64, transmit: 64))
    }
    let counters = try CounterPage(
      simulated: devices, localPort: "local", reasonNames: DropReason.pipelineNames)
    let pipeline = Pipeline(
      try Policy(
        policy.configuration, facts: [], routes: try policy.makeRoutes(uplinks: Self.uplinks),
        reasons: try reasons.reasons(of: policy.configuration)))
    let names = reasons.names
    try counters.describe { $0.counters = $0.counters.adding(names) }
    worker = Worker(
      try WorkerParts(
        simulated: devices, hasLocalPort: true, umem: memory, counters: counters,
        configuration: WorkerConfiguration(idle: .spin)),
      handler: try pipeline.handler(queues: devices.count + 1))
    nics = try FixedArray(count: devices.count) { SimulatedNIC(devices[$0], umem: memory) }
    self.devices = devices
    self.counters = counters
    self.pipeline = pipeline
    worker.turn()
  }

  /// A node of one uplink with a gateway, four tenants' ports, and these policies.
  static func node(_ policies: [String: TenantPolicy] = [:]) throws -> NodeConfiguration {
    var node = NodeConfiguration()
    let gateway = try #require(IPAddress("192.0.2.1"))
    node.uplinks = [
      ForwarderPort(
        "wan", device: "eth1", addresses: [InterfaceAddress(try #require(IPAddress("192.0.2.10")), length: 24)])
    ]
    node.capacity = 4
    node.policies.merge(policies) { $1 }
    node.neighbours = [ConfiguredNeighbour(gateway, mac: gatewayMAC, port: 0)]
    node.routes = [
      ConfiguredRoute(.prefix(.ipv4(try IPv4Prefix("0.0.0.0/0"))), .gateway(gateway, port: 0)),
      ConfiguredRoute(.prefix(.ipv6(try IPv6Prefix("::/0"))), .mac(gatewayMAC, port: 0)),
    ]
    return node
  }

  /// Tenant n, with the addresses that sample packets have: 10.0.0.n as source, 10.0.1.n as destination, 2001:db8::n.
  static func tenant(_ number: Int, policy: String = "default", vlan: Int? = nil) -> Tenant {
    var tenant = Tenant.sample(number)
    tenant.addresses = ["10.0.0.\(number)/32", "10.0.1.\(number)/32", "2001:db8::\(number)/128"]
    (tenant.policy, tenant.vlan) = (policy, vlan)
    return tenant
  }

  /// A packet from host `source` to host `destination`; hosts from 100 on are no tenants.
  static func packet(
    from source: Int, to destination: Int, _ change: (inout SamplePacket) -> Void = { _ in }
  ) -> SamplePacket {
    SamplePacket { packet in
      (packet.sourceHost, packet.destinationHost) = (UInt8(source), UInt8(destination))
      packet.sourceMAC = [2, 0, 0, 0, 0, UInt8(source)]
      packet.transport = .udp
      packet.payload = SamplePacket.fill(40)
      change(&packet)
    }
  }

  /// Has packets arrive on a port; what each port transmitted. Both invariants hold.
  @discardableResult func run(_ packets: [SamplePacket], on port: Int) -> [[[UInt8]]] {
    run(frames: packets.map(\.frame), on: port)
  }

  @discardableResult func run(frames: [[UInt8]], on port: Int) -> [[[UInt8]]] {
    var transmitted = [[[UInt8]]](repeating: [], count: devices.count)
    for start in stride(from: 0, to: frames.count, by: 16) {
      for frame in frames[start..<min(start + 16, frames.count)] {
        let isReceived = nics[port].receive(frame)
        #expect(isReceived)
      }
      for _ in 0..<3 {
        worker.turn()
        for other in devices.indices { transmitted[other] += drain(other) }
      }
    }
    expectInvariants()
    return transmitted
  }

  private func drain(_ port: Int) -> [[UInt8]] {
    var packets: [[UInt8]] = []
    nics[port].transmit { bytes, _ in packets.append(unsafe bytes.withUnsafeBytes { unsafe Array($0) }) }
    return packets
  }

  func dropped(_ reason: String, on port: Int) -> UInt64 {
    ((try? counters.snapshot()).map { $0.slots[port].drops[reason] ?? 0 }) ?? .max
  }

  var traffic: [TenantTraffic] {
    get throws { policy.traffic(try counters.snapshot(), pipeline.counts, since: [:]) }
  }

  func replace(_ node: NodeConfiguration, _ tenants: [Tenant]) throws {
    let next = try NodePolicy(node, tenants: tenants, uplinks: Self.uplinks)
    let numbers = try reasons.reasons(of: next.configuration)
    let names = reasons.names
    try counters.describe { $0.counters = $0.counters.adding(names) }
    let made = try Policy(
      next.configuration, facts: [], routes: try next.makeRoutes(uplinks: Self.uplinks), reasons: numbers)
    #expect(try pipeline.replace(with: made) { worker.housekeeping() }.silentWorkers == [])
    policy = next
  }

  func expectInvariants(_ location: SourceLocation = #_sourceLocation) {
    worker.housekeeping()
    let totals = counters.worker(index: 0)
    for port in devices.indices {
      let mine = counters.queue(slot: port)
      #expect(
        mine.get(.receivedPackets) == mine.get(.forwardedPackets) + mine.get(.heldPackets) + mine.droppedTotal,
        "packets of port \(port)", sourceLocation: location)
    }
    #expect(totals.get(.ledgerViolations) == 0, sourceLocation: location)
  }
}

/// Destination and source MAC address.
func link(_ frame: [UInt8]) -> [[UInt8]] { [Array(frame[0..<6]), Array(frame[6..<12])] }

func mac(_ number: UInt64) -> [UInt8] { (0..<6).map { UInt8(truncatingIfNeeded: number >> (40 - 8 * UInt64($0))) } }

/// Nothing left by any port.
func isSilent(_ transmitted: [[[UInt8]]]) -> Bool { transmitted.allSatisfy(\.isEmpty) }
