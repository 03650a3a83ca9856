import ConfigurationFile
import Forwarder
import Testing
import XSKEngine

@Suite struct RouteFileTests {
  static let text = """
    version: 1
    ports:
      lan: {device: eth0, addresses: [10.0.0.1/24, "2001:db8::1/64"]}
      wan: {device: eth1, vlan: 20, mtu: 1400, addresses: 192.0.2.1/30}
    sets: {bad: [198.51.100.0/24, "2001:db8:bad::/48"]}
    default: route
    neighbours:
      10.0.0.7: {mac: "02:00:00:00:00:07", port: lan}
      192.0.2.2: {mac: "02:00:00:00:00:22", port: wan}
      "fe80::1": {mac: "02:00:00:00:00:22", port: wan}
    routes:
      - {prefix: 0.0.0.0/0, via: 192.0.2.2}
      - {prefix: "::/0", via: "fe80::1"}
      - {prefix: 172.16.0.0/12, via: 192.0.2.2, mtu: 1280, vlan: none}
      - {prefix: 10.9.0.0/16, port: lan, mac: "02:00:00:00:00:99"}
      - {prefix: 10.8.0.0/16, port: wan}
      - {prefix: 192.168.0.0/16, type: unreachable}
      - {prefix: 203.0.113.0/24, type: prohibit}
      - {set: bad, type: blackhole}
    """

  @Test func `routes and neighbours are read`() throws {
    let report = ConfigurationFile.parse(Self.text, file: "f")
    #expect(report.problems == [])
    let configuration = try #require(report.configuration)
    #expect(
      configuration.neighbours.map(\.mac) == [0x0200_0000_0007, 0x0200_0000_0022, 0x0200_0000_0022]
        && configuration.neighbours.map(\.port) == [0, 1, 1])
    let gateway = IPAddress.ipv4(0xC000_0202)
    #expect(
      configuration.routes == [
        ConfiguredRoute(.prefix(.ipv4(try IPv4Prefix("0.0.0.0/0"))), .gateway(gateway, port: 1)),
        ConfiguredRoute(.prefix(.ipv6(try IPv6Prefix("::/0"))), .gateway(try #require(IPAddress("fe80::1")), port: 1)),
        ConfiguredRoute(
          .prefix(.ipv4(try IPv4Prefix("172.16.0.0/12"))), .gateway(gateway, port: 1), mtu: 1280, vlan: 0),
        ConfiguredRoute(.prefix(.ipv4(try IPv4Prefix("10.9.0.0/16"))), .mac(0x0200_0000_0099, port: 0)),
        ConfiguredRoute(.prefix(.ipv4(try IPv4Prefix("10.8.0.0/16"))), .connected(port: 1)),
        ConfiguredRoute(.prefix(.ipv4(try IPv4Prefix("192.168.0.0/16"))), .unreachable),
        ConfiguredRoute(.prefix(.ipv4(try IPv4Prefix("203.0.113.0/24"))), .prohibited),
        ConfiguredRoute(.set(0), .blackhole),
      ])
  }

  @Test func `routes lead where the file says`() throws {
    let configuration = try #require(ConfigurationFile.parse(Self.text, file: "f").configuration)
    let facts = [PortFacts(mac: 0xA, mtu: 1500), PortFacts(mac: 0xB, mtu: 1500)]
    let plan = try configuration.routePlan(facts)
    let (ipv4, ipv6) = (try IPv4RouteTable(plan.ipv4), try IPv6RouteTable(plan.ipv6))
    func hop(_ address: String) throws -> NextHop? {
      switch try #require(IPAddress(address)) {
      case .ipv4(let number): ipv4.lookup(number).map { plan.hops[Int($0)] }
      case .ipv6(let number): ipv6.lookup(number).map { plan.hops[Int($0)] }
      }
    }
    let gateway = NextHop(port: 1, destination: 0x0200_0000_0022, source: 0xB, mtu: 1400, vlan: 20)
    #expect(try hop("8.8.8.8") == gateway && hop("2001:db8:77::1") == gateway)
    #expect(
      try hop("172.16.0.1") == NextHop(port: 1, destination: 0x0200_0000_0022, source: 0xB, mtu: 1280, vlan: 0))
    #expect(try hop("10.0.0.7") == NextHop(port: 0, destination: 0x0200_0000_0007, source: 0xA, mtu: 1500))
    #expect(try hop("10.0.0.8")?.kind == .unresolved && hop("2001:db8::8")?.kind == .unresolved)
    #expect(try hop("10.9.1.1") == NextHop(port: 0, destination: 0x0200_0000_0099, source: 0xA, mtu: 1500))
    #expect(try hop("10.8.1.1")?.kind == .unresolved && hop("10.8.1.1")?.port == 1)
    #expect(try hop("192.168.1.1")?.kind == .unreachable && hop("203.0.113.5")?.kind == .prohibited)
    #expect(try hop("198.51.100.1")?.kind == .blackhole && hop("2001:db8:bad::1")?.kind == .blackhole)
    // A link-local neighbour is a gateway, and nothing is routed to it.
    #expect(try hop("fe80::1") == gateway)
    #expect(plan.routers.map(\.ipv4) == [0x0A00_0001, 0xC000_0201])
    _ = try configuration.makeRoutes(facts)
  }

  @Test func `the kernel's routes are followed, alone or beside the file's`() throws {
    let ports = "version: 1\nports: {a: {device: eth0}, b: {device: eth1}}\ndefault: route\n"
    let alone = ConfigurationFile.parse(ports + "routes: kernel", file: "f")
    #expect(alone.problems == [])
    #expect(alone.configuration?.kernelRoutes == KernelRouteSettings(table: 254) && alone.configuration?.routes == [])
    let both = ConfigurationFile.parse(
      ports + """
        routes:
          kernel: true
          table: 1000
          static:
            - {prefix: 10.9.0.0/16, via: 10.0.1.9, port: b}
            - {prefix: 10.8.0.0/16, type: blackhole}
        """, file: "f")
    #expect(both.problems == [])
    let configuration = try #require(both.configuration)
    #expect(configuration.kernelRoutes == KernelRouteSettings(table: 1000))
    #expect(
      configuration.routes == [
        ConfiguredRoute(.prefix(.ipv4(try IPv4Prefix("10.9.0.0/16"))), .gateway(.ipv4(0x0A00_0109), port: 1)),
        ConfiguredRoute(.prefix(.ipv4(try IPv4Prefix("10.8.0.0/16"))), .blackhole),
      ])
    // What the file alone has is a plan, too: the gateway is not known yet.
    let plan = try configuration.routePlan([PortFacts(mac: 1, mtu: 1500), PortFacts(mac: 2, mtu: 1500)])
    let value = try #require(plan.ipv4[try IPv4Prefix("10.9.0.0/16")])
    #expect(plan.hops[Int(value)].kind == .unresolved && plan.hops[Int(value)].port == 1)
    let neither = ConfigurationFile.parse(ports + "routes: {kernel: false}", file: "f")
    #expect(neither.errors == [] && neither.configuration?.kernelRoutes == nil)
  }
}
