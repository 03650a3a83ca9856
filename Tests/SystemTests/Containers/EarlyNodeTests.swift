import Foundation
import Glibc
import TenantAPI
import Testing
import XSKLab

@testable import ContainerDataplane

extension OnVeth {
  /// `xskd` itself on kernels that map no rings of a bound socket: it finds out by itself.
  @Suite struct EarlyNodeTests {
    @Test func `the daemon hands sockets over to be mapped first, and so does its successor`() throws {
      let lab = try ServeLab(kernel: .old)
      for path in [lab.node.directory, lab.node.places.runDirectory] { #expect(unsafe chmod(path, 0o711) == 0) }
      #expect(try lab.xskd("show", "status").output.contains("comes after the container has mapped its rings"))
      let library = "\(lab.node.directory)/old-kernel.so"
      try FileManager.default.copyItem(atPath: BuiltPrograms.oldKernel, toPath: library)
      let container = try NetworkNamespace("one")
      let tenant = try lab.client.attach("one-eth0", DaemonLab.request(container, 5))
      func start() throws -> ChildProcess {
        let echo = try container.start(
          LabKernel.old.entrance(library) + QueueLab.Guest.unprivileged
            + [BuiltPrograms.containerEcho, tenant.socketPath, "60"])
        try #require(echo.waitForOutput("answering on eth0"), "\(echo.output) \(echo.errors)")
        return echo
      }
      func answers() throws -> Bool {
        try eventually {
          try Ping.run(from: lab.node.host, to: "10.1.0.5", count: 1, timeout: .milliseconds(200)).isComplete
        }
      }
      let first = try start()
      #expect(try answers())
      try lab.killAndRestart()
      #expect(try Ping.run(from: lab.node.host, to: "10.1.0.5", count: 10).isComplete)
      first.kill()
      let second = try start()
      #expect(try answers())
      // What it refuses is counted where other refusals are.
      _ = try container.run(LabKernel.old.entrance + [BuiltPrograms.testTenants, "steps", tenant.socketPath, "ask"])
      let metrics = String(decoding: try lab.client.ask("GET", "/metrics"), as: UTF8.self)
      for (event, count) in [("socket", 1), ("denied", 1)] {
        #expect(
          metrics.contains("xskd_tenant_handover_total{tenant=\"one-eth0\",event=\"\(event)\"} \(count)"), "\(metrics)")
      }
      second.kill()
      try lab.client.detach("one-eth0")
      #expect(try lab.node.leftovers() == [])
      try lab.stop()
    }

    @Test(arguments: [LabKernel.old, .older])
    func `queues of physical devices are refused, and said to be`(kernel: LabKernel) throws {
      let lab = try QueueLab(kernel: kernel)
      let refusal = try lab.refusal("one")
      #expect(
        refusal?.reason
          == "tenant one: tier physical-queue: containers' sockets are bound before they are mapped, which takes Linux 6.4; "
          + "use a newer kernel", "\(String(describing: refusal))")
      #expect(try lab.client.tenants().isEmpty)
      let check = try lab.host.run(
        kernel.entrance + [BuiltPrograms.xskd, "check", "--config", lab.serve.configuration])
      let status = try lab.serve.xskd("show", "status")
      for output in [check.output, status.output] {
        #expect(
          output.contains(
            "tier physical-queue: not available: containers' sockets are bound before they are mapped, which takes Linux 6.4"
          ), "\(output)")
        #expect(
          output.contains("tier veth: \(kernel == .old ? "available: copy mode" : "not available: this kernel: ")"))
      }
      try lab.serve.stop()
    }
  }
}
