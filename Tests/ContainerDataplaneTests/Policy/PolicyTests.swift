import PacketHeaders
import PacketSamples
import Testing
import XSKEngine

@testable import ContainerDataplane
@testable import Forwarder

/// ACLs, limits, VLANs, and their replacement under traffic.
@Suite struct PolicyTests {
  private static func rule(_ name: String, port: UInt16, accepts: Bool = true) -> TenantPolicy.Rule {
    TenantPolicy.Rule(
      name,
      RuleMatch {
        $0.ipProtocol = [.udp]
        $0.destinationPort = [port...port]
      }, accepts: accepts)
  }

  private static func to(_ port: UInt16) -> (inout SamplePacket) -> Void { { $0.destinationPort = port } }

  private static let policies = [
    "web": TenantPolicy(
      ingress: .init(rules: [rule("http", port: 80), rule("https", port: 443)], accepts: false)),
    "quiet": TenantPolicy(
      egress: .init(rules: [rule("no-smtp", port: 25, accepts: false), rule("dns", port: 53)], accepts: false)),
    "mostly": TenantPolicy(egress: .init(rules: [rule("no-smtp", port: 25, accepts: false)])),
  ]

  @Test func `ingress ACL: what is listed comes in, from the world and from tenants`() throws {
    let rig = try NodeRig(try NodeRig.node(Self.policies), [NodeRig.tenant(1), NodeRig.tenant(2, policy: "web")])
    let ports: [UInt16] = [80, 443, 22, 80]
    let world = rig.run(ports.map { NodeRig.packet(from: 100, to: 2, Self.to($0)) }, on: 0)
    let tenant = rig.run(ports.map { NodeRig.packet(from: 1, to: 2, Self.to($0)) }, on: 1)
    #expect(world[2].count == 3 && tenant[2].count == 3)
    // The other one has no ACL, and what it sends is not asked about.
    #expect(rig.run([NodeRig.packet(from: 2, to: 1, Self.to(22))], on: 2)[1].count == 1)
    let traffic = try rig.traffic
    #expect(traffic[1].ingress.dropped == ["acl_web": 2] && traffic[0].ingress.dropped.isEmpty)
    #expect(traffic[1].ingress.rules.mapValues(\.packets) == ["http": 4, "https": 2, "default": 2])
    #expect(rig.dropped("acl_web", on: 0) == 1 && rig.dropped("acl_web", on: 1) == 1)
  }

  @Test func `egress ACL: what is accepted meets the other's ingress ACL`() throws {
    let rig = try NodeRig(
      try NodeRig.node(Self.policies), [NodeRig.tenant(1, policy: "quiet"), NodeRig.tenant(2, policy: "web")])
    #expect(rig.run([25, 53, 80].map { NodeRig.packet(from: 1, to: 100, Self.to($0)) }, on: 1)[0].count == 1)
    // DNS may leave the one, and may not enter the other.
    #expect(rig.run([NodeRig.packet(from: 1, to: 2, Self.to(53))], on: 1)[2].isEmpty)
    let traffic = try rig.traffic
    #expect(traffic[0].egress.dropped == ["acl_quiet": 2, "acl_web": 1])
    #expect(traffic[0].egress.rules.mapValues(\.packets) == ["no-smtp": 1, "dns": 2, "default": 1])
    #expect(traffic[1].ingress.dropped == ["acl_web": 1])
  }

  @Test func `an egress ACL that forbids little leaves the rest alone`() throws {
    let rig = try NodeRig(
      try NodeRig.node(Self.policies), [NodeRig.tenant(1, policy: "mostly"), NodeRig.tenant(2, policy: "web")])
    let out = rig.run([25, 80].map { NodeRig.packet(from: 1, to: 2, Self.to($0)) }, on: 1)
    #expect(out[2].count == 1)
    #expect(rig.run([22, 25].map { NodeRig.packet(from: 1, to: 100, Self.to($0)) }, on: 1)[0].count == 1)
  }

