import Foundation
import TenantAPI
import Testing

@testable import ContainerDataplane

@Suite struct ControlGroupTests {
  /// A directory with these groups in it.
  private static func mounted(_ groups: [String], _ body: (String) throws -> Void) throws {
    let place = NSTemporaryDirectory() + "xskd-groups-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: place) }
    for group in groups {
      try FileManager.default.createDirectory(atPath: "\(place)/\(group)", withIntermediateDirectories: true)
      try Data().write(to: URL(filePath: "\(place)/\(group)/cgroup.procs"))
    }
    try body(place)
  }

  @Test func `a group is found in the one hierarchy, or in any of several`() throws {
    try Self.mounted([".", "pods", "pods/one"]) { place in
      #expect(["/", "/pods", "/pods/one", "/pods/one/"].allSatisfy { ControlGroups.has($0, in: place) == true })
      #expect(ControlGroups.has("/two", in: place) == false)
    }
    try Self.mounted(["cpu", "memory", "memory/one", "systemd"]) { place in
      #expect(ControlGroups.has("/one", in: place) == true && ControlGroups.has("/", in: place) == true)
      #expect(ControlGroups.has("/memory/one", in: place) == false)
    }
  }

  @Test func `what leads elsewhere is none, and without hierarchies nothing is said`() throws {
    try Self.mounted([".", "a", "a/b"]) { place in
      #expect(["/a/../a", "a", "", "/a/./b"].allSatisfy { ControlGroups.has($0, in: place) == false })
    }
    #expect(ControlGroups.has("/a", in: "/nonexistent") == nil)
  }

  @Test func `a tenant of a group that is not there is refused, with both tiers`() {
    var settings = NodeSettings()
    settings.queuePools = [QueuePool("fast", device: "eth2")]
    for tier in [Tier.veth, .physicalQueue] {
      var request = AttachRequest(name: "one", namespace: "/run/netns/one", device: "eth0", addresses: ["10.1.0.5/32"])
      (request.tier, request.cgroup) = (tier.rawValue, "/nonexist")
      let plan = AttachPlan(id: "one-eth0", request: request, settings: settings, state: NodeState())
      let refusal = #expect(throws: NodeRefusal.self) {
        if tier == .veth { _ = try plan.tenant() } else { _ = try plan.queuePool { _ in nil } }
      }
      #expect(refusal?.kind == .wrong)
      #expect(refusal.map { "\($0.reason)" }?.contains("cgroup /nonexist: there is no such control group") == true)
    }
  }
}
