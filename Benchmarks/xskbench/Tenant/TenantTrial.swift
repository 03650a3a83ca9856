import Glibc
import Measuring
import TenantAPI
import XSKEngine
import XSKLab

/// What frames go through, to or from the engine that is looked at.
enum TenantPath: String, CaseIterable {
  /// A veth; the engine's own socket at its end.
  case plain = "plain veth"
  /// The veth that xskd made for a container; the engine runs in there, with a socket that was handed over. The far end is
  /// not the dataplane's.
  case tenant = "tenant's veth"
  /// Two veths with an engine between them that forwards and looks at nothing.
  case forwarded = "plain veth behind a forwarder"
  /// xskd's dataplane with the default policy between an uplink and the tenant.
  case policed = "tenant behind the dataplane"

  var isTenant: Bool { self == .tenant || self == .policed }
  /// Somebody forwards on the way.
  var hasHop: Bool { self == .forwarded || self == .policed }
}

/// Which way frames go, from the engine's side.
enum TenantDirection: String, CaseIterable {
  case receive = "RX"
  case transmit = "TX"
}

/// One trial: a lab made for it, frames, counting.
///
///     far l0 ═══════════════════════════ a0 near        plain, forwarded (with b0 ═ r0 behind a0)
///     node xskt… ═══════════════════════ eth0 container tenant
///     far l0 ═ u0 node, dataplane, xskt… ═ eth0 container   policed
final class TenantTrial {
  private let path: TenantPath
  private let direction: TenantDirection
  private let placement: WirePlacement
  private let size: Int

  /// Where frames come from or go to, at the other end.
  private var far: (namespace: NetworkNamespace, device: String)
  /// Where the engine that is looked at is.
  private var near: (namespace: NetworkNamespace, device: String)
  /// Where it is forwarded, if not by a node.
  private var middle: NetworkNamespace?
  private var port = ""
  /// The frames' addresses, as they leave `far`.
  private var template: FrameTemplate
  private var node: TenantNode?
  private var processes: [ChildProcess] = []
  private var sink: DropCounter?
  private(set) var commands: [String] = []

  private static let farAddress: LinkAddress = "02:00:00:00:00:01"
  private static let nearAddress: LinkAddress = "02:00:00:00:00:02"
  private static let world = "198.51.100.1"
  private static let inside = "10.1.0.5"

  init(_ path: TenantPath, _ direction: TenantDirection, placement: WirePlacement, size: Int) throws {
    (self.path, self.direction, self.placement, self.size) = (path, direction, placement, size)
    far = (try NetworkNamespace("far"), "l0")
    near = (try NetworkNamespace("near"), path.isTenant ? "eth0" : path.hasHop ? "r0" : "a0")
    template = FrameTemplate(
      sourceAddress: Self.farAddress, destinationAddress: Self.nearAddress, source: Self.world,
      destination: Self.inside)
    port = near.device
    switch path {
    case .plain: try join(far.namespace, "l0", near.namespace, "a0")
    case .tenant: try makeTenant(configuration: nil)
    case .forwarded: try makeForwarder()
    case .policed: try makePoliced()
    }
    if direction == .transmit {
      sink = try DropCounter(in: far.namespace, device: far.device)
    } else {
      let mode = path.isTenant ? ["drop", "--attach", port] : ["drop", port]
      try start(near.namespace, mode)
    }
  }

  deinit { stop() }

  func stop() {
    for process in processes.reversed() { _ = try? process.terminate(grace: .seconds(3)) }
    processes = []
    node = nil
  }

  private func join(_ one: NetworkNamespace, _ first: String, _ other: NetworkNamespace, _ second: String) throws {
    _ = try VethPair(
      VethEnd(first, in: one, address: Self.farAddress, gro: true),
      VethEnd(second, in: other, address: Self.nearAddress, gro: true))
  }

  private func makeTenant(configuration: String?) throws {
    let node = try TenantNode(
      in: path.hasHop ? try NetworkNamespace("node") : far.namespace, configuration: configuration)
    let tenant = try node.attach("bench", near.namespace, address: Self.inside)
    take(node, tenant)
    far.device = tenant.hostDevice
    guard let mac = LinkAddress(tenant.mac), let host = LinkAddress(tenant.hostMAC) else { return }
    (template.sourceAddress, template.destinationAddress) = (host, mac)
  }

  private func take(_ node: TenantNode, _ tenant: AttachedTenant) {
    self.node = node
    commands += node.commands
    port = tenant.socketPath
  }