  @Test func `a rule's own prefix narrows it to some of the tenant's addresses`() throws {
    var web = TenantPolicy.Rule("one", RuleMatch { $0.destination = [.ipv4(0x0A00_0102, length: 32)] }, accepts: false)
    let none = TenantPolicy.Rule("none", RuleMatch { $0.destination = [.ipv4(0x0B00_0000, length: 8)] }, accepts: false)
    let node = try NodeRig.node(["narrow": TenantPolicy(ingress: .init(rules: [web, none]))])
    let rig = try NodeRig(node, [NodeRig.tenant(2, policy: "narrow")])
    #expect(rig.policy.configuration.access[2]?.leaving?.rules.count == 2)
    #expect(rig.run([NodeRig.packet(from: 100, to: 2)], on: 0)[2].isEmpty)
    #expect(rig.run([NodeRig.packet(from: 100, to: 2) { $0.isIPv6 = true }], on: 0)[2].count == 1)
    #expect(try rig.traffic[0].ingress.rules.mapValues(\.packets) == ["one": 1, "none": 0])
    web.match.destination?.isNegated = true
    try rig.replace(
      try NodeRig.node(["narrow": TenantPolicy(ingress: .init(rules: [web]))]),
      [
        NodeRig.tenant(2, policy: "narrow")
      ])
    #expect(rig.run([NodeRig.packet(from: 100, to: 2)], on: 0)[2].count == 1)
    #expect(rig.run([NodeRig.packet(from: 100, to: 2) { $0.isIPv6 = true }], on: 0)[2].isEmpty)
  }

  @Test func `limits hold for each tenant by itself, and in each direction`() throws {
    let limit = try RateLimit(.packets, perSecond: 1, burst: 10)
    let node = try NodeRig.node([
      "slow": TenantPolicy(
        ingress: .init(packets: limit), egress: .init(rules: [Self.rule("udp", port: 8000)], packets: limit))
    ])
    let rig = try NodeRig(node, [NodeRig.tenant(1, policy: "slow"), NodeRig.tenant(2, policy: "slow")])
    let many = 30
    func packets(_ source: Int, _ target: Int) -> [SamplePacket] {
      (0..<many).map { number in NodeRig.packet(from: source, to: target) { $0.sourcePort = UInt16(1000 + number) } }
    }
    #expect((10...11).contains(rig.run(packets(1, 100), on: 1)[0].count))
    #expect((10...11).contains(rig.run(packets(2, 100), on: 2)[0].count))
    #expect((10...11).contains(rig.run(packets(100, 1), on: 0)[1].count))
    let traffic = try rig.traffic
    #expect((19...20).contains(traffic[0].egress.dropped["rate_limit"] ?? 0))
    #expect((19...20).contains(traffic[0].ingress.dropped["rate_limit"] ?? 0))
    #expect(traffic[1].ingress.dropped.isEmpty)
  }

  // MARK: VLANs

  private static func vlan(_ id: UInt16, _ change: @escaping (inout SamplePacket) -> Void = { _ in })
    -> (inout SamplePacket) -> Void
  {
    { packet in
      packet.vlans = [(0x8100, id)]
      packet.destinationMAC = [2, 0, 0, 0, 0, 3]
      change(&packet)
    }
  }

