import Forwarder
import Glibc
import PacketSamples
import Testing
import XSKEngine

@testable import KernelRoutes

/// What the tests' kernel can't be made to say.
@Suite struct ModelTests {
  private static func link(
    _ index: Int32, _ name: String, mac: UInt8, mtu: UInt32 = 1500, vlan: (UInt16, Int32)? = nil, flags: UInt32 = 0x41
  ) -> SampleMessage {
    var body = SampleBody([0, 0, 1, 0] + SampleBody.number(index) + SampleBody.number(flags) + [0, 0, 0, 0])
      .with(3, Array(name.utf8) + [0]).with(1, [2, 0, 0, 0, 0, mac]).with(4, mtu)
    if let vlan {
      let data = SampleBody([]).with(1, SampleBody.number(vlan.0)).with(5, [0x81, 0]).bytes
      body = body.with(5, UInt32(bitPattern: vlan.1))
        .with(18, SampleBody([]).with(1, Array("vlan".utf8) + [0]).with(2, data).bytes)
    }
    return SampleMessage(description: name, type: 16, body: body)
  }

  private static func neighbour(_ device: Int32, _ address: [UInt8], _ mac: UInt8) -> SampleMessage {
    let header = [2, 0, 0, 0] + SampleBody.number(device) + SampleBody.number(UInt16(2)) + [0, 1]
    return SampleMessage(
      description: "", type: 28, body: SampleBody(header).with(1, address).with(2, [2, 0, 0, 0, 0, mac]))
  }

  private static func route(_ prefix: [UInt8], _ length: UInt8, device: UInt32, via: [UInt8]? = nil) -> SampleMessage {
    let body = SampleBody.route(length: length).with(1, prefix).with(4, device)
    return SampleMessage(description: "", type: 24, body: via.map { body.with(5, $0) } ?? body)
  }

  private static func model(_ messages: [SampleMessage], vlan: UInt16? = nil) -> KernelModel {
    var model = KernelModel(
      ForwarderConfiguration(ports: [ForwarderPort("a", device: "p0"), ForwarderPort("b", device: "p1", vlan: vlan)]))
    tell(&model, messages)
    return model
  }

  private static func tell(_ model: inout KernelModel, _ messages: [SampleMessage]) {
    for message in messages {
      let bytes = message.body.message(message.type)
      #expect(NetlinkBytes.forEachMessage(bytes, count: bytes.count) { model.apply($0, $1) })
    }
    #expect(model.malformed == 0)
  }

  private static let links = [link(3, "p0", mac: 1), link(4, "p1", mac: 2), link(9, "tun0", mac: 9)]

  @Test func `a VLAN device on a port is that port in the VLAN`() throws {
    var model = Self.model(
      Self.links + [
        Self.link(7, "p1.100", mac: 7, mtu: 1400, vlan: (100, 4)), Self.link(8, "t.5", mac: 8, vlan: (5, 9)),
        Self.route([10, 1, 0, 0], 16, device: 7), Self.route([10, 2, 0, 0], 16, device: 7, via: [10, 1, 0, 2]),
        Self.route([10, 3, 0, 0], 16, device: 8), Self.neighbour(7, [10, 1, 0, 2], 0x22),
      ])
    let plan = try #require(try model.makePlan()).plan
    let hop = NextHop(port: 1, destination: 0x0200_0000_0022, source: 0x0200_0000_0007, mtu: 1400, vlan: 100)
    #expect(plan.hop("10.1.0.2") == hop && plan.hop("10.2.9.9") == hop)
    #expect(plan.hop("10.1.0.3")?.kind == .unresolved && plan.hop("10.1.0.3")?.vlan == 100)
    #expect(plan.hop("10.3.0.1")?.kind == .host, "its device is no port")
  }

  @Test func `a port's device may be renamed, and is the port until it goes`() throws {
    var model = Self.model(Self.links + [Self.route([10, 1, 0, 0], 16, device: 4)])
    #expect(try model.makePlan()?.plan.hop("10.1.0.1")?.port == 1)
    Self.tell(&model, [Self.link(4, "wan0", mac: 2), Self.link(12, "p1", mac: 12), Self.link(4, "wan0", mac: 3)])
    let renamed = try #require(try model.makePlan()).plan.hop("10.1.0.1")
    #expect(renamed?.port == 1 && renamed?.source == 0x0200_0000_0003, "p1 is another device now")
    Self.tell(&model, [SampleMessage(description: "", type: 17, body: Self.link(4, "wan0", mac: 3).body)])
    Self.tell(&model, [Self.route([10, 1, 0, 0], 16, device: 12)])
    #expect(try model.makePlan()?.plan.hop("10.1.0.1")?.source == 0x0200_0000_000C)
  }

  @Test func `a port's own VLAN is what packets leave in`() throws {
    var model = Self.model(
      Self.links + [
        Self.route([10, 2, 0, 0], 16, device: 4, via: [10, 1, 0, 2]), Self.neighbour(4, [10, 1, 0, 2], 0x22),
      ], vlan: 30)
    let plan = try #require(try model.makePlan()).plan
    #expect(plan.hop("10.2.9.9") == NextHop(port: 1, destination: 0x0200_0000_0022, source: 0x0200_0000_0002, vlan: 30))
  }

