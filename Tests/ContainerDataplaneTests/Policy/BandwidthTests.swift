import Forwarder
import TenantAPI
import Testing
import XSKEngine

@testable import ContainerDataplane

@Suite struct BandwidthTests {
  private static func limits(_ policy: RateLimit?, _ own: AttachRequest.Bandwidth) throws -> [Int] {
    var node = NodeConfiguration()
    node.policies["limited"] = TenantPolicy(ingress: .init(bits: policy))
    var tenant = Tenant(
      id: "one-eth0", name: "one", namespace: "/run/netns/one", device: "eth0", mac: "02:00:00:00:00:01",
      hostMAC: "02:00:00:00:00:02", addresses: ["10.1.0.1/32"], policy: "limited", port: 0,
      createdAt: "2026-01-31T12:00:00Z")
    tenant.bandwidth = own
    return try NodePolicy(node, tenants: [tenant]).configuration.limiters.map(\.limit.perSecond).sorted()
  }

  @Test func `the lower of a tenant's and its policy's limits holds`() throws {
    let million = try RateLimit(.bits, perSecond: 1_000_000)
    #expect(try Self.limits(nil, .init(ingressRate: 2_000_000)) == [2_000_000])
    #expect(try Self.limits(million, .init(ingressRate: 2_000_000)) == [1_000_000])
    #expect(try Self.limits(million, .init(ingressRate: 500_000)) == [500_000])
    #expect(try Self.limits(million, .init(egressRate: 500_000)) == [500_000, 1_000_000])
    #expect(try Self.limits(nil, .init()) == [])
  }

  @Test func `a rate out of range is refused`() {
    #expect(throws: XSKError.self) { _ = try Self.limits(nil, .init(ingressRate: 1)) }
    #expect(throws: XSKError.self) { _ = try Self.limits(nil, .init(ingressRate: .max)) }
  }
}
