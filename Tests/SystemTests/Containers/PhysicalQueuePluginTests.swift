import Foundation
import TenantAPI
import Testing
import XSKLab

extension OnVeth {
  /// The plugin and the daemon together, for networks of tier `physical-queue`.
  @Suite struct PhysicalQueuePluginTests {
    private struct Lab {
      let queues: QueueLab
      let containers: [String: NetworkNamespace]

      init() throws {
        queues = try QueueLab()
        containers = try Dictionary(uniqueKeysWithValues: ["c1", "c2", "c3"].map { ($0, try NetworkNamespace($0)) })
      }

      func container(_ id: String) throws -> NetworkNamespace { try #require(containers[id]) }

      func run(_ command: String, _ id: String, _ more: String = "") throws -> CommandResult {
        let directory = queues.serve.node.directory
        // Debian's host-local does not know version 1.1.0, nor what is new in it.
        let isNew = ["STATUS", "GC"].contains(command)
        let ipam =
          isNew
          ? "{}"
          : """
          {"type": "host-local", "dataDir": "\(directory)/ipam", "ranges": [[{"subnet": "10.9.0.0/24"}]]}
          """
        let configuration = """
          {"cniVersion": "\(isNew ? "1.1.0" : "1.0.0")", "name": "fast", "type": "xsk-cni", "tier": "physical-queue", \(more)
           "socket": "\(queues.serve.node.places.socket)", "runtimeConfig": {"deviceID": "eth2"}, "ipam": \(ipam)}
          """
        let file = "\(directory)/\(command)-\(id)"
        try Data(configuration.utf8).write(to: URL(filePath: file))
        let variables = [
          "CNI_COMMAND=\(command)", "CNI_CONTAINERID=\(id)", "CNI_IFNAME=net1", "CNI_PATH=/opt/cni/bin:/usr/lib/cni",
          "CNI_NETNS=\(DaemonLab.path(of: try container(id)))",
        ]
        return try queues.host.run(["env"] + variables + ["sh", "-c", "exec \(BuiltPrograms.xskCNI) < \(file)"])
      }

      var addressesInUse: [String] {
        get throws {
          let names = try FileManager.default.contentsOfDirectory(atPath: "\(queues.serve.node.directory)/ipam/fast")
          return names.filter { $0.hasPrefix("10.") }.sorted()
        }
      }
    }

    @Test func `a container's second network is queues of a device, from ADD to DEL`() throws {
      let lab = try Lab()
      #expect(try lab.run("STATUS", "c1").succeeded)
      let added = try lab.run("ADD", "c1")
      try #require(added.succeeded, "\(added)")
      struct Result: Decodable {
        struct Interface: Decodable, Equatable {
          let name, mac: String
          let sandbox: String?
        }
        struct IP: Decodable, Equatable { let address: String, interface: Int }
        let interfaces: [Interface]
        let ips: [IP]
      }
      let result = try JSONDecoder().decode(Result.self, from: Data(added.output.utf8))
      #expect(result.interfaces == [.init(name: "eth2", mac: "02:00:00:00:02:01", sandbox: nil)])
      #expect(result.ips == [.init(address: "10.9.0.2/24", interface: 0)])
      let guest = QueueLab.Guest(namespace: try lab.container("c1"), tenant: try lab.queues.client.tenant("c1-net1"))
      #expect(guest.queues == [2])
      #expect(try guest.ask("/xsk_address,0") == ["/xsk_address_ack,10.9.0.2/24"])
      #expect(try guest.lend().hasSuffix("!1"))
      let previous = "\"prevResult\": \(added.output),"
      #expect(try lab.run("CHECK", "c1", previous).succeeded)
      #expect(try lab.queues.host.run(["ip", "link", "set", "dev", "eth2", "mtu", "1400"]).succeeded)
      let changed = try lab.run("CHECK", "c1", previous)
      #expect(
        changed.output.contains("\"code\":103") && changed.output.contains("eth2 has an MTU of 1400"), "\(changed)")
      #expect(try lab.run("ADD", "c2").succeeded)
      let full = try lab.run("ADD", "c3")
      #expect(full.output.contains("\"code\":11") && full.output.contains("0 free, 1 wanted: 2 in use"), "\(full)")
      #expect(try lab.run("STATUS", "c3").output.contains("\"code\":50"))
      // What was not had is given back.
      #expect(try lab.addressesInUse == ["10.9.0.2", "10.9.0.3"])
      #expect(
        try lab.run("GC", "c1", "\"cni.dev/valid-attachments\": [{\"containerID\": \"c2\", \"ifname\": \"net1\"}],")
          .succeeded)
      #expect(try lab.queues.client.tenants().map(\.id) == ["c2-net1"])
      for id in ["c1", "c2", "c2"] { #expect(try lab.run("DEL", id).succeeded) }
      #expect(try lab.queues.client.tenants().isEmpty && lab.addressesInUse == [])
      #expect(try lab.queues.serve.node.leftovers() == ["_queues"])
      try lab.queues.serve.stop()
    }
  }
}
