import Foundation
import TenantAPI
import Testing
import XSKEngine
import XSKLab

@testable import ContainerDataplane

extension OnVeth {
  /// podman's containers with a queue of a device, which a veth with one queue plays.
  @Suite struct PhysicalQueuePodTests {
    @Test func `a container has a queue beside its interface, or alone, and answers by it without a capability`() throws
    {
      let far = try NetworkNamespace("far")
      let lab = try PodLab(
        "version: 1\nqueues: {fast: {device: eth2}}\n", options: ["--dataplane", "external"]
      ) { node in
        _ = try VethPair(
          VethEnd("f0", in: far, address: QueueLab.farMAC, addresses: ["10.9.0.1/24"]),
          VethEnd("eth2", in: node.host, address: QueueLab.mac))
      }
      let ipam = """
        {"type": "host-local", "dataDir": "\(lab.node.directory)/ipam",
         "ranges": [[{"subnet": "10.9.0.0/24", "rangeStart": "10.9.0.5", "rangeEnd": "10.9.0.9"}]]}
        """
      let network = """
        {"cniVersion": "1.0.0", "name": "fast", "plugins": [{"type": "xsk-cni", "tier": "physical-queue",
         "socket": "\(lab.node.places.socket)", "ipam": \(ipam)}]}
        """
      try Data(network.utf8).write(to: URL(filePath: "\(lab.node.directory)/net.d/fast.conflist"))
      // With an interface of another network, and without any.
      for networks in [["tenants-default", "fast:interface_name=net1"], ["fast:interface_name=net1"]] {
        let result = try lab.podman(
          ["run", "--detach", "--name", "echo"] + networks.flatMap { ["--network", $0] } + [
            "--cap-drop", "all", "--security-opt", "no-new-privileges", "--volume",
            "\(lab.node.places.tenantsDirectory):/run/xsk:ro",
          ] + (try lab.volumes(for: BuiltPrograms.containerEcho)) + [
            "--rootfs", "\(lab.node.directory)/rootfs", "/bin/sh", "-c",
            "exec \(BuiltPrograms.containerEcho) /run/xsk/$HOSTNAME*-net1/afxdp.sock",
          ])
        try #require(result.succeeded, "\(networks): \(result)")
        let tenants = try lab.client.tenants()
        #expect(tenants.count == networks.count)
        let tenant = try #require(tenants.first { $0.network == "fast" })
        #expect(tenant.device == "net1" && tenant.physicalQueues?.queues == [0])
        let address = try #require(tenant.addresses.first?.prefix { $0 != "/" })
        let isAnswered = try eventually {
          try Ping.run(from: far, to: String(address), count: 1, timeout: .milliseconds(200)).isComplete
        }
        let log = try lab.podman("logs", "echo")
        #expect(isAnswered, "\(log)")
        let interfaces = try lab.inside("echo", "ls", "/sys/class/net").output.split(separator: "\n").sorted()
        #expect(interfaces == (networks.count == 1 ? ["lo"] : ["eth0", "lo"]))
        #expect(try lab.podman(["rm", "--force", "--time", "0", "echo"]).succeeded)
        #expect(try lab.client.tenants().isEmpty)
      }
      #expect(try lab.node.leftovers() == ["_queues"])
    }
  }
}