  @Test func `a plan that would be as the one before is none, and one for a new MAC address changes no list`() throws {
    var model = Self.model(
      Self.links + [
        Self.route([10, 1, 0, 0], 16, device: 4), Self.route([10, 2, 0, 0], 16, device: 4, via: [10, 1, 0, 2]),
        Self.neighbour(4, [10, 1, 0, 2], 0x22),
      ])
    #expect(try model.makePlan()?.changes == .all)
    #expect(try model.makePlan() == nil)
    Self.tell(&model, [Self.neighbour(4, [10, 1, 0, 2], 0x22), Self.link(4, "p1", mac: 2)])
    #expect(try model.makePlan() == nil)
    Self.tell(&model, [Self.neighbour(4, [10, 1, 0, 2], 0x23)])
    let update = try #require(try model.makePlan())
    #expect(update.changes == [] && update.plan.hop("10.2.0.1")?.destination == 0x0200_0000_0023)
    // Nor does one that fails, and is found again.
    let failed = Self.neighbour(4, [10, 1, 0, 2], 0x23)
    Self.tell(&model, [SampleMessage(description: "", type: 29, body: failed.body)])
    let without = try #require(try model.makePlan())
    #expect(without.changes == [] && without.plan.hop("10.2.0.1")?.kind == .unresolved)
    #expect(without.plan.hop("10.1.0.2")?.kind == .unresolved)
    Self.tell(&model, [failed])
    let found = try #require(try model.makePlan())
    #expect(found.changes == [] && found.plan.hop("10.1.0.2")?.destination == 0x0200_0000_0023)
    Self.tell(&model, [Self.route([10, 4, 0, 0], 16, device: 4)])
    #expect(try model.makePlan()?.changes == .ipv4)
    // The tables of a former plan are good for it.
    let routes = try Routes(ipv4: update.plan.ipv4, ipv6: update.plan.ipv6, hops: update.plan.hops, routers: [])
    _ = try Routes(update.plan, after: routes, changes: [])
  }

  @Test func `numbers that nobody uses are used again`() throws {
    var model = Self.model(Self.links)
    _ = try model.makePlan()
    let before = model.numbers.sources.count
    for round in 0..<100 {
      let gateway: [UInt8] = [10, 9, 0, UInt8(round)]
      Self.tell(&model, [Self.route([10, 2, 0, 0], 16, device: 4, via: gateway)])
      if round % 3 == 0 { _ = try model.makePlan() }
      var deletion = Self.route([10, 2, 0, 0], 16, device: 4, via: gateway)
      deletion = SampleMessage(description: "", type: 25, body: deletion.body)
      Self.tell(&model, [deletion])
    }
    let plan = try #require(try model.makePlan()).plan
    #expect(plan.hop("10.2.0.1") == nil && model.numbers.sources.count <= before + 2)
  }

  @Test func `a dump that ends with an error leaves no number in use`() throws {
    var model = Self.model(Self.links)
    let before = model.numbers.sources.count { $0 != nil }
    var ends: [CInt] = [0, 0]
    #expect(unsafe socketpair(AF_UNIX, CInt(SOCK_SEQPACKET.rawValue), 0, &ends) == 0)
    defer { close(ends[1]) }
    var tables = try KernelTables(receiveBuffer: 1 << 16)
    tables.questions = RoutingSocket(adopting: ends[0])
    let routes = [1, 2, 3].map { Self.route([10, $0, 0, 0], 16, device: 4, via: [10, 9, 0, $0]) }
    let refusal = SampleBody(SampleBody.number(-ENOMEM)).message(NetlinkHeader.error)
    let answer = routes.flatMap { $0.body.message($0.type) } + refusal
    #expect(unsafe write(ends[1], answer, answer.count) == answer.count)
    model.doubts = .routes
    #expect(throws: XSKError.self) { try tables.read(&model) }
    #expect(model.numbers.sources.count >= before + 3, "they were taken")
    #expect(model.numbers.sources.count { $0 != nil } == before)
    #expect(model.doubts == .routes, "it is asked again")
  }

  @Test func `a route that goes right after the tables were read anew is gone`() throws {
    let route = Self.route([10, 2, 0, 0], 16, device: 4)
    var model = Self.model(Self.links + [route])
    _ = try model.makePlan()
    let target = RouteTarget(kind: .forward, first: RoutePath(device: 4))
    var found = FoundRoutes()
    found.append(
      KernelRoute(prefix: .ipv4(try IPv4Prefix("10.2.0.0/16")), table: 254, metric: 0, target: target), &model.numbers)
    model.replace(found)
    Self.tell(&model, [SampleMessage(description: "", type: 25, body: route.body)])
    let plan = try #require(try model.makePlan()).plan
    #expect(plan.hop("10.2.0.1") == nil && plan.ipv4.count == 2, "what is never routed is left")
    #expect(model.numbers.number(of: .kernel(target)) == nil)
  }
}