  @Test func `a VLAN's tenant has all of it, as it is, and nothing else`() throws {
    let node = try NodeRig.node(Self.policies)
    let rig = try NodeRig(node, [NodeRig.tenant(1), NodeRig.tenant(3, vlan: 7)])
    // From anybody's address, as on a wire; the tag is put on.
    let sent = NodeRig.packet(from: 3, to: 100) { $0.sourceHost = 200 }
    let out = rig.run([sent], on: 3)
    #expect(out[0].map { Array($0[0..<16]) } == [Array(sent.frame[0..<12]) + [0x81, 0, 0, 7]])
    #expect(out[0].map { Array($0[16...]) } == [Array(sent.frame[12...])])
    let arrived = NodeRig.packet(from: 1, to: 2, Self.vlan(7))
    let into = rig.run([arrived], on: 0)
    #expect(into[3] == [Array(arrived.frame[0..<12]) + Array(arrived.frame[16...])])
    #expect(into[1].isEmpty)
    let broadcast = NodeRig.packet(
      from: 100, to: 2, Self.vlan(7) { $0.destinationMAC = [255, 255, 255, 255, 255, 255] })
    #expect(rig.run([broadcast], on: 0)[3].count == 1)
    // Not for it, not its VLAN, not its MAC address, tagged by itself.
    #expect(rig.run([NodeRig.packet(from: 100, to: 2, Self.vlan(7) { $0.destinationMAC[5] = 4 })], on: 0)[3].isEmpty)
    #expect(isSilent(rig.run([NodeRig.packet(from: 100, to: 1, Self.vlan(8))], on: 0)))
    #expect(rig.run([NodeRig.packet(from: 3, to: 100) { $0.sourceMAC[5] = 9 }], on: 3)[0].isEmpty)
    #expect(rig.run([NodeRig.packet(from: 3, to: 100) { $0.vlans = [(0x8100, 7)] }], on: 3)[0].isEmpty)
    #expect(rig.dropped("other_mac", on: 0) == 1 && rig.dropped("unknown_vlan", on: 0) == 1)
    #expect(rig.dropped("spoofed_mac", on: 3) == 1 && rig.dropped("unexpected_tag", on: 3) == 1)
    // Routed tenants go on beside it.
    let mine: (inout SamplePacket) -> Void = { $0.destinationMAC = [2, 0, 0, 0, 0xAA, 0] }
    #expect(rig.run([NodeRig.packet(from: 100, to: 1, mine)], on: 0)[1].count == 1)
    // But the uplink is promiscuous now: what is sent to another station is not for this router.
    #expect(isSilent(rig.run([NodeRig.packet(from: 100, to: 1) { $0.destinationMAC[5] ^= 1 }], on: 0)))
    #expect(rig.dropped("other_mac", on: 0) == 2)
    let traffic = try rig.traffic
    #expect(traffic[1].ingress.dropped == ["other_mac": 1])
  }

  @Test func `a VLAN's tenant has rules on its own port and on the uplink, and no other port has any`() throws {
    let tenants = [NodeRig.tenant(1, policy: "web"), NodeRig.tenant(3, policy: "web", vlan: 7), NodeRig.tenant(4)]
    let policy = try NodePolicy(try NodeRig.node(Self.policies), tenants: tenants, uplinks: NodeRig.uplinks)
    // So what those send goes the way of plain packets.
    #expect(Array(policy.configuration.rules.hasNoRules[..<5]) == [false, true, true, false, true])
  }

  @Test func `a VLAN's tenant has its ACL`() throws {
    let rig = try NodeRig(try NodeRig.node(Self.policies), [NodeRig.tenant(3, policy: "web", vlan: 7)])
    let into = rig.run(
      [80, 22].map { port in NodeRig.packet(from: 100, to: 2, Self.vlan(7) { $0.destinationPort = port }) }, on: 0)
    #expect(into[3].count == 1)
    #expect(try rig.traffic[0].ingress.dropped == ["acl_web": 1])
  }

  // MARK: Refusals and replacement

