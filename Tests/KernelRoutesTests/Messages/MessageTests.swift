import Forwarder
import PacketSamples
import Testing

@testable import KernelRoutes

@Suite struct MessageTests {
  static func body(_ name: String) throws -> [UInt8] {
    try #require(SampleMessage.all.first { $0.description == name }).body.bytes
  }

  private func link(_ bytes: [UInt8]) -> Decoded<KernelLink> { KernelLink.decode(bytes.packet) }
  private func address(_ bytes: [UInt8]) -> Decoded<KernelAddress> { KernelAddress.decode(bytes.packet) }
  private func neighbour(_ bytes: [UInt8]) -> Decoded<KernelNeighbour> { KernelNeighbour.decode(bytes.packet) }
  private func nexthop(_ bytes: [UInt8]) -> Decoded<KernelNexthop> { KernelNexthop.decode(bytes.packet) }
  private func route(_ bytes: [UInt8]) -> Decoded<KernelRoute> { KernelRoute.decode(bytes.packet) }
  private func prefix(_ text: String) throws -> AnyPrefix { .ipv4(try IPv4Prefix(text)) }

  @Test func `links, addresses and neighbours are read`() throws {
    let expected = KernelLink(
      index: 7, name: "v7", isUsable: true, mac: 0x0200_0000_0001, mtu: 1500, vlan: .init(parent: 3, id: 100))
    #expect(link(try Self.body("link")) == .value(expected))
    #expect(
      address(try Self.body("address"))
        == .value(KernelAddress(device: 7, address: .ipv4(0x0A00_0001), length: 24, isSource: true)))
    let six = IPAddress.ipv6(0x2021_2223_2425_2627_2829_2A2B_2C2D_2E2F)
    #expect(
      neighbour(try Self.body("neighbour"))
        == .value(
          KernelNeighbour(key: NeighbourKey(device: 7, address: six), mac: 0x0200_0000_0001, state: 2)))
  }

  @Test func `routes and nexthop objects are read`() throws {
    let six = IPAddress.ipv6(0x2021_2223_2425_2627_2829_2A2B_2C2D_2E2F)
    var target = RouteTarget(kind: .forward, mtu: 1300)
    target.append(RoutePath(device: 7, gateway: .ipv4(0x0A00_0002)))
    #expect(
      route(try Self.body("route"))
        == .value(KernelRoute(prefix: try prefix("10.5.0.0/16"), table: 254, metric: 20, target: target)))
    target = RouteTarget(kind: .forward, first: RoutePath(device: 7, gateway: six))
    #expect(
      route(try Self.body("route by IPv6"))
        == .value(KernelRoute(prefix: try prefix("0.0.0.0/0"), table: 254, metric: 0, target: target)))
    target = RouteTarget(
      kind: .forward, first: RoutePath(device: 7, gateway: six),
      more: [RoutePath(device: 8), RoutePath(device: 9, isEncapsulated: true)])
    guard case .value(let paths) = route(try Self.body("paths")) else {
      Issue.record("not read")
      return
    }
    #expect(paths.target == target && paths.prefix.length == 48)
    guard case .value(let object) = route(try Self.body("route by an object")) else {
      Issue.record("not read")
      return
    }
    #expect(object.target == RouteTarget(kind: .forward, nexthop: 9))
    #expect(
      nexthop(try Self.body("nexthop"))
        == .value(KernelNexthop(id: 9, path: RoutePath(device: 7, gateway: .ipv4(0x0A00_0002)))))
    #expect(nexthop(try Self.body("group")) == .value(KernelNexthop(id: 10, group: [9, 8])))
  }

  @Test func `what doesn't matter here is passed over`() throws {
    let gateway = SampleBody([]).with(1, [10, 5, 0, 0]).with(4, 7).bytes
    for body in [
      SampleBody.route(family: 7, length: 16), .route(length: 16, sourceLength: 8), .route(length: 16, tos: 8),
      .route(length: 16, flags: 0x200), .route(length: 16, type: 77),
    ] {
      #expect(route(body.bytes + gateway) == .irrelevant)
    }
    let linkLocal = SampleBody.route(family: 10, length: 64).with(1, [0xFE, 0x80] + [UInt8](repeating: 0, count: 14))
    #expect(route(linkLocal.with(4, 7).bytes) == .irrelevant)
    var bridge = try Self.body("link")
    bridge[0] = 7
    #expect(link(bridge) == .irrelevant)
    var proxy = try Self.body("neighbour")
    proxy[10] = 8
    #expect(neighbour(proxy) == .irrelevant)
  }

  @Test(arguments: [
    SampleBody.route(length: 33).with(1, [10, 0, 0, 0]).with(4, 7), .route(length: 16).with(4, 7),
    .route(length: 16).with(1, [10, 5]).with(4, 7), .route(length: 16).with(1, [10, 5, 0, 0]),
    .route(length: 0).with(4, [7, 0]), .route(length: 0).with(9, [200, 0, 0, 0, 1, 0, 0, 0]),
    .route(length: 0).with(9, [4, 0, 0, 0, 1, 0, 0, 0]), .route(length: 0).with(9, []),
    .route(length: 0).with(4, 7).with(5, [1, 2, 3]), .route(length: 0).with(4, 7).with(18, [2]),
    .route(length: 0).with(4, 7).with(18, [77, 0, 1, 2, 3, 4]), .route(length: 0).with(4, 7).with(8, [9, 0, 2, 0]),
    .route(length: 0).with(30, [9]),
  ])
  func `a route that doesn't add up is refused`(body: SampleBody) {
    #expect(route(body.bytes) == .malformed)
  }

  private func model() -> KernelModel {
    KernelModel(ForwarderConfiguration(ports: [ForwarderPort("a", device: "v7")]))
  }

  private func count(_ bytes: [UInt8], _ length: Int) -> (messages: Int, isSound: Bool) {
    var messages = 0
    let isSound = NetlinkBytes.forEachMessage(bytes, count: length) { _, _ in messages += 1 }
    return (messages, isSound)
  }

  /// Whatever is cut off or changed, nothing traps; and what is read of a datagram is never more than there is.
  @Test(arguments: SampleMessage.all)
  func `a message that is cut off anywhere is refused, or read as far as it goes`(message: SampleMessage) {
    let whole = message.body.message(message.type)
    for length in 0..<whole.count {
      // The datagram ends early: there is no whole message.
      let found = count(whole, length)
      #expect(found.messages == 0 && found.isSound == (length == 0))
    }
    for length in 16..<whole.count {
      // The message itself says that it ends there.
      var short = Array(whole[..<length])
      for place in 0..<4 { short[place] = UInt8(truncatingIfNeeded: length >> (8 * place)) }
      var model = model()
      _ = NetlinkBytes.forEachMessage(short, count: length) { model.apply($0, $1) }
      #expect(model.malformed == 1 || length >= 24 && model.malformed == 0)
    }
  }

  @Test func `messages with any byte changed do no harm`() throws {
    var generator = SeededGenerator(7)
    var model = model()
    for _ in 0..<20_000 {
      let message = try #require(SampleMessage.all.randomElement(using: &generator))
      let type = message.type + UInt16.random(in: 0...1, using: &generator)
      var bytes = message.body.message(type, flags: UInt16.random(in: 0 ... .max, using: &generator))
      for _ in 0..<Int.random(in: 0...3, using: &generator) {
        bytes[Int.random(in: 16..<bytes.count, using: &generator)] = UInt8.random(in: 0 ... .max, using: &generator)
      }
      _ = NetlinkBytes.forEachMessage(bytes, count: bytes.count) { model.apply($0, $1) }
      if generator.once(in: 50) { _ = try model.makePlan() }
    }
    #expect(model.malformed > 0 && !model.links.isEmpty)
  }

  @Test func `several messages of a datagram are read, and trailing bytes are no message`() {
    let message = SampleMessage.all[1].body.message(20)
    let padded = message + [UInt8](repeating: 0, count: (4 - message.count % 4) % 4)
    let two = count(padded + message, padded.count + message.count)
    #expect(two.messages == 2 && two.isSound)
    let odd = count(padded + [1, 2, 3, 4], padded.count + 4)
    #expect(odd.messages == 1 && !odd.isSound)
  }
}
