import Forwarder
import Glibc
import KernelRoutes
import Testing
import XSKEngine
import XSKLab

extension KernelTests {
  @Suite struct NeighbourTests {
    @Test func `a neighbour that packets wait for is looked for, and forgotten when the kernel forgets it`() throws {
      let lab = try RouterLab()
      let routes = try lab.follow()
      for (address, mac, port) in [
        ("10.0.0.2", RouterLab.leftMAC, UInt8(0)), ("2001:db8:b::2", RouterLab.rightMAC, 1),
      ] {
        #expect(routes.hop(address)?.kind == .unresolved)
        routes.follower.resolve(try #require(IPAddress(address)), port: Int(port))
        #expect(routes.leads(address, to: mac, port: port))
      }
      let former = routes.updates
      try lab.ip("neigh flush all")
      #expect(routes.becomes("10.0.0.2", .unresolved) && routes.becomes("2001:db8:b::2", .unresolved))
      #expect(routes.updates > former && routes.hop("10.0.0.2")?.port == 0)
      // Within a second it isn't asked for again; then it is.
      #expect(
        eventually {
          routes.follower.resolve(.ipv4(0x0A00_0002), port: 0)
          return routes.hop("10.0.0.2")?.kind == .neighbour
        })
    }

    @Test func `an address that nobody has is asked for seldom, however often packets come`() throws {
      let lab = try RouterLab()
      let routes = try lab.follow()
      for _ in 0..<2000 {
        routes.follower.resolve(.ipv4(0x0A00_004D), port: 0)
        usleep(500)
      }
      // After 0, 1 and 3 seconds; neighbours of nobody's interest are verified besides.
      #expect((1...8).contains(routes.follower.statistics.resolutions))
      #expect(routes.hop("10.0.0.77")?.kind == .unresolved)
    }

    @Test func `a gateway that changes its address is followed, and no table is made for it`() throws {
      let lab = try RouterLab()
      try lab.ip("route add 10.5.0.0/16 via 10.0.1.2", "route add 10.6.0.0/16 via 10.0.1.2")
      let routes = try lab.follow()
      #expect(routes.leads("10.5.1.1", to: RouterLab.rightMAC, port: 1))
      let former = routes.updates
      try lab.ip("neigh replace 10.0.1.2 lladdr 02:00:00:00:00:55 dev p1 nud permanent")
      #expect(
        routes.leads("10.5.1.1", to: 0x0200_0000_0055, port: 1) && routes.hop("10.6.1.1") == routes.hop("10.5.1.1"))
      #expect(routes.changes.dropFirst(former).allSatisfy { $0 == [] })
    }

    @Test(arguments: [("reachable", true), ("stale", true), ("noarp", true), ("permanent", true), ("failed", false)])
    func `a neighbour counts by its state`(state: String, isKnown: Bool) throws {
      let lab = try RouterLab()
      try lab.ip("neigh replace 10.0.0.50 lladdr 02:00:00:00:00:50 dev p0 nud reachable")
      let routes = try lab.follow()
      #expect(routes.leads("10.0.0.50", to: 0x0200_0000_0050, port: 0))
      try lab.ip("neigh change 10.0.0.50 lladdr 02:00:00:00:00:51 dev p0 nud \(state)")
      #expect(
        isKnown
          ? routes.leads("10.0.0.50", to: 0x0200_0000_0051, port: 0) : routes.becomes("10.0.0.50", .unresolved))
    }

    @Test func `an old entry undoes no route by a gateway`() throws {
      let lab = try RouterLab()
      let routes = try lab.follow()
      try lab.ip(
        "neigh replace 10.0.0.200 lladdr 02:00:00:00:00:50 dev p0 nud permanent",
        "neigh replace 10.0.1.2 lladdr 02:00:00:00:00:12 dev p1 nud permanent")
      #expect(routes.leads("10.0.0.200", to: 0x0200_0000_0050, port: 0))
      try lab.ip("route add 10.0.0.128/25 via 10.0.1.2")
      #expect(routes.leads("10.0.0.200", to: RouterLab.rightMAC, port: 1))
      try lab.ip("route del 10.0.0.128/25")
      #expect(routes.leads("10.0.0.200", to: 0x0200_0000_0050, port: 0))
    }

    @Test func `the file's routes and neighbours count more, and gateways of them are the kernel's to find`() throws {
      let lab = try RouterLab()
      try lab.ip("route add 10.5.0.0/16 via 10.0.1.2", "route add 10.6.0.0/16 via 10.0.1.2")
      var configuration = RouterLab.configuration
      configuration.ports[0].addresses = [InterfaceAddress(.ipv4(0x0A00_0063), length: 24)]
      configuration.neighbours = [ConfiguredNeighbour(.ipv4(0x0A00_0102), mac: 0x0200_0000_0077, port: 1)]
      configuration.routes = [
        ConfiguredRoute(.prefix(.ipv4(try IPv4Prefix("10.5.0.0/16"))), .blackhole),
        ConfiguredRoute(
          .prefix(.ipv4(try IPv4Prefix("10.7.0.0/16"))), .gateway(.ipv4(0x0A00_0002), port: 0), mtu: 1280),
        ConfiguredRoute(.prefix(.ipv4(try IPv4Prefix("10.8.0.0/16"))), .mac(0x0200_0000_0078, port: 1)),
      ]
      let routes = try lab.follow(configuration)
      #expect(routes.hop("10.5.1.1")?.kind == .blackhole && routes.hop("10.8.1.1")?.destination == 0x0200_0000_0078)
      #expect(routes.leads("10.6.1.1", to: 0x0200_0000_0077, port: 1))
      #expect(routes.leads("10.7.1.1", to: RouterLab.leftMAC, port: 0) && routes.hop("10.7.1.1")?.mtu == 1280)
      #expect(routes.plan.routers.map(\.ipv4) == [0x0A00_0063, 0x0A00_0101])
      // A reload without them.
      routes.follower.reconfigure(RouterLab.configuration)
      #expect(routes.leads("10.5.1.1", to: RouterLab.rightMAC, port: 1) && routes.becomes("10.8.1.1", nil))
      #expect(routes.plan.routers.map(\.ipv4) == [0x0A00_0001, 0x0A00_0101])
    }

    @Test func `a gateway that is stale is verified, and found again if it is elsewhere`() throws {
      let lab = try RouterLab()
      try lab.router.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/neigh/p1/delay_first_probe_time"])
      try lab.ip(
        "route add 10.5.0.0/16 via 10.0.1.2", "neigh replace 10.0.1.2 lladdr 02:00:00:00:00:44 dev p1 nud stale")
      let routes = try lab.follow()
      // It isn't there: after three probes of a second each it has failed, and is looked for.
      #expect(eventually { routes.hop("10.5.1.1")?.destination == RouterLab.rightMAC })
      #expect(try lab.router.run(["ip", "neigh", "show", "10.0.1.2"]).output.contains("REACHABLE"))
    }
  }
}
