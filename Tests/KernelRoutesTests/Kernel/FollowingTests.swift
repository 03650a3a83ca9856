import Forwarder
import Glibc
import KernelRoutes
import Testing
import XSKEngine
import XSKLab

/// Needs root, and fails without.
@Suite(.serialized)
struct KernelTests {}

extension KernelTests {
  @Suite struct FollowingTests {
    @Test func `the first plan has what is there: connected networks, the host's addresses, other devices`() throws {
      let lab = try RouterLab()
      try lab.ip("route add 10.5.0.0/16 via 10.0.1.2", "route add 10.6.0.0/16 via 10.0.9.7")
      let routes = try lab.follow()
      #expect(routes.hop("10.0.0.77")?.kind == .unresolved && routes.hop("10.0.0.77")?.port == 0)
      #expect(routes.hop("2001:db8:b::77")?.kind == .unresolved && routes.hop("2001:db8:b::77")?.port == 1)
      for address in ["10.0.0.1", "10.0.1.255", "2001:db8:a::1", "10.0.9.5", "10.6.1.1", "127.0.0.1", "224.0.0.5"] {
        #expect(routes.hop(address)?.kind == .host, "\(address)")
      }
      #expect(routes.hop("ff02::1")?.kind == .host && routes.hop("fe80::5")?.kind == .host)
      #expect(routes.hop("192.0.2.1") == nil)
      #expect(routes.plan.routers.map(\.ipv4) == [0x0A00_0001, 0x0A00_0101])
      #expect(routes.plan.routers[1].ipv6 == UInt128(addressText: "2001:db8:b::1"))
      #expect(routes.leads("10.5.1.1", to: RouterLab.rightMAC, port: 1), "a gateway is looked for by itself")
      #expect(routes.hop("10.5.1.1")?.mtu == 1500)
    }

