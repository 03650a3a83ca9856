import CXsk
import Forwarder
import Glibc
import Testing

@testable import XSKEngine
@testable import XSKLab

extension OnVeth {
  /// Verdicts that the XDP program carries out, and that every packet is counted once.
  @Suite("Verdict offload") struct Offload {
    static let attacker = NetworkAddress("198.51.100.1")!
    static let flood = VerdictKey.source(attacker, port: 0)
    static let some = OffloadConfiguration(flows: 64, sources: 64)

    /// Sends through the generator, and waits until all that the device took is accounted for.
    ///
    /// - Returns: packets sent.
    private func send(
      _ lab: PolicyLab, _ packets: UInt64, flows: UInt32 = 1, source: String = "198.51.100.1"
    ) throws -> UInt64 {
      let frame = try PolicyLab.template(
        source: source, destination: source.contains(":") ? "2001:db8::9" : "203.0.113.1"
      ).frame(size: 64)
      let report = try LiveFrameGenerator(
        in: lab.guest, device: "l0",
        .init(frame: frame, flows: flows, packets: packets, duration: .seconds(60), rate: 200_000)
      ).wait()
      return report.packets
    }

    /// Packets that the device lost before any program saw them: known once nothing is under way any more.
    private func lost(_ lab: PolicyLab) throws -> UInt64 { try lab.host.link("m0").counters.receiveDropped }

    /// What of the packets came to the kernel's program and to nobody after it.
    private func unseen(_ engine: Engine) -> UInt64 {
      CounterReader(engine).total(.kernelRXDropped) + CounterReader(engine).total(.kernelRXRingFull)
    }

    /// How a flood comes in.
    struct Flood: Sendable {
      var mode = ModeRequest.auto
      var metadata = MetadataConfiguration()
      var address = "198.51.100.1"
    }

    @Test(arguments: [
      Flood(), Flood(address: "2001:db8::1"), Flood(metadata: MetadataLab.all), Flood(mode: .generic),
      Flood(mode: .generic, metadata: MetadataLab.all, address: "2001:db8::1"),
    ])
    func `a flood from one source is dropped in the kernel, and every packet is counted once`(
      flood: Flood
    ) throws {
      let lab = try PolicyLab(isQuiet: true)
      let configuration = lab.configuration(
        .host, mode: flood.mode, metadata: flood.metadata, offload: Self.some)
      let engine = try lab.start(configuration) { _ in DropHandler() }
      let table = try #require(engine.verdicts)
      let source = try #require(NetworkAddress(flood.address))
      let reason = DropReason.custom(3)
      var sent = try send(lab, 5000, source: flood.address)
      #expect(table.install(.source(source, port: 0), .drop(reason), lifetime: .seconds(100)) == .installed)
      // Two sources: the generator's next address after 16,384 flows is another's.
      sent += try send(lab, 40_000, flows: 20_000, source: flood.address)
      let during = try #require(engine.kernelCounters).dropped(reason).packets
      #expect(during > 20_000)
      let counters = CounterReader(engine)
      // What is still on its way when the engine stops comes to the host, and is nobody's to count.
      _ = try eventually(.seconds(10)) {
        let inKernel = try #require(engine.kernelCounters).dropped(reason).packets
        return inKernel + counters.total(.receivedPackets) + unseen(engine) + (try lost(lab)) == sent
      }
      engine.stop()
      counters.expectInvariants()
      let dropped = try #require(engine.kernelCounters).dropped(reason)
      #expect(dropped.bytes == dropped.packets * 64)
      #expect(dropped.packets + counters.total(.receivedPackets) + unseen(engine) + (try lost(lab)) == sent)
      #expect(counters.total(.receivedPackets) > 5000)
    }

    @Test func `a flow's verdict holds for it alone, until it is over, removed, or of the past`() throws {
      let lab = try PolicyLab(isQuiet: true)
      let engine = try lab.start(lab.configuration(offload: Self.some)) { _ in DropHandler() }
      let table = try #require(engine.verdicts)
      let socket = try PacketSocket(in: lab.guest, device: "l0")
      let reader = CounterReader(engine)
      var template = PolicyLab.template()

      /// Whether the engine gets a frame; if not the kernel drops it, as it counts.
      func passes(_ change: (inout FrameTemplate) -> Void = { _ in }) throws -> Bool {
        var changed = template
        change(&changed)
        let before = (reader.total(.receivedPackets), engine.kernelCounters?.droppedPackets ?? 0)
        try socket.send(changed.frame(size: 80))
        try #require(
          eventually {
            reader.total(.receivedPackets) + (engine.kernelCounters?.droppedPackets ?? 0) == before.0 + before.1 + 1
          })
        return reader.total(.receivedPackets) > before.0
      }
      func key(port: UInt8 = 0, vlan: UInt16 = VerdictKey.untagged) -> VerdictKey {
        .flow(
          from: Self.attacker, template.sourcePort, to: NetworkAddress("203.0.113.1")!, template.destinationPort,
          ipProtocol: 17, port: port, outerVLAN: vlan)
      }
      #expect(try passes())
      #expect(table.install(key(port: 1), .drop(.policy), lifetime: .seconds(100)) == .installed)
      #expect(table.install(key(vlan: 5), .drop(.policy), lifetime: .seconds(100)) == .installed)
      #expect(try passes())
      #expect(try !passes { $0.vlan = 0x2005 })
      #expect(table.install(key(), .drop(.policy), lifetime: .seconds(100)) == .installed)
      #expect(try !passes())
      #expect(try passes { $0.sourcePort += 1 })
      #expect(try passes { $0.destinationPort += 1 })
      #expect(try passes { $0.source = "198.51.100.2" })
      #expect(try passes { $0.transport = .tcp })
      #expect(table.used == (3, 0))
      #expect(Set(table.entries().map(\.key)) == [key(), key(port: 1), key(vlan: 5)])
      #expect(table.entries(limit: 2).count == 2)

