import Foundation
import Glibc
import MetricsParser
import Operations
import TenantAPI
import Testing
import XSKEngine
import XSKLab

@testable import ContainerDataplane

/// xskd's systemd units: what they let it do is enough.
@Suite struct UnitTests {
  /// world ── w0 ═ up0 ── node ── container
  ///
  /// A unit's privileges are made with setpriv(1); its file system is not: what it hides nobody looks for.
  @Test func `daemon and dataplane serve a tenant behind an uplink, with their units' capabilities and calls alone`()
    throws
  {
    let node = try DaemonLab()
    let (world, container) = (try NetworkNamespace("world"), try NetworkNamespace("container"))
    let mac: LinkAddress = "02:00:00:00:aa:01"
    _ = try VethPair(
      VethEnd("w0", in: world, address: mac, addresses: ["192.0.2.1/24"]),
      VethEnd("up0", in: node.host, addresses: ["192.0.2.10/24"]))
    _ = try VethPair(VethEnd("w1", in: world), VethEnd("eth2", in: node.host))
    #expect(try world.run(["ip", "route", "add", "10.1.0.0/24", "via", "192.0.2.10"]).succeeded)
    let configuration = "\(node.directory)/xskd.yaml"
    try Data(
      """
      version: 1
      uplinks: {wan: {device: up0, addresses: [192.0.2.10/24]}}
      queues: {fast: {device: eth2}}
      capacity: {tenants: 4}
      neighbours: {192.0.2.1: {mac: "\(mac)", port: wan}}
      routes: [{prefix: 0.0.0.0/0, via: 192.0.2.1}]
      """.utf8
    ).write(to: URL(filePath: configuration))

    func start(_ name: String, _ more: [String] = []) throws -> ChildProcess {
      let unit = try UnitFile("\(name).service")
      let trace = ["strace", "-f", "-qq", "-e", "trace=all", "-o", "\(node.directory)/\(name).calls"]
      let options = try unit.options().map { $0 == "/etc/xskd/xskd.yaml" ? configuration : $0 }
      return try node.host.start(
        // What strace started would outlive it if the test ended it.
        try unit.privileges() + trace + ["setpriv", "--pdeathsig", "KILL", BuiltPrograms.xskd] + options
          + ["--run-directory", node.places.runDirectory] + more)
    }
    let dataplane = try start("xskd-dataplane")
    defer { dataplane.kill() }
    let daemon = try start("xskd", ["--bpf-directory", node.places.bpfDirectory])
    defer { daemon.kill() }
    let client = DaemonClient(path: node.places.socket)
    let runs = eventually { (try? client.availability())?.dataplane.state == "running" }
    try #require(runs, "\(dataplane.errors)\n\(daemon.errors)")

    let tenant = try client.attach("one-eth0", DaemonLab.request(container, 5))
    let echo = try container.start([BuiltPrograms.containerEcho, tenant.socketPath])
    defer { echo.kill() }
    try #require(echo.waitForOutput("answering on eth0"), "\(echo.errors)\n\(daemon.errors)")
    let isAnswered = try eventually {
      try Ping.run(from: world, to: "10.1.0.5", count: 1, timeout: .milliseconds(200)).isComplete
    }
    #expect(isAnswered, "\(dataplane.errors)")
    let queue = QueueLab.Guest(
      namespace: container, tenant: try client.attach("one-net1", QueueLab.request(container)))
    #expect(try queue.lend(through: ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-all"]).hasSuffix("!1"))
    #expect(try queue.lend(through: []).contains("CAP_NET_ADMIN"))
    try client.detach("one-net1")
    let page = String(decoding: try client.ask("GET", "/metrics"), as: UTF8.self)
    #expect(try MetricsParser(page).value("xskfwd_port_up", ["port": tenant.hostDevice]) == 1)
    #expect(!page.contains("spare"), "ports without a device")
    // strace keeps signals from itself, and passes none on.
    struct Status: Decodable { let pid: Int32 }
    let pid = try JSONDecoder().decode(Status.self, from: Data(try client.ask("GET", "/v1/status"))).pid
    Glibc.kill(pid, SIGHUP)
    #expect(daemon.waitForOutput("read again"), "\(daemon.errors)")
    try client.detach("one-eth0")
    #expect(try node.leftovers() == ["_queues"])
    Glibc.kill(pid, SIGTERM)
    _ = try ControlClient(path: node.places.dataplaneControl).request("/v1/stop", method: "POST")
    for (name, process) in [("xskd", daemon), ("xskd-dataplane", dataplane)] {
      #expect(try process.wait() == .exited(0), "\(process.errors)")
      let allowed = try OnVeth.SystemCalls.allowed(try UnitFile("\(name).service").value("SystemCallFilter"))
      let made = try OnVeth.SystemCalls.calls("\(node.directory)/\(name).calls")
      #expect(made.contains("bpf") && made.contains("execve"))
      #expect(made.subtracting(allowed).subtracting(["fsopen", "fsconfig", "fsmount"]) == [], "refused by \(name)")
    }
  }

  /// A device that comes late, or a file that is put right, is found: nothing gives up after a few tries.
  @Test(arguments: ["xskd.service", "xskd-dataplane.service", "xskfwd@.service"])
  func `a unit is started again for as long as it takes`(name: String) throws {
    let unit = try UnitFile(name)
    #expect(try unit.value("StartLimitIntervalSec") == "0")
    #expect(["always", "on-failure"].contains(try unit.value("Restart")))
  }
}
