import Foundation
import Glibc
import TenantAPI
import Testing
import XSKEngine
import XSKLab

@testable import ContainerDataplane

/// A configuration that is edited while tenants come and go.
@Suite struct NodeReloadTests {
  private struct Lab {
    let serve: ServeLab

    init(_ configuration: String) throws {
      serve = try ServeLab(configuration, options: [])
      let serve = serve
      let runs = eventually { (try? serve.client.availability())?.dataplane.state == "running" }
      try #require(runs, "\(serve.process.errors)")
    }

    func write(_ configuration: String) throws {
      try Data(configuration.utf8).write(to: URL(filePath: serve.configuration))
    }

    /// Whether the dataplane has the tenant's packets.
    func opens(_ id: String) throws -> Bool {
      try eventually {
        guard let body = try? serve.client.ask("GET", "/v1/counters") else { return false }
        let counters = try JSONDecoder().decode([String: [FollowedTenant]].self, from: Data(body))
        return counters["tenants"]?.contains { $0.traffic.tenant == id && $0.state == "open" } ?? false
      }
    }
  }

  @Test func `what the dataplane refuses is not in force in the daemon either, and keeps no container waiting`() throws
  {
    let lab = try Lab("version: 1\ncapacity: {tenants: 4}\n")
    let client = lab.serve.client
    let containers = try (1...3).map { try NetworkNamespace("c\($0)") }
    #expect(try lab.serve.xskd("reload").output == "reloaded\n")

    try lab.write("version: 1\ncapacity: {tenants: 9}\n")
    let refused = try lab.serve.xskd("reload")
    #expect(refused.status == .exited(2))
    #expect(refused.errors.contains("capacity: can't be changed while it runs"), "\(refused)")
    #expect(try client.availability().slots.capacity == 4)
    _ = try client.attach("one-eth0", DaemonLab.request(containers[0], 1))
    #expect(try lab.opens("one-eth0"), "\(lab.serve.process.errors)")

    try lab.write("version: 1\npolicies: {web: {ingres")
    #expect(try lab.serve.xskd("reload").status == .exited(2))
    _ = try client.attach("two-eth0", DaemonLab.request(containers[1], 2))
    #expect(try lab.opens("two-eth0"), "\(lab.serve.process.errors)")

    try lab.write("version: 1\ncapacity: {tenants: 4}\npolicies: {web: {}}\n")
    #expect(try lab.serve.xskd("reload").succeeded)
    var request = DaemonLab.request(containers[2], 3)
    request.policy = "web"
    _ = try client.attach("three-eth0", request)
    #expect(try lab.opens("three-eth0"), "\(lab.serve.process.errors)")

    // A dataplane that is started anew takes what the one before could not.
    try lab.write("version: 1\ncapacity: {tenants: 9}\npolicies: {web: {}}\n")
    let first = try #require(lab.serve.node.dataplane)
    Glibc.kill(first, SIGKILL)
    let runs = eventually {
      lab.serve.node.dataplane.map { $0 != first } ?? false
        && (try? client.availability())?.dataplane.state == "running"
    }
    #expect(runs, "\(lab.serve.process.errors)")
    #expect(try lab.serve.xskd("reload").succeeded)
    #expect(try client.availability().slots.capacity == 9)
    for id in ["one-eth0", "two-eth0", "three-eth0"] { try client.detach(id) }
    try lab.serve.stop()
  }

  @Test func `a configuration that a tenant doesn't fit keeps the daemon from starting; the others' packets flow`()
    throws
  {
    let lab = try Lab("version: 1\ncapacity: {tenants: 4}\npolicies: {web: {}}\n")
    let client = lab.serve.client
    let containers = try (1...2).map { try NetworkNamespace("c\($0)") }
    _ = try client.attach("one-eth0", DaemonLab.request(containers[0], 1))
    var request = DaemonLab.request(containers[1], 2)
    request.policy = "web"
    _ = try client.attach("two-eth0", request)
    #expect(try lab.opens("two-eth0"))
    // As root does who edits, and then starts everything anew.
    try lab.write("version: 1\ncapacity: {tenants: 4}\n")
    let first = try #require(lab.serve.node.dataplane)
    Glibc.kill(first, SIGKILL)
    #expect(eventually { lab.serve.node.dataplane.map { $0 != first } ?? false })
    #expect(try lab.opens("one-eth0"), "\(lab.serve.process.errors)")
    try lab.serve.stop()
    let places = ServeLab.directories(lab.serve.node)
    let again = try lab.serve.node.host.run(
      [BuiltPrograms.xskd, "serve", "--config", lab.serve.configuration] + places, timeout: .seconds(20))
    #expect(again.status == .exited(2), "\(again)")
    #expect(again.errors.contains("policy web: taken out, but tenant two-eth0 has it"), "\(again)")
  }

  @Test func `without privileges xskd says so and does not serve`() throws {
    let node = try DaemonLab()
    let configuration = "\(node.directory)/xskd.yaml"
    try Data("version: 1\n".utf8).write(to: URL(filePath: configuration))
    let words = ["setpriv", "--bounding-set=-all,+net_admin,+net_raw,+bpf", "--inh-caps=-all", BuiltPrograms.xskd]
    let result = try node.host.run(
      words + ["serve", "--config", configuration] + ServeLab.directories(node), timeout: .seconds(20))
    #expect(result.status == .exited(2), "\(result)")
    #expect(result.errors.contains("this process: lacks CAP_SYS_ADMIN; run xskd as root"), "\(result)")
    #expect(unsafe access(node.places.socket, F_OK) != 0)
  }
}
