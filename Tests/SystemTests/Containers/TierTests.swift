import ContainerDataplane
import Foundation
import Testing
import XSKEngine
import XSKLab

extension OnVeth {
  @Suite struct TierTests {
    @Test func `what containers can have here is found by trying, and leaves nothing behind`() throws {
      let node = try NetworkNamespace("node")
      let far = try NetworkNamespace("far")
      _ = try VethPair(
        VethEnd("u0", in: node, rxQueues: 2, txQueues: 2), VethEnd("f0", in: far, rxQueues: 2, txQueues: 2))
      let pools = [QueuePool("fast", device: "u0", queues: [1]), QueuePool("slow", device: "nowhere")]
      let reports = try node.run { TierProbe(pools: pools).reports() }
      #expect(reports.map(\.tier) == [.veth, .physicalQueue, .queueLease])
      // Everything else here depends on it.
      #expect(reports[0].isAvailable, "\(reports[0].text)")
      #expect(reports[1].isAvailable && reports[1].detail.hasPrefix("1 of 1 queues free"), "\(reports[1].text)")
      let devices = try #require(reports[1].devices)
      #expect(devices.map(\.device) == ["u0", "nowhere"] && devices.map(\.isCapable) == [true, false])
      #expect(devices[0].detail == "pool fast; queue 1: 1 free; copy mode, its driver has no zero-copy")
      #expect(devices[1].detail == "no such interface; pool slow")
      #expect(!reports[2].isAvailable && reports[2].detail.contains("this kernel"))
      #expect(try node.links().map(\.name).sorted() == ["lo", "u0"])
      // Looking attaches nothing.
      #expect(try node.run { try NetworkDevice(named: "u0").program } == nil)
    }

    @Test func `a node without a device for queues says so`() throws {
      let reports = try NetworkNamespace("node").run { TierProbe(pools: []).reports() }
      #expect(!reports[1].isAvailable && reports[1].devices == nil)
      #expect(reports[1].detail == "the configuration names no device for it (queues)")
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
