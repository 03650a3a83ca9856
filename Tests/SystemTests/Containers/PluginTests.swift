import Dispatch
import Foundation
import Glibc
import Synchronization
import TenantAPI
import Testing
import XSKEngine
import XSKLab

@testable import ContainerDataplane

/// The plugin and the daemon together, as a runtime calls them: in crowds.
@Suite struct PluginTests {
  @Test func `a crowd of containers is attached and cleaned up by the plugin`() throws {
    let lab = try ServeLab("version: 1\ncapacity: {tenants: 10}\n")
    let count = 10
    let containers = try (0...count).map { try NetworkNamespace("c\($0)") }
    let node = lab.node
    @Sendable func run(_ command: String, _ index: Int, _ more: String = "") throws -> CommandResult {
      let configuration = """
        {"cniVersion": "1.0.0", "name": "tenants", "type": "xsk-cni", "socket": "\(node.places.socket)", \(more)
         "ipam": {"type": "host-local", "dataDir": "\(node.directory)/ipam", "ranges": [[{"subnet": "10.9.0.0/24"}]]}}
        """
      let file = "\(node.directory)/\(command)-\(index)"
      try Data(configuration.utf8).write(to: URL(filePath: file))
      let variables = [
        "CNI_COMMAND=\(command)", "CNI_CONTAINERID=c\(index)", "CNI_IFNAME=eth0", "CNI_PATH=/opt/cni/bin:/usr/lib/cni",
        "CNI_NETNS=\(DaemonLab.path(of: containers[index]))",
      ]
      return try node.host.run(
        ["env"] + variables + ["sh", "-c", "exec \(BuiltPrograms.xskCNI) < \(file)"], timeout: .seconds(60))
    }
    let results = Mutex<[Int: String]>([:])
    DispatchQueue.concurrentPerform(iterations: count) { index in
      do {
        let added = try run("ADD", index)
        #expect(added.succeeded, "\(added)")
        results.withLock { $0[index] = added.output }
      } catch { Issue.record(error) }
    }
    let tenants = try lab.client.tenants()
    #expect(Set(tenants.map(\.id)) == Set((0..<count).map { "c\($0)-eth0" }))
    #expect(Set(tenants.flatMap(\.addresses)).count == count)
    // One more finds no slot; its address is given back.
    let full = try run("ADD", count)
    #expect(full.status == .exited(1))
    #expect(full.output.contains("\"code\":11"), "\(full.output)")
    for index in [0, 1] {
      let result = try #require(results.withLock { $0[index] })
      let check = try run("CHECK", index, "\"prevResult\": \(result),")
      #expect(check.succeeded, "\(check)")
    }
    // What a tenant could not do itself, somebody on the host does.
    _ = try containers[1].run(["ip", "address", "flush", "dev", "eth0", "scope", "global"])
    let result = try #require(results.withLock { $0[1] })
    let broken = try run("CHECK", 1, "\"prevResult\": \(result),")
    #expect(broken.output.contains("has no address"), "\(broken)")
    containers[2].close()
    DispatchQueue.concurrentPerform(iterations: count) { index in
      do {
        let deleted = try run("DEL", index)
        #expect(deleted.succeeded, "\(deleted)")
      } catch { Issue.record(error) }
    }
    #expect(try lab.client.tenants().isEmpty)
    #expect(try lab.node.leftovers() == [])
    let leases = try FileManager.default.contentsOfDirectory(atPath: "\(lab.node.directory)/ipam/tenants")
    #expect(leases.filter { $0.hasPrefix("10.") } == [])
    try lab.stop()
  }
}
