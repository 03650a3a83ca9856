import ContainerDataplane
import Glibc
import Operations
import Synchronization
import Testing
import XSKEngine
import XSKLab

extension OnVeth {
  /// `xskd dataplane` between tenants, and the world behind the uplink.
  @Suite("Container dataplane") struct ContainerDataplane {
    @Test("tenants reach the world and each other, and the world reaches them")
    func reaches() throws {
      let lab = try NodeLab()
      let guests = try lab.serveTenants(2)
      let (one, two) = (guests[0].namespace, guests[1].namespace)
      #expect(try lab.answers("192.0.2.1", from: one))
      #expect(try lab.answers("2001:db8::1", from: one))
      #expect(try lab.answers("10.1.0.2", from: one))
      #expect(try lab.answers("fd00::2", from: one))
      #expect(try lab.answers("10.1.0.1", from: lab.world))
      // The host itself: its own addresses are the kernel's.
      #expect(try lab.answers("192.0.2.10", from: one))
      let out = try TCPTransfer.run(from: one, to: lab.world, address: "192.0.2.1", bytes: 2_000_000)
      let into = try TCPTransfer.run(from: lab.world, to: two, address: "10.1.0.2", bytes: 2_000_000)
      let between = try TCPTransfer.run(from: two, to: one, address: "fd00::1", bytes: 2_000_000)
      #expect(out.isIntact && into.isIntact && between.isIntact)
      let traffic = try lab.traffic(1)
      #expect(traffic.egress.bytes > 2_000_000 && traffic.ingress.bytes > 2_000_000)
      #expect(traffic.egress.dropped["spoofed_mac"] == nil && traffic.egress.dropped["spoofed_address"] == nil)
      try lab.stop()
    }

    @Test("what a tenant forges is stopped and counted")
    func spoofing() throws {
      let lab = try NodeLab()
      let guests = try lab.serveTenants(2)
      let (one, two) = (guests[0].namespace, guests[1].namespace)
      #expect(try lab.answers("10.1.0.2", from: one))
      let sender = try PacketSocket(in: one, device: "eth0")
      let listener = try PacketSocket(in: two, device: "eth0")
      func frame(mac: LinkAddress, source: String) throws -> [UInt8] {
        var template = FrameTemplate(
          sourceAddress: mac, destinationAddress: try #require(LinkAddress(guests[0].tenant.hostMAC)), source: source,
          destination: "10.1.0.2")
        template.destinationPort = 4711
        return try template.frame(size: 100)
      }
      let own = try #require(LinkAddress(guests[0].tenant.mac))
      for _ in 0..<10 {
        try sender.send(try frame(mac: "02:00:00:00:00:02", source: "10.1.0.1"))
        try sender.send(try frame(mac: own, source: "192.0.2.77"))
        try sender.send(try frame(mac: own, source: "10.1.0.2"))
      }
      try sender.send(try frame(mac: own, source: "10.1.0.1"))
      let arrived = try listener.receive(1, timeout: .seconds(10)) {
        $0.count == 100 && $0[36] == 0x12 && $0[37] == 0x67
      }
      #expect(arrived.map { Array($0[26..<30]) } == [[10, 1, 0, 1]], "the one that is its own, which came last")
      let traffic = try lab.traffic(1)
      #expect(traffic.egress.dropped["spoofed_mac"] == 10 && traffic.egress.dropped["spoofed_address"] == 20)
      try lab.stop()
    }

    @Test("tenants come and go while another's TCP flow goes on")
    func comeAndGo() throws {
      let lab = try NodeLab(
        "  web: {ingress: {default: drop, rules: [{name: icmp, match: {protocol: icmp}, then: accept}]}}")
      let guest = try lab.serveTenants(1)[0]
      let (first, one) = (guest.tenant, guest.namespace)
      #expect(try lab.answers("192.0.2.1", from: one))
      let world = lab.world
      let flow = Mutex<Result<TCPTransfer, XSKError>?>(nil)
      try SystemThread.start("flow") {
        let outcome = Result { () throws(XSKError) in
          try TCPTransfer.run(from: one, to: world, address: "192.0.2.1", bytes: 60_000_000, timeout: .seconds(60))
        }
        flow.withLock { $0 = outcome }
      }
      var rounds = 0
      var second = try lab.connect(2, policy: "web")
      while flow.withLock({ $0 == nil }) && rounds < 6 {
        rounds += 1
        second.policy = rounds % 2 == 0 ? "web" : "open"
        try lab.follow([first, second])
        #expect(try lab.answers("10.1.0.2", from: lab.world))
        try lab.follow([first])
        #expect(try lab.traffic(1).egress.dropped["no_such_port"] == nil)
      }
      #expect(eventually { flow.withLock { $0 != nil } })
      let transfer = try #require(flow.withLock { $0 }).get()
      #expect(transfer.isIntact && rounds > 0)
      try lab.stop()
    }