    @Test func `routes that are added, replaced and deleted are followed`() throws {
      let lab = try RouterLab()
      try lab.router.addNeighbour("10.0.0.2", at: LinkAddress(number: RouterLab.leftMAC), on: "p0")
      try lab.router.addNeighbour("10.0.1.2", at: LinkAddress(number: RouterLab.rightMAC), on: "p1")
      try lab.router.addNeighbour("2001:db8:a::2", at: LinkAddress(number: RouterLab.leftMAC), on: "p0")
      try lab.router.addNeighbour("2001:db8:b::2", at: LinkAddress(number: RouterLab.rightMAC), on: "p1")
      let routes = try lab.follow()
      try lab.ip("route add 10.5.0.0/16 via 10.0.0.2", "route add 2001:db8:5::/48 via 2001:db8:a::2")
      #expect(routes.leads("10.5.1.1", to: RouterLab.leftMAC, port: 0))
      #expect(routes.leads("2001:db8:5::1", to: RouterLab.leftMAC, port: 0))
      try lab.ip(
        "route replace 10.5.0.0/16 via 10.0.1.2 mtu 1300", "route replace 2001:db8:5::/48 via 2001:db8:b::2 mtu 1290")
      #expect(routes.leads("10.5.1.1", to: RouterLab.rightMAC, port: 1) && routes.hop("10.5.1.1")?.mtu == 1300)
      #expect(
        routes.leads("2001:db8:5::1", to: RouterLab.rightMAC, port: 1) && routes.hop("2001:db8:5::1")?.mtu == 1290)
      // The lowest metric wins.
      try lab.ip("route add 10.5.0.0/16 via 10.0.0.2 metric 10", "route add 10.7.0.0/16 via 10.0.0.2 metric 10")
      try lab.ip("route add 10.7.0.0/16 via 10.0.1.2 metric 5")
      #expect(routes.leads("10.7.1.1", to: RouterLab.rightMAC, port: 1))
      #expect(routes.hop("10.5.1.1")?.port == 1)
      try lab.ip("route del 10.5.0.0/16 via 10.0.1.2", "route del 10.7.0.0/16 metric 5")
      #expect(routes.leads("10.5.1.1", to: RouterLab.leftMAC, port: 0))
      #expect(routes.leads("10.7.1.1", to: RouterLab.leftMAC, port: 0))
      try lab.ip("route del 10.5.0.0/16", "route del 10.7.0.0/16", "route del 2001:db8:5::/48")
      #expect(
        routes.becomes("10.5.1.1", nil) && routes.becomes("10.7.1.1", nil) && routes.becomes("2001:db8:5::1", nil))
      try lab.ip(
        "route add blackhole 10.5.0.0/16", "route add unreachable 10.6.0.0/16", "route add prohibit 2001:db8:6::/48",
        "route add throw 10.7.0.0/16")
      #expect(routes.becomes("10.5.1.1", .blackhole) && routes.becomes("10.6.1.1", .unreachable))
      #expect(routes.becomes("2001:db8:6::1", .prohibited) && routes.becomes("10.7.1.1", .unreachable))
      // By an IPv6 gateway, and by one that is in no connected network.
      try lab.ip(
        "route add 10.8.0.0/16 via inet6 2001:db8:b::2 dev p1", "route add 10.9.0.0/16 via 192.0.2.9 dev p0 onlink",
        "neigh replace 192.0.2.9 lladdr 02:00:00:00:00:99 dev p0 nud permanent")
      #expect(routes.leads("10.8.1.1", to: RouterLab.rightMAC, port: 1))
      #expect(routes.leads("10.9.1.1", to: 0x0200_0000_0099, port: 0))
      #expect(routes.hop("192.0.2.9") == nil, "a gateway that no network is connected for is no destination")
      #expect(routes.follower.statistics.dumps == 1 && routes.problems.isEmpty)
    }

    @Test func `paths of one route count in their order, and when one goes the next does`() throws {
      let lab = try RouterLab()
      let routes = try lab.follow()
      try lab.ip(
        "route add 10.5.0.0/16 nexthop via 10.0.9.7 dev d0 nexthop via 10.0.1.2 nexthop via 10.0.0.2",
        "route add 2001:db8:5::/48 nexthop via 2001:db8:b::2 nexthop via 2001:db8:a::2")
      #expect(routes.leads("10.5.1.1", to: RouterLab.rightMAC, port: 1), "d0 is no port")
      #expect(routes.leads("2001:db8:5::1", to: RouterLab.rightMAC, port: 1))
      try lab.ip("route del 2001:db8:5::/48 via 2001:db8:b::2")
      #expect(routes.leads("2001:db8:5::1", to: RouterLab.leftMAC, port: 0))
      try lab.ip("route append 2001:db8:5::/48 via 2001:db8:b::2")
      try lab.ip("link set p1 down")
      #expect(routes.leads("10.5.1.1", to: RouterLab.leftMAC, port: 0))
      try lab.ip("link set p0 down")
      #expect(routes.becomes("10.5.1.1", .host), "what is left leads out of d0")
    }

    @Test func `routes go with their device's link, and come back with it`() throws {
      let lab = try RouterLab()
      let routes = try lab.follow()
      try lab.ip(
        "route add 10.5.0.0/16 via 10.0.1.2 metric 5", "route add 10.5.0.0/16 via 10.0.0.2 metric 10",
        "route add 10.6.0.0/16 via 10.0.1.2")
      #expect(routes.leads("10.5.1.1", to: RouterLab.rightMAC, port: 1))
      // Carrier: the kernel keeps the routes.
      try lab.right.setUp("r0", false)
      #expect(routes.leads("10.5.1.1", to: RouterLab.leftMAC, port: 0) && routes.becomes("10.6.1.1", nil))
      #expect(routes.becomes("10.0.1.7", nil))
      try lab.right.setUp("r0", true)
      #expect(routes.leads("10.5.1.1", to: RouterLab.rightMAC, port: 1))
      #expect(routes.leads("10.6.1.1", to: RouterLab.rightMAC, port: 1))
      // Switched off: it deletes them, and tells nobody.
      try lab.ip("link set p1 down")
      #expect(routes.leads("10.5.1.1", to: RouterLab.leftMAC, port: 0) && routes.becomes("10.6.1.1", nil))
      try lab.ip("link set p1 up")
      #expect(routes.becomes("10.0.1.7", .unresolved))
      #expect(eventually { routes.hop("10.6.1.1") == nil && routes.hop("10.5.1.1")?.port == 0 })
    }

    @Test func `nexthop objects and groups of them are followed`() throws {
      let lab = try RouterLab()
      let routes = try lab.follow()
      try lab.ip(
        "nexthop add id 7 via 10.0.1.2 dev p1", "nexthop add id 8 via 10.0.0.2 dev p0", "nexthop add id 9 blackhole",
        "nexthop add id 20 group 7/8", "route add 10.5.0.0/16 nhid 7", "route add 10.6.0.0/16 nhid 20",
        "route add 10.7.0.0/16 nhid 9")
      #expect(routes.leads("10.5.1.1", to: RouterLab.rightMAC, port: 1))
      #expect(routes.leads("10.6.1.1", to: RouterLab.rightMAC, port: 1) && routes.becomes("10.7.1.1", .blackhole))
      try lab.ip("nexthop replace id 7 via 10.0.0.2 dev p0")
      #expect(routes.leads("10.5.1.1", to: RouterLab.leftMAC, port: 0))
      #expect(routes.leads("10.6.1.1", to: RouterLab.leftMAC, port: 0))
      try lab.ip("nexthop replace id 7 via 10.0.1.2 dev p1", "nexthop del id 8")
      #expect(routes.leads("10.6.1.1", to: RouterLab.rightMAC, port: 1))
      try lab.ip("nexthop del id 7")
      #expect(routes.becomes("10.5.1.1", nil) && routes.becomes("10.6.1.1", nil))
    }

    @Test func `another table is followed, and a device made anew is the port again`() throws {
      let lab = try RouterLab()
      try lab.ip("route add 10.5.0.0/16 via 10.0.1.2 table 1000", "route add 10.6.0.0/16 via 10.0.1.2")
      var configuration = RouterLab.configuration
      configuration.kernelRoutes?.table = 1000
      let routes = try lab.follow(configuration)
      #expect(routes.leads("10.5.1.1", to: RouterLab.rightMAC, port: 1))
      #expect(routes.hop("10.6.1.1") == nil && routes.hop("10.0.1.7") == nil && routes.hop("10.0.1.1")?.kind == .host)
      routes.follower.reconfigure(RouterLab.configuration)
      #expect(routes.becomes("10.5.1.1", nil) && routes.leads("10.6.1.1", to: RouterLab.rightMAC, port: 1))
      try lab.ip("link del p1")
      #expect(routes.becomes("10.6.1.1", nil))
      _ = try VethPair(
        VethEnd("p1", in: lab.router, address: LinkAddress(number: RouterLab.macs[1]), addresses: ["10.0.1.1/24"]),
        VethEnd("r1", in: lab.right, address: LinkAddress(number: 0x0200_0000_0098), addresses: ["10.0.1.2/24"]),
        mtu: 1400)
      try lab.ip("route add 10.6.0.0/16 via 10.0.1.2")
      #expect(routes.leads("10.6.1.1", to: 0x0200_0000_0098, port: 1) && routes.hop("10.6.1.1")?.mtu == 1400)
    }
  }
}
