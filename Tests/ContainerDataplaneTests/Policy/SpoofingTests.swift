import PacketSamples
import Testing
import XSKEngine

@testable import ContainerDataplane

/// What a tenant sends goes its way if it is the tenant's own, and nowhere else.
@Suite struct SpoofingTests {
  /// - Parameter gro: without it, packets that are plain are decided about by their headers alone.
  private static func rig(gro: Bool = true) throws -> NodeRig {
    var node = try NodeRig.node()
    if !gro { node.engine.gro = nil }
    return try NodeRig(node, [NodeRig.tenant(1), NodeRig.tenant(2)])
  }

  @Test(arguments: [false, true], [false, true])
  func `to the world, between tenants, and from the world`(isIPv6: Bool, gro: Bool) throws {
    let rig = try Self.rig(gro: gro)
    let out = rig.run([NodeRig.packet(from: 1, to: 100) { $0.isIPv6 = isIPv6 }], on: 1)
    #expect(out[0].map(link) == [[mac(NodeRig.gatewayMAC), mac(NodeRig.uplinkMAC)]])
    let between = rig.run([NodeRig.packet(from: 1, to: 2) { $0.isIPv6 = isIPv6 }], on: 1)
    #expect(between[2].map(link) == [[mac(0x0200_0000_0002), mac(0x0200_0000_0102)]])
    let into = rig.run([NodeRig.packet(from: 100, to: 2) { $0.isIPv6 = isIPv6 }], on: 0)
    #expect(into[2].map(link) == [[mac(0x0200_0000_0002), mac(0x0200_0000_0102)]])
    let traffic = try rig.traffic
    #expect(traffic.map(\.egress.packets) == [2, 0] && traffic.map(\.ingress.packets) == [0, 2])
    let isClean = traffic.allSatisfy { $0.egress.dropped.isEmpty && $0.ingress.dropped.isEmpty }
    #expect(isClean)
  }

  /// What a tenant 1 sends that it may not, and what it is dropped under.
  struct Forgery: Sendable, CustomTestStringConvertible {
    let reason: String
    let words: String
    let change: @Sendable (inout SamplePacket) -> Void
    var testDescription: String { words }

    init(_ words: String, _ reason: String, _ change: @escaping @Sendable (inout SamplePacket) -> Void) {
      (self.words, self.reason, self.change) = (words, reason, change)
    }
  }

  static let forgeries = [
    Forgery("another's MAC address", "spoofed_mac") { $0.sourceMAC = [2, 0, 0, 0, 0, 2] },
    Forgery("its MAC address but for the first byte", "spoofed_mac") { $0.sourceMAC = [6, 0, 0, 0, 0, 1] },
    Forgery("its MAC address but for the second byte", "spoofed_mac") { $0.sourceMAC = [2, 1, 0, 0, 0, 1] },
    Forgery("its MAC address but for the last byte", "spoofed_mac") { $0.sourceMAC = [2, 0, 0, 0, 0, 0x81] },
    Forgery("another tenant's address", "spoofed_address") { $0.sourceHost = 2 },
    Forgery("another tenant's IPv6 address", "spoofed_address") { ($0.isIPv6, $0.sourceHost) = (true, 2) },
    Forgery("nobody's address", "spoofed_address") { $0.sourceHost = 77 },
    Forgery("nobody's IPv6 address", "spoofed_address") { ($0.isIPv6, $0.sourceHost) = (true, 77) },
    Forgery("nobody's address in a fragment", "spoofed_address") { ($0.sourceHost, $0.fragmentOffset) = (77, 10) },
    Forgery("a VLAN tag", "unexpected_tag") { $0.vlans = [(0x8100, 7)] },
    Forgery("two tags", "unexpected_tag") { $0.vlans = [(0x88A8, 7), (0x8100, 8)] },
  ]

  @Test(arguments: forgeries, [false, true])
  func `forgeries are dropped and counted`(_ forgery: Forgery, gro: Bool) throws {
    let rig = try Self.rig(gro: gro)
    // Between packets that are right, so that GRO has a choice.
    let good = NodeRig.packet(from: 1, to: 100)
    let forged = NodeRig.packet(from: 1, to: 100, forgery.change)
    let out = rig.run([good, forged, good, forged, forged], on: 1)
    #expect(out[0].count == 2 && isSilent(Array(out[1...])))
    #expect(rig.dropped(forgery.reason, on: 1) == 3)
    let traffic = try rig.traffic
    #expect(traffic[0].egress.dropped == [forgery.reason: 3] && traffic[1].egress.dropped.isEmpty)
  }

  @Test func `what is not IP is the kernel's, or nobody's`() throws {
    let rig = try Self.rig()
    // The XDP program leaves ARP to the kernel; what comes here all the same goes nowhere.
    let arp: [UInt8] =
      [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1]
      + [UInt8](repeating: 0, count: 40)
    #expect(isSilent(rig.run(frames: [arp], on: 1)))
    #expect(rig.dropped("not_ip", on: 1) == 1)
  }

  @Test func `IPv6 that never leaves its link is no forgery`() throws {
    let rig = try Self.rig()
    var frame = NodeRig.packet(from: 1, to: 100) { $0.isIPv6 = true }.frame
    frame.replaceSubrange(22..<38, with: [0xFE, 0x80] + [UInt8](repeating: 0, count: 13) + [1])
    #expect(isSilent(rig.run(frames: [frame], on: 1)))
    #expect(rig.dropped("link_local", on: 1) == 1 && rig.dropped("spoofed_address", on: 1) == 0)
  }

  @Test func `the world has no tenant's address, and is not routed back to the world`() throws {
    let rig = try Self.rig()
    let out = rig.run([NodeRig.packet(from: 2, to: 1), NodeRig.packet(from: 100, to: 101)], on: 0)
    #expect(isSilent(out))
    #expect(rig.dropped("spoofed_address", on: 0) == 1 && rig.dropped("isolated", on: 0) == 1)
    #expect(isSilent(rig.run([NodeRig.packet(from: 100, to: 1) { $0.vlans = [(0x8100, 5)] }], on: 0)))
    #expect(rig.dropped("unexpected_tag", on: 0) == 1)
  }

  @Test func `an uplink with a VLAN of its own takes and gives packets in it`() throws {
    var node = try NodeRig.node()
    node.uplinks[0].vlan = 9
    let rig = try NodeRig(node, [NodeRig.tenant(1)])
    let into = rig.run(
      [NodeRig.packet(from: 100, to: 1) { $0.vlans = [(0x8100, 9)] }, NodeRig.packet(from: 100, to: 1)], on: 0)
    #expect(into[1].count == 1 && into[1][0][12] == 8)
    #expect(rig.dropped("unexpected_tag", on: 0) == 1)
    let out = rig.run([NodeRig.packet(from: 1, to: 100)], on: 1)
    #expect(out[0].map { Array($0[12..<16]) } == [[0x81, 0, 0, 9]])
    #expect(isSilent(rig.run([NodeRig.packet(from: 1, to: 100) { $0.vlans = [(0x8100, 9)] }], on: 0)))
    #expect(rig.dropped("spoofed_address", on: 0) == 1)
  }
}