      // Another verdict for the same key.
      #expect(table.install(key(), .drop(.custom(1)), lifetime: .seconds(100)) == .installed)
      #expect(try !passes())
      #expect(engine.kernelCounters?.dropped(.custom(1)).packets == 1)
      // Removed.
      #expect(table.remove(key()) && !table.remove(key()))
      #expect(try passes())
      // Over.
      #expect(table.install(key(), .drop(.policy), lifetime: .milliseconds(300)) == .installed)
      #expect(table.install(key(), .drop(.policy), lifetime: .milliseconds(300)) == .renewed)
      #expect(try !passes())
      #expect(try eventually { try passes() })
      // Of the past, and all of it at once.
      #expect(table.install(key(), .drop(.policy), lifetime: .seconds(100)) != .full)
      #expect(table.install(Self.flood, .drop(.policy), lifetime: .seconds(100)) == .installed)
      #expect(try !passes())
      let generation = table.generation
      #expect(table.removeAll() == generation + 1)
      #expect(try passes())
      #expect(table.used == (0, 0) && table.entries().isEmpty)
      #expect(table.install(key(), .drop(.policy), lifetime: .seconds(1), decidedIn: generation) == .stale)
      // IPv6.
      template = PolicyLab.template(source: "2001:db8::1", destination: "2001:db8::9")
      #expect(try passes())
      let flow6 = VerdictKey.flow(
        from: NetworkAddress("2001:db8::1")!, template.sourcePort, to: NetworkAddress("2001:db8::9")!,
        template.destinationPort, ipProtocol: 17, port: 0)
      #expect(table.install(flow6, .drop(.policy), lifetime: .seconds(100)) == .installed)
      #expect(try !passes())
      #expect(try passes { $0.sourcePort += 1 })
      let all = engine.kernelCounters
      engine.stop()
      #expect(engine.kernelCounters?.dropped == all?.dropped)
    }

    @Test func `a full table refuses, counts it, and has room again when something is over`() throws {
      let lab = try PolicyLab(isQuiet: true)
      let configuration = lab.configuration(offload: OffloadConfiguration(flows: 0, sources: 2))
      let engine = try lab.start(configuration) { _ in DropHandler() }
      let table = try #require(engine.verdicts)
      let keys = (1...3).map { VerdictKey.source(NetworkAddress(ipv4: $0), port: 0) }
      let outcomes = table.install(keys.map { (key: $0, verdict: .drop(.policy)) }, lifetime: .milliseconds(200))
      #expect(outcomes == [.installed, .installed, .full])
      #expect(table.tally.full == 1 && table.used == (0, 2) && table.capacity == (0, 2))
      #expect(eventually { table.install(keys[2], .drop(.policy), lifetime: .seconds(10)) == .installed })
      let flow = VerdictKey.flow(from: Self.attacker, 1, to: Self.attacker, 2, ipProtocol: 6, port: 0)
      #expect(table.install(flow, .drop(.policy), lifetime: .seconds(1)) == .unsupported)
      #expect(table.install(keys[0], .drop(.policy), lifetime: .zero) == .unsupported)
      #expect(table.install(keys[0], .redirect(to: 3), lifetime: .seconds(1)) == .noEgress)
      engine.finish()
    }

    @Test(arguments: [ModeRequest.auto, .generic])
    func `a redirected flow leaves by another device byte for byte, and is counted`(mode: ModeRequest) throws {
      let lab = try PolicyLab(isQuiet: true, farGRO: mode == .auto)
      let configuration = lab.configuration(ports: ["m0", "m1"], mode: mode, offload: Self.some)
      let engine = try lab.start(configuration) { _ in DropHandler() }
      let table = try #require(engine.verdicts)
      #expect(table.install(Self.flood, .redirect(to: 1), lifetime: .seconds(100)) == .installed)
      let socket = try PacketSocket(in: lab.guest, device: "l0")
      let far = try PacketSocket(in: lab.far, device: "r0")
      let frames = try (0..<100).map { try PolicyLab.template().frame(size: 100, seed: UInt8($0)) }
      for frame in frames { try socket.send(frame) }
      let arrived = try far.receive(100, timeout: .seconds(2)) { frames.contains($0) }
      #expect(arrived == frames)
      // What claims to be longer than it is, is the engine's to judge.
      var cut = frames[0]
      cut[16] = 4
      try socket.send(cut)
      #expect(engine.receives(1))
      engine.stop()
      #expect(engine.kernelCounters?.redirected["m1"] == .init(packets: 100, bytes: 10_000))
      #expect(CounterReader(engine).total(.receivedPackets) == 1)
    }

