import Forwarder
import Glibc
import PacketSamples
import Testing

@testable import XSKEngine
@testable import XSKLab

extension OnVeth {
  /// What is the host's own reaches its stack, whatever the engine does.
  @Suite("Punt") struct Punt {
    static let own = ["10.7.0.254", "fd07::fe"]

    @Test(arguments: [ModeRequest.auto, .generic], [false, true])
    func `ping, TCP and neighbours reach the host through a port whose engine drops everything`(
      mode: ModeRequest, hasMetadata: Bool
    ) throws {
      let lab = try PolicyLab()
      let configuration = lab.configuration(
        .host, mode: mode, metadata: hasMetadata ? MetadataLab.all : MetadataConfiguration())
      let engine = try lab.start(configuration) { _ in DropHandler() }
      for address in Self.own {
        #expect(try lab.answers(address))
        let transfer = try TCPTransfer.run(from: lab.guest, to: lab.host, address: address, bytes: 300_000)
        #expect(transfer.isIntact)
      }
      #expect(engine.punted(.ipv4) > 50 && engine.punted(.ipv6) > 50)
      #expect(engine.punted(.arp) > 0 && engine.punted(.neighbour) > 0)
      let source = try PacketSocket(in: lab.guest, device: "l0")
      let frame = try PolicyLab.template().frame(size: 64)
      for _ in 0..<100 { try source.send(frame) }
      #expect(engine.receives(100))
      let counters = engine.finish()
      // Next to nothing of the host's came to the engine: its guest's listener reports.
      #expect((100..<120).contains(counters.total(.receivedPackets)))
      #expect(counters.dropped(.policy) == counters.total(.receivedPackets))
    }

    @Test func `without punt the same traffic is the engine's, and the plain program is attached`() throws {
      let lab = try PolicyLab()
      let engine = try lab.start(lab.configuration()) { _ in DropHandler() }
      #expect(try lab.host.run { try NetworkDevice(named: "m0").program?.name } == "xsk_redirect")
      #expect(engine.kernelCounters == nil)
      #expect(try !lab.answers("10.7.0.254", within: .milliseconds(600)))
      engine.finish()
    }

    @Test(arguments: own)
    func `a session to the host lives through start, reload, stop and kill of the engine`(address: String) throws {
      let lab = try PolicyLab()
      let session = try EchoSession(from: lab.guest, to: lab.host, address: address)
      #expect(session.echoes())
      let configuration = lab.configuration(.host, offload: OffloadConfiguration())
      for _ in 0..<3 {
        let engine = try lab.start(configuration) { _ in DropHandler() }
        #expect(session.echoes())
        engine.verdicts?.removeAll()
        #expect(session.echoes())
        engine.finish()
        #expect(session.echoes())
      }
      let process = try lab.host.start([BuiltPrograms.testEngine, "--punt", "m0", "m1"])
      #expect(process.waitForOutput("running"))
      #expect(session.echoes())
      // Hung: no thread of it runs any more.
      process.signal(SIGSTOP)
      #expect(session.echoes())
      process.kill()
      #expect(session.echoes())
    }

    @Test func `addresses that come and go are followed`() throws {
      let lab = try PolicyLab()
      let engine = try lab.start(lab.configuration(.host)) { _ in DropHandler() }
      #expect(try lab.answers("10.7.0.254"))
      for (address, bare) in [("10.7.0.77/24", "10.7.0.77"), ("fd07::77/64", "fd07::77")] {
        try lab.host.addAddress(address, to: "m0")
        #expect(try lab.answers(bare))
        _ = try lab.host.run(["ip", "address", "delete", address, "dev", "m0"])
        // Its packets are the engine's then, which drops them.
        let before = CounterReader(engine).total(.receivedPackets)
        let isBack = try eventually {
          _ = try Ping.run(from: lab.guest, to: bare, count: 1, timeout: .milliseconds(20))
          return CounterReader(engine).total(.receivedPackets) > before
        }
        #expect(isBack)
      }
      // Those that stay stay.
      #expect(try lab.answers("10.7.0.254"))
      #expect(try lab.answers("fd07::fe"))
      engine.finish()
    }

