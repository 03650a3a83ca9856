import ContainerDataplane
import Foundation
import Operations
import PacketSamples
import Testing
import XSKEngine
import XSKLab

/// A node, the world behind its uplink, and tenants, whose stacks are the kernel's own:
///
///     world ── w0 ═ up0 ── node (xskd dataplane) ── xskt… ═ eth0 ── tenant n
///     192.0.2.1   192.0.2.10                               10.1.0.n, fd00::n, by way of 169.254.1.1
///
/// The node's kernel answers ARP for the gateway (proxy ARP), as it does for whoever serves a node.
final class NodeLab {
  let node: NetworkNamespace
  let world: NetworkNamespace
  private(set) var tenants: [Int: NetworkNamespace] = [:]
  private let folder: ScratchFolder
  private(set) var state = NodeState()
  private(set) var process: ChildProcess?

  static let worldMAC: LinkAddress = "02:00:00:00:aa:01"

  init(_ policies: String = "", routes: String? = nil) throws {
    node = try NetworkNamespace("node")
    world = try NetworkNamespace("world")
    folder = try ScratchFolder()
    _ = try VethPair(
      VethEnd("w0", in: world, address: Self.worldMAC, addresses: ["192.0.2.1/24", "2001:db8::1/64"]),
      VethEnd("up0", in: node, addresses: ["192.0.2.10/24", "2001:db8::10/64"]))
    try Self.run(node, "ip", "route", "add", "default", "via", "192.0.2.1")
    try Self.run(world, "ip", "route", "add", "10.1.0.0/24", "via", "192.0.2.10")
    try Self.run(world, "ip", "-6", "route", "add", "fd00::/64", "via", "2001:db8::10")
    // Without it the kernel proxies nothing. Packets that the dataplane takes never get there.
    try Self.run(node, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
    let known = """
      neighbours: {192.0.2.1: {mac: "\(Self.worldMAC)", port: wan}, "2001:db8::1": {mac: "\(Self.worldMAC)", port: wan}}
      routes:
        - {prefix: 0.0.0.0/0, via: 192.0.2.1}
        - {prefix: "::/0", via: "2001:db8::1"}
      """
    let text = """
      version: 1
      uplinks: {wan: {device: up0, addresses: [192.0.2.10/24, "2001:db8::10/64"]}}
      capacity: {tenants: 8}
      engine: {idle: adaptive}
      \(routes ?? known)
      policies:
        open: {}
      \(policies)
      """
    _ = try folder.write(Array(text.utf8), to: "xskd.yaml")
  }

  deinit { process?.kill() }

  static func run(_ namespace: NetworkNamespace, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation)
    throws
  {
    let result = try namespace.run(words)
    try #require(result.succeeded, "\(words) \(result.errors)", sourceLocation: sourceLocation)
  }

  /// Makes a container's namespace with its interface, as the node does, and what the state is to say about it.
  func connect(_ number: Int, policy: String = "default", vlan: Int? = nil) throws -> Tenant {
    let far = try NetworkNamespace("tenant\(number)")
    tenants[number] = far
    let tenant = Tenant(
      id: "container\(number)-eth0", name: "pod\(number)", namespace: "/run/netns/tenant\(number)", device: "eth0",
      mac: "02:00:00:00:00:0\(number)", hostMAC: "02:00:00:00:01:0\(number)",
      addresses: ["10.1.0.\(number)/32", "fd00::\(number)/128"], vlan: vlan, policy: policy, port: number - 1,
      createdAt: "2026-01-31T12:00:00Z")
    _ = try VethPair(
      VethEnd(
        "eth0", in: far, address: LinkAddress(tenant.mac),
        addresses: vlan == nil ? tenant.addresses : ["10.9.0.\(number)/24"], gro: true),
      VethEnd(tenant.hostDevice, in: node, address: LinkAddress(tenant.hostMAC)))
    guard vlan == nil else { return tenant }
    try Self.run(
      node, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/\(tenant.hostDevice)/proxy_arp")
    try Self.run(node, "ip", "route", "add", tenant.addresses[0], "dev", tenant.hostDevice)
    try Self.run(far, "ip", "route", "add", "default", "via", "169.254.1.1", "dev", "eth0", "onlink")
    try Self.run(far, "ip", "-6", "route", "add", "default", "via", "fe80::1", "dev", "eth0", "onlink")
    try Self.run(far, "ip", "-6", "neigh", "add", "fe80::1", "lladdr", tenant.hostMAC, "dev", "eth0")
    return tenant
  }

  // MARK: State and process

  func write(_ tenants: [Tenant]) throws {
    state = NodeState(generation: state.generation + 1, tenants: tenants)
    try writeState(try state.json())
  }

  func writeState(_ bytes: [UInt8]) throws {
    let draft = try folder.write(bytes, to: "state.json.new")
    try FileManager.default.moveReplacing(draft, with: "\(folder.path)/state.json")
  }

  var client: ControlClient { ControlClient(path: "\(folder.path)/dataplane.control") }

  /// Starts the dataplane, and waits until it answers.
  func start(sourceLocation: SourceLocation = #_sourceLocation) throws {
    let process = try node.start([
      BuiltPrograms.xskd, "dataplane", "--run-directory", folder.path, "--config", "\(folder.path)/xskd.yaml",
    ])
    self.process = process
    try #require(
      eventually { !process.isRunning || client.isAnswered } && process.isRunning, "\(process.errors)",
      sourceLocation: sourceLocation)
  }

  /// Has the files read again, and waits for what comes of it.
  func reload() throws -> ReloadReport {
    var report = try client.report("/v1/reload", method: "POST", as: ReloadReport.self)
    let number = report.number
    _ = try eventually {
      report = try client.report("/v1/reload?number=\(number)", as: ReloadReport.self)
      return report.state != .pending
    }
    return report
  }

  /// Puts other tenants in force; waits until all of their devices are plugged in.
  func follow(_ tenants: [Tenant], sourceLocation: SourceLocation = #_sourceLocation) throws {
    try write(tenants)
    let report = try reload()
    try #require(report.state == .loaded, "\(report)", sourceLocation: sourceLocation)
    try expectOpen(tenants.count, sourceLocation: sourceLocation)
  }

  /// Starts the dataplane with these tenants, and waits until it takes their packets.
  func serve(_ tenants: [Tenant], sourceLocation: SourceLocation = #_sourceLocation) throws {
    try write(tenants)
    try start(sourceLocation: sourceLocation)
    try expectOpen(tenants.count, sourceLocation: sourceLocation)
  }

  /// A tenant, and the container that its interface is in.
  struct Guest {
    let tenant: Tenant
    let namespace: NetworkNamespace
  }

  /// Starts the dataplane with routed tenants 1 to `count`, and waits until it takes their packets.
  func serveTenants(_ count: Int, sourceLocation: SourceLocation = #_sourceLocation) throws -> [Guest] {
    let all = try (1...count).map { try connect($0) }
    try serve(all, sourceLocation: sourceLocation)
    return try zip(all, 1...count).map {
      Guest(tenant: $0, namespace: try #require(tenants[$1], sourceLocation: sourceLocation))
    }
  }

  func expectOpen(_ count: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let areOpen = try eventually {
      let tenants = try reports()
      return tenants.count == count && tenants.allSatisfy { $0.state == .open }
    }
    try #require(areOpen, "\(process?.errors ?? "")", sourceLocation: sourceLocation)
  }

  func reports() throws -> [TenantReport] { try client.report("/v1/tenants", as: [TenantReport].self) }

  func traffic(_ number: Int) throws -> TenantTraffic {
    try #require(try reports().first { $0.traffic.tenant == "container\(number)-eth0" }).traffic
  }

  func kill() throws {
    process?.kill()
    process = nil
  }

  /// Ends it; nothing is left of it.
  func stop(sourceLocation: SourceLocation = #_sourceLocation) throws {
    let process = try #require(process)
    _ = try client.request("/v1/stop", method: "POST")
    #expect(try process.wait() == .exited(0), "\(process.errors)", sourceLocation: sourceLocation)
    for device in ["up0"] + state.tenants.map(\.hostDevice) {
      let isBare = try eventually { try node.run { try NetworkDevice(named: device).program == nil } }
      #expect(isBare, "\(device)", sourceLocation: sourceLocation)
    }
    self.process = nil
  }

  /// Whether somebody answers; the first packets of a new path may be lost.
  func answers(_ address: String, from namespace: NetworkNamespace, within limit: Duration = patience) throws
    -> Bool
  {
    try eventually(limit) {
      try Ping.run(from: namespace, to: address, count: 1, timeout: .milliseconds(200)).isComplete
    }
  }
}

extension FileManager {
  /// rename(2): readers see the one or the other.
  fileprivate func moveReplacing(_ source: String, with target: String) throws {
    try #require(unsafe rename(source, target) == 0)
  }
}
