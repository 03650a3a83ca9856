import ContainerDataplane
import Foundation
import Testing
import XSKLab

extension OnVeth {
  @Suite struct TierTests {
    @Test func `what containers can have here is found by trying, and leaves nothing behind`() throws {
      let node = try NetworkNamespace("node")
      let far = try NetworkNamespace("far")
      _ = try VethPair(
        VethEnd("u0", in: node, rxQueues: 2, txQueues: 2), VethEnd("f0", in: far, rxQueues: 2, txQueues: 2))
      let reports = try node.run { TierProbe(devices: ["u0", "nowhere"]).reports() }
      #expect(reports.map(\.tier) == [.veth, .physicalQueue, .queueLease])
      // Everything else here depends on it.
      #expect(reports[0].isAvailable, "\(reports[0].text)")
      #expect(!reports[1].isAvailable)
      let devices = try #require(reports[1].devices)
      #expect(devices.map(\.device) == ["u0", "nowhere"] && devices.allSatisfy { !$0.isCapable })
      #expect(devices[0].detail.contains("has no zero-copy") && !devices[0].detail.contains("one queue"))
      #expect(devices[1].detail == "no such interface")
      #expect(!reports[2].isAvailable && reports[2].detail.contains("this kernel"))
      #expect(try node.links().map(\.name).sorted() == ["lo", "u0"])
    }

    @Test func `a device is told why it can't give a queue away`() throws {
      let node = try NetworkNamespace("node")
      let far = try NetworkNamespace("far")
      _ = try VethPair(VethEnd("u0", in: node), VethEnd("f0", in: far))
      let reports = try node.run { TierProbe(devices: ["u0"]).reports() }
      let text = try #require(reports[1].devices?.first?.detail, "\(far.name)")
      #expect(text.contains("one queue") && text.contains("driver veth has no zero-copy"), "\(text)")
    }

    @Test func `the daemon and its check tell the tiers`() throws {
      let lab = try ServeLab()
      let status = Data(try lab.client.ask("GET", "/v1/status"))
      let answer = try #require(try JSONSerialization.jsonObject(with: status) as? [String: Any])
      let tiers = try #require(answer["tiers"] as? [[String: Any]])
      #expect(tiers.compactMap { $0["tier"] as? String } == ["veth", "physical-queue", "queue-lease"])
      #expect(tiers.first?["available"] as? Bool == true)
      #expect(try lab.xskd("show", "status").output.contains("tier veth: available"))
      let check = try lab.node.host.run([BuiltPrograms.xskd, "check", "--config", lab.configuration])
      #expect(check.succeeded && check.output.contains("tier veth: available"), "\(check.output) \(check.errors)")
      #expect(check.output.contains("tier queue-lease: not available: this kernel"))
    }
  }
}
