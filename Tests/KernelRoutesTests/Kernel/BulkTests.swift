import Forwarder
import Glibc
import KernelRoutes
import PacketSamples
import Testing
import XSKEngine
import XSKLab

extension KernelTests {
  @Suite struct BulkTests {
    /// The networks 100.64.0.0/24, 100.64.1.0/24, …
    static func network(_ number: Int) -> String { "100.\(64 + number >> 16).\(number >> 8 & 255).\(number & 255)" }

    static func lines(_ count: Int, _ verb: String = "add") -> [String] {
      (0..<count).map { "route \(verb) \(network($0))/32 via 10.0.\($0 & 1).2" }
    }

    @Test func `a hundred thousand routes come, and go, in few plans`() throws {
      let lab = try RouterLab()
      let routes = try lab.follow(receiveBuffer: 16 << 20)
      try lab.ip(Self.lines(100_000), in: lab.router)
      #expect(
        eventually {
          routes.follower.statistics.ipv4Routes >= 100_000 && routes.hop(Self.network(99_999)) != nil
        })
      for number in [0, 1, 54_321, 99_999] {
        #expect(
          routes.leads(
            Self.network(number), to: number & 1 == 0 ? RouterLab.leftMAC : RouterLab.rightMAC, port: UInt8(number & 1))
        )
      }
      #expect(routes.hop(Self.network(100_000)) == nil)
      // One that starts now has the same.
      let other = try lab.follow()
      #expect(other.follower.statistics.ipv4Routes >= 100_000 && other.hop(Self.network(54_321))?.port == 1)
      // Never sooner than 50 ms one after the other, however slow the machine.
      let times = routes.times
      #expect(zip(times.dropFirst(), times).allSatisfy { $0 - $1 >= .milliseconds(49) })
      try lab.ip("link set p1 down")
      #expect(
        routes.becomes(Self.network(99_999), nil) && routes.leads(Self.network(54_320), to: RouterLab.leftMAC, port: 0))
      try lab.ip("route flush via 10.0.0.2")
      #expect(eventually { routes.follower.statistics.ipv4Routes < 100 })
    }

    @Test func `nothing is called while nothing changes`() throws {
      let lab = try RouterLab()
      let routes = try lab.follow()
      // Until duplicate address detection and the like are over.
      #expect(
        eventually {
          let before = routes.updates
          usleep(200_000)
          return routes.updates == before
        })
      let before = routes.updates
      // Things that change nothing for the forwarder: another table, another device's neighbours, a route in vain.
      try lab.ip(
        "route add 10.77.0.0/16 via 10.0.0.2 table 99",
        "neigh replace 10.0.9.9 lladdr 02:00:00:00:00:09 dev d0 nud permanent",
        "route add 10.0.0.0/24 dev p0 metric 999")
      usleep(300_000)
      #expect(routes.updates == before)
    }

    @Test func `what is lost for want of room is read anew`() throws {
      let lab = try RouterLab()
      // The smallest that the kernel gives, and a receiver that takes its time.
      let routes = try lab.follow(receiveBuffer: 1, delay: { usleep(100_000) })
      for round in 0..<3 {
        try lab.ip(Self.lines(3000), in: lab.router)
        try lab.ip(["route del \(Self.network(5))/32", "route add blackhole \(Self.network(5))/32"], in: lab.router)
        #expect(routes.becomes(Self.network(5), .blackhole))
        #expect(routes.reaches(Self.network(2999)) { $0?.port == 1 }, "round \(round)")
        try lab.ip(
          ["route del \(Self.network(5))/32"] + Self.lines(3000, "del").filter { !$0.contains("64.0.5/32") },
          in: lab.router)
        #expect(routes.becomes(Self.network(2999), nil) && routes.becomes(Self.network(5), nil))
      }
      #expect(routes.follower.statistics.losses > 0 && routes.follower.statistics.dumps > 1)
      #expect(routes.problems.isEmpty)
    }

    @Test func `a follower that is stopped calls no more, and leaves nothing`() throws {
      let lab = try RouterLab()
      let routes = try lab.follow()
      try lab.ip("route add 10.5.0.0/16 via 10.0.1.2")
      #expect(routes.leads("10.5.1.1", to: RouterLab.rightMAC, port: 1))
      routes.follower.stop()
      let before = routes.updates
      try lab.ip("route del 10.5.0.0/16")
      usleep(200_000)
      #expect(routes.updates == before)
      routes.follower.stop()
    }
  }
}