    @Test("a state that is not right changes nothing and says why; killed and restarted it takes the state up again")
    func stateFile() throws {
      let lab = try NodeLab()
      let guests = try lab.serveTenants(2)
      let (one, two) = (guests[0].namespace, guests[1].namespace)
      #expect(try lab.answers("10.1.0.2", from: one))
      for (bytes, words) in [
        (Array("{".utf8), "no JSON"), (Array("{\"version\": 1, \"generation\": 1}".utf8), "tenants: is missing"),
      ] {
        try lab.writeState(bytes)
        let report = try lab.reload()
        #expect(report.state == .refused && report.problems.first?.contains(words) == true, "\(report)")
      }
      let all = guests.map(\.tenant)
      var wrong = all
      wrong[0].policy = "nowhere"
      try lab.write(wrong)
      #expect(try lab.reload().problems.first?.contains("not in the configuration") == true)
      #expect(try Ping.run(from: one, to: "10.1.0.2", count: 5).isComplete)
      try lab.write(all)
      try lab.kill()
      try lab.start()
      try lab.expectOpen(2)
      #expect(try lab.answers("10.1.0.1", from: two))
      #expect(try lab.answers("192.0.2.1", from: two))
      try lab.stop()
    }

    @Test("a VLAN's tenant is a host of that VLAN, ARP and all, beside routed ones")
    func vlan() throws {
      let lab = try NodeLab()
      let all = [try lab.connect(1), try lab.connect(3, vlan: 7)]
      try lab.serve(all)
      let three = try #require(lab.tenants[3])
      // A network card would keep the VLAN, and what is sent to the tenant's MAC address, to itself.
      #expect(try eventually { try lab.node.promiscuity(of: "up0") == 1 })
      // A host of the VLAN asks for the tenant's address: the answer is the tenant's own.
      let outside = try PacketSocket(in: lab.world, device: "w0")
      let asker: [UInt8] = [2, 0, 0, 0, 0xBB, 7]
      let question: [UInt8] =
        [255, 255, 255, 255, 255, 255] + asker + [0x81, 0, 0, 7, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1] + asker
        + [10, 9, 0, 77, 0, 0, 0, 0, 0, 0, 10, 9, 0, 3]
      let mine = try #require(LinkAddress(all[1].mac)).bytes
      let answer = asker + mine + [0x81, 0, 0, 7, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2] + mine + [10, 9, 0, 3]
      let isAnswered = try eventually {
        try outside.send(question)
        return try outside.receive(1, timeout: .milliseconds(200)) { $0.starts(with: answer) }.count == 1
      }
      #expect(isAnswered)
      // And the tenant's packets leave with the tag, whatever their addresses are.
      let inside = try PacketSocket(in: three, device: "eth0")
      let frame = asker + mine + [0x88, 0xB5] + [UInt8](repeating: 9, count: 50)
      try inside.send(frame)
      let tagged = try outside.receive(1, timeout: .seconds(10)) { Array($0.suffix(52)) == Array(frame.suffix(52)) }
      #expect(tagged.map { Array($0.prefix(18)) } == [asker + mine + [0x81, 0, 0, 7, 0x88, 0xB5]])
      #expect(try lab.answers("192.0.2.1", from: try #require(lab.tenants[1])))
      // The uplink's MAC address is what untagged packets have to be for, also a new one.
      #expect(try lab.node.run(["ip", "link", "set", "dev", "up0", "address", "02:00:00:00:77:01"]).succeeded)
      #expect(
        try eventually { try lab.answers("192.0.2.1", from: try #require(lab.tenants[1])) })
      try lab.follow([all[0]])
      #expect(try eventually { try lab.node.promiscuity(of: "up0") == 0 })
      try lab.stop()
    }

    @Test("the kernel's routes and neighbours lead to the world")
    func kernelRoutes() throws {
      let lab = try NodeLab(routes: "routes: kernel")
      let guest = try lab.serveTenants(1)[0]
      let (first, one) = (guest.tenant, guest.namespace)
      #expect(try lab.answers("192.0.2.1", from: one))
      let second = try lab.connect(2)
      try lab.follow([first, second])
      #expect(try lab.answers("192.0.2.1", from: try #require(lab.tenants[2])))
      #expect(try lab.answers("10.1.0.2", from: one))
      try lab.stop()
    }
  }
}