    @Test func `a device that takes no redirected packets is found out, and its packets stay with the engine`() throws {
      let lab = try PolicyLab(isQuiet: true, farGRO: false)
      let configuration = lab.configuration(ports: ["m0", "m1"], mode: .auto, offload: Self.some)
      let engine = try lab.start(configuration) { _ in ForwardHandler() }
      let table = try #require(engine.verdicts)
      #expect(engine.says("m1: takes no packets from the kernel's redirect"))
      #expect(table.install(Self.flood, .redirect(to: 1), lifetime: .seconds(100)) == .noEgress)
      try lab.setFarGRO(true)
      let isTaken = eventually { table.install(Self.flood, .redirect(to: 1), lifetime: .seconds(100)) == .installed }
      #expect(isTaken)
      #expect(engine.says("m1: takes packets from the kernel's redirect again"))
      try lab.setFarGRO(false)
      #expect(eventually { engine.ports[1].egress == nil })
      // The verdict is there, but there is no way: the engine forwards.
      let socket = try PacketSocket(in: lab.guest, device: "l0")
      let far = try PacketSocket(in: lab.far, device: "r0")
      let frame = try PolicyLab.template().frame(size: 100)
      try socket.send(frame)
      #expect(try far.receive(1, timeout: .seconds(10)) { $0 == frame } == [frame])
      let counters = engine.finish()
      #expect(counters.total(.forwardedPackets) >= 1)
      #expect(engine.kernelCounters?.redirectedPackets == 0)
    }

    /// Asks for a verdict on each packet's source; its table generation is 0.
    struct Asking: PacketHandler {
      let requests: OffloadRequests?

      mutating func handle(_ burst: inout Burst) {
        for _ in 0..<burst.count {
          requests?.ask(Offload.flood, .drop(.custom(9)), milliseconds: 60_000, decidedIn: 0)
        }
        burst.decideAll(.drop(.policy))
      }
    }

    @Test func `a worker asks, and the kernel drops from then on`() throws {
      let lab = try PolicyLab(isQuiet: true)
      let engine = try lab.start(lab.configuration(offload: Self.some)) { Asking(requests: $0.offload) }
      var sent = try send(lab, 1000)
      #expect(eventually { engine.verdicts?.used.sources == 1 })
      let before = CounterReader(engine).total(.receivedPackets)
      sent += try send(lab, 5000)
      #expect(CounterReader(engine).total(.receivedPackets) == before)
      engine.stop()
      let dropped = try #require(engine.kernelCounters).dropped(.custom(9)).packets
      let lost = try lost(lab)
      #expect(dropped + lost >= 5000 && dropped + before + unseen(engine) + lost == sent)
    }

    @Test func `verdicts and counters outlive a device that is lost and comes back`() throws {
      let lab = try PolicyLab(isQuiet: true)
      let engine = try lab.start(lab.configuration(offload: Self.some)) { _ in DropHandler() }
      let table = try #require(engine.verdicts)
      #expect(table.install(Self.flood, .drop(.policy), lifetime: .seconds(100)) == .installed)
      var sent = try send(lab, 2000)
      sent -= try lost(lab)  // The device takes its counters with it.
      try lab.guest.delete("l0")
      #expect(engine.says("m0 queue 0: lost"))
      try lab.connectGuest()
      #expect(engine.says("m0 queue 0: back"))
      sent += try send(lab, 2000)
      engine.stop()
      #expect(engine.kernelCounters?.dropped(.policy).packets == sent - (try lost(lab)))
    }

    @Test func `the final counters have what the kernel did until the program was off`() throws {
      let lab = try PolicyLab(isQuiet: true)
      let engine = try lab.start(lab.configuration(offload: Self.some)) { _ in DropHandler() }
      #expect(engine.verdicts?.install(Self.flood, .drop(.policy), lifetime: .seconds(100)) == .installed)
      let generator = try LiveFrameGenerator(
        in: lab.guest, device: "l0",
        .init(frame: try PolicyLab.template().frame(size: 64), duration: .seconds(20), rate: 100_000))
      #expect(eventually { engine.kernelCounters?.droppedPackets ?? 0 > 5000 })
      let final = engine.stop()
      _ = try? generator.stop()
      #expect(final?.kernel?.droppedPackets == engine.kernelCounters?.droppedPackets)
      #expect(engine.verdicts?.used.sources == 0)
    }
  }
}

extension PolicyLab {
  func setFarGRO(_ isOn: Bool) throws {
    let code = try far.run { unsafe cxsk_lab_set_gro("r0", isOn ? 1 : 0) }
    try #require(code == 0)
  }
}