  /// The same number of hops as to a tenant, and no look at any packet.
  private func makeForwarder() throws {
    let middle = try NetworkNamespace("middle")
    self.middle = middle
    try join(far.namespace, "l0", middle, "a0")
    try join(near.namespace, "r0", middle, "b0")
    try start(middle, ["forward", "a0", "b0"])
  }

  private func makePoliced() throws {
    let host = try NetworkNamespace("node")
    _ = try VethPair(
      VethEnd("l0", in: far.namespace, address: Self.farAddress, gro: true),
      VethEnd("u0", in: host, address: Self.nearAddress, addresses: ["198.51.100.254/24"], gro: true))
    let node = try TenantNode(
      in: host,
      configuration: """
        version: 1
        uplinks: {wan: {device: u0, addresses: [198.51.100.254/24]}}
        engine: {cores: \(placement.device), idle: \(idle)}
        neighbours:
          \(Self.world): {mac: "\(Self.farAddress)", port: wan}

        """)
    let tenant = try node.attach("bench", near.namespace, address: Self.inside)
    take(node, tenant)
    if direction == .transmit, let mac = LinkAddress(tenant.mac), let host = LinkAddress(tenant.hostMAC) {
      // As the tenant sends them.
      (template.sourceAddress, template.destinationAddress) = (host, mac)
    }
    let device = tenant.hostDevice
    try node.wait("the dataplane") {
      let found = try? host.run { try NetworkDevice(named: device) }
      return found?.program != nil
    }
  }

  /// Where two engines share a CPU each sleeps when it has nothing to do: one that spins would take the other's time.
  private var idle: String { path.hasHop ? "sleep" : "spin" }

  private func start(_ namespace: NetworkNamespace, _ words: [String]) throws {
    let command =
      [try TenantNode.program("xskfwd")] + words
      + ["--cores", "\(placement.device)", "--idle", idle, "--control", "off", "--interval", "3600"]
    processes.append(try namespace.start(command))
    commands.append(TenantNode.shown(command))
  }

  /// Frames a second that arrive.
  func measure(seconds: Double, signals: StopSignals) throws -> Double {
    try signals.pause(1)
    let generator = try direction == .receive ? generate(seconds + 1.5) : nil
    defer { _ = try? generator?.stop() }
    if direction == .transmit { try startSource(seconds + 4) }
    let waiting = TimestampClock.monotonicNanoseconds
    let idle = try counted()
    while try counted() &- idle < 1000 {
      try check()
      guard TimestampClock.monotonicNanoseconds - waiting < 5_000_000_000 else {
        throw XSKError(
          "\(direction.rawValue), \(path.rawValue)", "no frames arrive", remedy: "run its commands by hand: \(commands)"
        )
      }
      try signals.pause(0.01)
    }
    try signals.pause(0.4)
    let (before, start) = (try counted(), TimestampClock.monotonicNanoseconds)
    try signals.pause(seconds)
    let (after, end) = (try counted(), TimestampClock.monotonicNanoseconds)
    try check()
    return Double(after &- before) * 1e9 / Double(end - start)
  }

  private func check() throws(XSKError) {
    try node?.check()
    for process in processes where !process.isRunning {
      throw XSKError(
        process.command.first ?? "", "ended by itself: \(process.errors.suffix(300))",
        remedy: "run it by hand: \(process.command.joined(separator: " "))")
    }
  }

  /// What came off the ring of the veth's end, or what came to the far end.
  private func counted() throws -> UInt64 {
    if let sink { return sink.count }
    let counters = try near.namespace.link(near.device).counters
    return counters.receivedPackets &- counters.receiveDropped
  }

  private func generate(_ seconds: Double) throws -> LiveFrameGenerator {
    var configuration = LiveFrameGenerator.Configuration(
      frame: try template.frame(size: size), flows: 1, duration: .milliseconds(Int(seconds * 1000)), rate: nil,
      cpu: UInt32(placement.generator))
    configuration.goesFirst = true
    return try LiveFrameGenerator(in: far.namespace, device: far.device, configuration)
  }

  private func startSource(_ seconds: Double) throws {
    // Without a forwarder the source is what is looked at; with one it has the other CPU.
    let cpu = path.hasHop ? placement.generator : placement.device
    let command = [
      try TenantNode.program("xskbench"), "tenant-source", port, "--cpu", "\(cpu)", "--size", "\(size)",
      "--source-mac", "\(template.destinationAddress)", "--destination-mac", "\(template.sourceAddress)", "--source",
      Self.inside, "--destination", Self.world, "--duration", "\(seconds)",
    ]
    processes.append(try near.namespace.start(command))
    commands.append(TenantNode.shown(command))
  }
}