  @Test func `what can't be carried out is refused in words`() throws {
    func problem(_ node: NodeConfiguration, _ tenant: Tenant) -> String {
      do throws(XSKError) {
        _ = try NodePolicy(node, tenants: [tenant])
        return ""
      } catch {
        return "\(error)"
      }
    }
    let node = try NodeRig.node(Self.policies)
    #expect(
      problem(node, NodeRig.tenant(1, policy: "wbe"))
        == "tenant container1-eth0: policy \"wbe\": not in the configuration; "
        + "define it, or use one of default, mostly, quiet, web")
    #expect(
      problem(node, NodeRig.tenant(5))
        == "tenant container5-eth0: port 4: not one of the 4 that there are; raise capacity.tenants, or give it another"
    )
    var alone = node
    alone.uplinks = []
    #expect(
      problem(alone, NodeRig.tenant(1, vlan: 7))
        == "tenant container1-eth0: vlan 7: there is no uplink; define one, or take the VLAN out")
  }

  @Test func `a tenant with more rules than there is room for is refused, and leaves the others as they are`() throws {
    func direction(_ count: Int) -> TenantPolicy.Direction {
      TenantPolicy.Direction(rules: (0..<count).map { Self.rule("r\($0)", port: UInt16($0)) }, accepts: false)
    }
    func tenants(_ count: Int, policy: String, vlan: Int? = nil) -> [Tenant] {
      (1...count).map { NodeRig.tenant($0, policy: policy, vlan: vlan) }
    }
    let node = try NodeRig.node([
      "long": TenantPolicy(ingress: direction(50_000), egress: direction(50_000)),
      "longer": TenantPolicy(ingress: direction(40_000), egress: direction(40_001)),
    ])
    func problem(_ tenants: [Tenant]) -> String {
      do throws(XSKError) {
        try NodeSettings(node).accept(NodeState(generation: 1, tenants: tenants))
        return ""
      } catch { return "\(error)" }
    }
    let three = tenants(3, policy: "long")
    #expect(
      problem(three) == "tenant container3-eth0: policy \"long\": tenants would have 300006 rules together; "
        + "have 262144 at most: shorten policies, or have fewer tenants")
    #expect(
      problem(tenants(1, policy: "longer"))
        == "tenant container1-eth0: policy \"longer\": tenants' policies would have 80003 different rules; "
        + "have 65535 at most: shorten policies, or let tenants share them")
    #expect(
      problem(tenants(1, policy: "long", vlan: 7))
        == "tenant container1-eth0: policy \"long\": VLAN tenants would have 100007 rules together; "
        + "have 65535 at most: shorten policies, or have fewer such tenants")
    // What begins with a state that a changed configuration has no room for keeps those that there is room for.
    let others = [NodeRig.tenant(4)]
    #expect(NodePolicy.fitting(three + others, node).map(\.id) == (three[..<2] + others).map(\.id))
  }

  @Test func `tenants whose policies name more drop reasons than there can be are refused`() throws {
    let closed = TenantPolicy(egress: TenantPolicy.Direction(accepts: false))
    var node = try NodeRig.node(
      Dictionary(uniqueKeysWithValues: (1...161).map { ("p\($0)", closed) }))
    node.capacity = 200
    let tenants = (1...161).map { NodeRig.tenant($0, policy: "p\($0)") }
    #expect(throws: Never.self) { try NodePolicy(node, tenants: Array(tenants.dropLast())) }
    #expect(
      throws: XSKError(
        "drop reasons", "rules, access lists and their limiters name 161",
        remedy: "use at most 160: let some share a name")
    ) { try NodePolicy(node, tenants: tenants) }
  }

  @Test func `policies change under traffic, and nothing is lost`() throws {
    let node = try NodeRig.node(Self.policies)
    let rig = try NodeRig(node, [NodeRig.tenant(1), NodeRig.tenant(2)])
    var (sent, arrived) = (0, 0)
    for round in 0..<20 {
      let policy = round % 2 == 0 ? "web" : "default"
      try rig.replace(
        node, [NodeRig.tenant(1), NodeRig.tenant(2, policy: policy)] + (round % 3 == 0 ? [NodeRig.tenant(3)] : []))
      let out = rig.run((0..<8).map { _ in NodeRig.packet(from: 1, to: 2, Self.to(80)) }, on: 1)
      (sent, arrived) = (sent + 8, arrived + out[2].count)
      let others = rig.run([NodeRig.packet(from: 1, to: 2, Self.to(22))], on: 1)
      #expect(others[2].count == (policy == "web" ? 0 : 1))
      // A tenant that is gone has no route.
      #expect(rig.run([NodeRig.packet(from: 100, to: 3)], on: 0)[3].count == (round % 3 == 0 ? 1 : 0))
    }
    #expect(sent == arrived)
  }
}