    @Test func `a bridge answers for itself and forwards what neighbours ask each other`() throws {
      let lab = try PolicyLab()
      let punt = PuntConfiguration(addresses: .kernel, neighbours: .own)
      let engine = try lab.start(lab.configuration(punt, ports: ["m0", "m1"])) { _ in ForwardHandler() }
      for address in Self.own + ["10.7.0.2", "fd07::2"] { #expect(try lab.answers(address), "\(address)") }
      let counters = engine.finish()
      #expect(counters.total(.forwardedPackets) > 4)
    }

    /// A frame, and what becomes of it where 10.0.1.2 and 2001:db8::2 are the host's own.
    struct Case: CustomTestStringConvertible, Sendable {
      let testDescription: String
      let frame: [UInt8]
      let kind: PuntKind?

      init(_ name: String, _ kind: PuntKind?, _ frame: [UInt8]) {
        (testDescription, self.kind, self.frame) = (name, kind, frame)
      }

      init(_ name: String, _ kind: PuntKind?, _ change: (inout SamplePacket) -> Void) {
        self.init(name, kind, SamplePacket { change(&$0) }.with { $0.padding = 8 }.frame)
      }

      /// An ICMPv6 message with a body of 20 bytes to an address that is not the host's.
      static func icmpv6(
        _ name: String, _ kind: PuntKind?, type: UInt8, hopLimit: UInt8, hopByHop: Bool = false
      ) -> Case {
        Case(name, kind) {
          ($0.isIPv6, $0.transport, $0.timeToLive, $0.destinationHost) = (true, .other(58), hopLimit, 9)
          $0.payload = [type, 0, 0, 0] + [UInt8](repeating: 0, count: 20)
          if hopByHop { $0.extensions = [.padding(0)] }
        }
      }

      /// A copy of an IPv4 frame to another address.
      static func to(_ address: [UInt8], _ change: (inout SamplePacket) -> Void) -> [UInt8] {
        var frame = SamplePacket { change(&$0) }.with { $0.padding = 8 }.frame
        frame.replaceSubrange(30..<34, with: address)
        return frame
      }
    }

    static let punt = PuntConfiguration(
      addresses: .given([NetworkAddress("10.0.1.2")!, NetworkAddress("2001:db8::2")!]), neighbours: .all,
      listenerQueries: true, etherTypes: [0x88cc], protocols: [89, 112],
      services: [.init(ipProtocol: 17, port: 67)])

    static let cases: [Case] = [
      Case("own IPv4 address", .ipv4) { _ in },
      Case("own IPv4 address behind a VLAN tag", .ipv4) { $0.vlans = [(0x8100, 5)] },
      Case("own IPv4 address behind two VLAN tags", .ipv4) { $0.vlans = [(0x88a8, 5), (0x8100, 6)] },
      Case("first fragment to an own address", .ipv4) { $0.moreFragments = true },
      Case("last fragment to an own address", .ipv4) { $0.fragmentOffset = 100 },
      Case("IPv4 options", .ipv4) { $0.ipv4Options = [1, 1, 1, 1] },
      Case("own IPv6 address", .ipv6) { $0.isIPv6 = true },
      Case("own IPv6 address behind a VLAN tag", .ipv6) { ($0.isIPv6, $0.vlans) = (true, [(0x8100, 5)]) },
      Case("IPv6 fragment to an own address", .ipv6) {
        ($0.isIPv6, $0.extensions) = (true, [.fragment(offset: 10, more: false)])
      },
      Case("another's IPv4 address", nil) { $0.destinationHost = 3 },
      Case("another's IPv6 address", nil) { ($0.isIPv6, $0.destinationHost) = (true, 3) },
      Case("from an own address to another's", nil) { ($0.isIPv6, $0.sourceHost, $0.destinationHost) = (true, 2, 3) },
      .icmpv6("router solicitation", .neighbour, type: 133, hopLimit: 255),
      .icmpv6("neighbour solicitation", .neighbour, type: 135, hopLimit: 255),
      .icmpv6("redirect", .neighbour, type: 137, hopLimit: 255),
      .icmpv6("neighbour solicitation from afar", nil, type: 135, hopLimit: 64),
      .icmpv6("echo request to another", nil, type: 128, hopLimit: 255),
      .icmpv6("listener query", .listener, type: 130, hopLimit: 1, hopByHop: true),
      .icmpv6("listener report", nil, type: 143, hopLimit: 1, hopByHop: true),
      Case("ARP", .arp, [255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6] + [UInt8](repeating: 0, count: 46)),
      Case(
        "LLDP", .etherType, [1, 128, 194, 0, 0, 14, 2, 0, 0, 0, 0, 1, 0x88, 0xcc] + [UInt8](repeating: 0, count: 46)),
      Case("another EtherType", nil, NumberedFrame.make(1)),
      Case("OSPF to its group", .ipProtocol, Case.to([224, 0, 0, 5]) { $0.transport = .other(89) }),
      Case("OSPF between others", nil, Case.to([10, 0, 1, 3]) { $0.transport = .other(89) }),
      Case("another protocol to a group", nil, Case.to([224, 0, 0, 5]) { $0.transport = .other(90) }),
      Case(
        "DHCP to everybody", .service,
        Case.to([255, 255, 255, 255]) { ($0.transport, $0.destinationPort) = (.udp, 67) }),
      Case("DHCP between others", nil, Case.to([10, 0, 1, 3]) { ($0.transport, $0.destinationPort) = (.udp, 67) }),
      Case("TCP port 67 to a group", nil, Case.to([224, 0, 0, 5]) { $0.destinationPort = 67 }),
      Case("a frame that ends in its IP header", nil, Array(SamplePacket().frame.prefix(30))),
      Case("a frame that ends in its VLAN tag", nil, Array(SamplePacket { $0.vlans = [(0x8100, 5)] }.frame.prefix(16))),
    ]

    @Test func `each packet is punted as what it is, or not at all`() throws {
      let lab = try PolicyLab(isQuiet: true)
      let engine = try lab.start(lab.configuration(Self.punt)) { _ in DropHandler() }
      let source = try PacketSocket(in: lab.guest, device: "l0")
      let reader = CounterReader(engine)
      for entry in Self.cases {
        let before = engine.kernelCounters?.punted["m0"] ?? [:]
        let received = reader.total(.receivedPackets)
        try source.send(entry.frame)
        // The same queue carries both: once a frame for the engine is there, so is what went before it.
        try source.send(NumberedFrame.make(7))
        let isThere = eventually { reader.total(.receivedPackets) >= received + (entry.kind == nil ? 2 : 1) }
        #expect(isThere, "\(entry.testDescription)")
        var expected = before
        if let kind = entry.kind {
          expected[kind.name, default: .init()].packets += 1
          expected[kind.name, default: .init()].bytes += UInt64(entry.frame.count)
        }
        #expect(engine.kernelCounters?.punted["m0"] == expected, "\(entry.testDescription)")
        #expect(reader.total(.receivedPackets) == received + (entry.kind == nil ? 2 : 1), "\(entry.testDescription)")
      }
      engine.finish()
    }

    @Test func `without privileges the start says what it lacks, and leaves nothing behind`() throws {
      let lab = try PolicyLab(isQuiet: true)
      let result = try lab.host.run(
        ["setpriv", "--bounding-set=-all", "--inh-caps=-all", BuiltPrograms.testEngine, "--punt", "m0", "m1"])
      #expect(result.status == .exited(1))
      #expect(result.output.contains("CAP_NET_ADMIN"), "\(result.output)")
      #expect(try lab.host.run { try NetworkDevice(named: "m0").program } == nil)
    }

    @Test func `a device that is recreated punts again, and its counters go on`() throws {
      let lab = try PolicyLab()
      let engine = try lab.start(lab.configuration(.host)) { _ in DropHandler() }
      #expect(try lab.answers("10.7.0.254"))
      let before = engine.punted(.ipv4)
      try lab.guest.delete("l0")
      #expect(engine.says("m0 queue 0: lost"))
      try lab.connectGuest()
      #expect(engine.says("m0 queue 0: back"))
      #expect(try lab.answers("10.7.0.254"))
      #expect(engine.punted(.ipv4) > before && before > 0)
      engine.finish()
    }
  }
}
