import Forwarder
import PacketSamples
import Testing
import XSKLab

@testable import XSKEngine

extension OnVeth {
  /// Real protocols between a neighbour and a stack that is behind the engine.
  @Suite("The host's stack") struct HostTraffic {
    @Test(
      "ping and TCP transfers pass whole, both ways, with and without GRO", arguments: [1500, 9000] as [UInt32],
      [true, false])
    func transfers(mtu: UInt32, coalesces: Bool) throws {
      let lab = try HostLab(mtu: mtu)
      let tap = try lab.makeTap()
      #expect(tap.offloads == .all && tap.notes.isEmpty)
      let engine = try lab.start(tap, coalesces: coalesces)
      #expect(try lab.isPassing())
      for (there, here, overhead) in [("10.7.0.2", "10.7.0.1", 28), ("fd07::2", "fd07::1", 48)] {
        for payload in [8, 1000, Int(mtu) - overhead] {
          #expect(try Ping.run(from: lab.left, to: there, count: 3, payload: payload).received == 3)
        }
        let up = try TCPTransfer.run(from: lab.left, to: lab.host, address: there, bytes: 4_000_001)
        #expect(up.isIntact && up.receivedBytes == 4_000_001)
        let down = try TCPTransfer.run(from: lab.host, to: lab.left, address: here, bytes: 4_000_001)
        #expect(down.isIntact && down.receivedBytes == 4_000_001)
      }
      let counters = engine.finish()
      #expect(counters.total(.deliveredBytes) > 8_000_002)
      #expect(counters.total(.forwardedBytes) > 8_000_002)
      #expect(counters.dropped(.hostRefused) == 0 && counters.dropped(.hostMalformed) == 0)
      #expect(counters.dropped(.noFrame) == 0)
      let final = try engine.counters.snapshot()
      #expect((final.total(.units) > 0) == coalesces)
      // A packet of several descriptors does not merge in linear mode.
      if coalesces && mtu == 1500 { #expect(final.total(.unitPackets) > final.total(.units) * 6 / 5) }
    }

    @Test("a tap whose offload forms the kernel refused goes on without super-frames", arguments: 0..<3)
    func fallback(case number: Int) throws {
      let forms: TapOffloads = [[], [.checksum], [.checksum, .tcp4]][number]
      let lab = try HostLab()
      let tap = try lab.makeTap(offloads: forms)
      #expect(tap.offloads == forms)
      let engine = try lab.start(tap)
      #expect(try lab.isPassing())
      let before = try lab.host.link("tap0").counters
      let up = try TCPTransfer.run(from: lab.left, to: lab.host, address: "10.7.0.2", bytes: 1_000_000)
      let down = try TCPTransfer.run(from: lab.host, to: lab.left, address: "fd07::1", bytes: 1_000_000)
      #expect(up.isIntact && down.isIntact)
      let packets = try lab.host.link("tap0").counters.since(before).receivedPackets
      // The packets of 1,000,000 bytes, each alone; as super-frames of IPv4 there are far fewer.
      if number < 2 { #expect(packets > 690) }
      engine.finish()
    }

    @Test("frames arrive byte for byte in both directions, whatever they are", arguments: [true, false])
    func bytes(coalesces: Bool) throws {
      let lab = try HostLab(mtu: 9000)
      let tap = try lab.makeTap()
      let engine = try lab.start(tap, coalesces: coalesces)
      #expect(try lab.isPassing())
      let isOurs: ([UInt8]) -> Bool = { Array($0[12..<14]) == NumberedFrame.etherType }
      // Of one descriptor and of several, and around the boundary between them.
      let sizes = [60, 61, 1514, 1790, 1791, 1792, 1793, 3583, 3584, 3585, 9014]
      let frames = (0..<200).map { NumberedFrame.make($0, size: sizes[$0 % sizes.count]) }
      let (left, right) = (
        try PacketSocket(in: lab.left, device: "l0"), try PacketSocket(in: lab.host, device: "tap0")
      )
      for (from, to) in [(left, right), (right, left)] {
        for portion in 0..<10 {
          let part = Array(frames[portion * 20..<(portion + 1) * 20])
          for frame in part { try from.send(frame) }
          #expect(try to.receive(20, timeout: .seconds(10), where: isOurs) == part)
        }
      }
      let counters = engine.finish()
      #expect(counters.droppedTotal == 0)
    }

    @Test("the kernel takes the super-frames of a VLAN")
    func vlan() throws {
      let lab = try HostLab()
      let tap = try lab.makeTap()
      let engine = try lab.start(tap)
      #expect(try lab.isPassing())
      let frames = (0..<30).map { number in
        SamplePacket {
          ($0.vlans, $0.sequence) = ([(0x8100, 5)], UInt32(number * 1000))
          $0.payload = SamplePacket.fill(1000, from: number)
        }.frame
      }
      // In one go, so that they arrive in one burst; one try is enough unless the machine is busy.
      let sender = try RawEnd(in: lab.left, "l0")
      let receiver = try PacketSocket(in: lab.host, device: "tap0")
      let isTagged: ([UInt8]) -> Bool = { Array($0[12..<16]) == [0x81, 0, 0, 5] }
      let isMerged = try eventually {
        guard sender.send(frames) else { return false }
        var payload: [UInt8] = []
        var pieces = 0
        while payload.count < 30_000, let frame = try receiver.receive(timeout: .seconds(10)) {
          guard isTagged(frame) else { continue }
          payload += frame[58...]
          pieces += 1
        }
        #expect(payload == (0..<30).flatMap { SamplePacket.fill(1000, from: $0) })
        return pieces < 30
      }
      #expect(isMerged)
      let counters = engine.finish()
      #expect(counters.dropped(.hostRefused) == 0)
    }

    @Test("two workers have a queue of the tap each")
    func workers() throws {
      let lab = try HostLab(queues: 2)
      let tap = try lab.makeTap()
      var configuration = lab.configuration
      configuration.cores = [0, 1]
      configuration.worker.idle = .sleep
      let engine = try lab.start(tap, configuration)
      #expect(try lab.isPassing())
      for seed in 1...6 {
        let isUp = seed % 2 == 0
        let transfer = try TCPTransfer.run(
          from: isUp ? lab.left : lab.host, to: isUp ? lab.host : lab.left,
          address: isUp ? "10.7.0.2" : "fd07::1", bytes: 500_000, seed: UInt64(seed))
        #expect(transfer.isIntact)
      }
      let counters = engine.finish()
      #expect(counters.slots.count == 2 && counters.slots.allSatisfy { $0.count == 2 })
    }

    @Test("every idle policy wakes up for what the stack sends", arguments: IdlePolicy.allCases)
    func idle(_ policy: IdlePolicy) throws {
      let lab = try HostLab()
      let tap = try lab.makeTap()
      var configuration = lab.configuration
      configuration.worker.idle = policy
      let engine = try lab.start(tap, configuration)
      #expect(try lab.isPassing())
      #expect(try Ping.run(from: lab.host, to: "10.7.0.1", count: 5).received == 5)
      engine.finish()
    }

    @Test("a tap that is down refuses packets, which are counted; up again it takes them")
    func down() throws {
      let lab = try HostLab()
      let tap = try lab.makeTap()
      let engine = try lab.start(tap)
      #expect(try lab.isPassing())
      try lab.ip("link", "set", "tap0", "down")
      let counters = CounterReader(engine)
      let sender = try PacketSocket(in: lab.left, device: "l0")
      let before = counters.dropped(.hostRefused)
      for frame in NumberedFrame.series(50) { try sender.send(frame) }
      #expect(eventually { counters.dropped(.hostRefused) >= before + 50 })
      try lab.ip("link", "set", "tap0", "up")
      #expect(try lab.isPassing())
      engine.finish()
    }

    @Test("an interface that goes and comes back takes the tap's traffic again")
    func reopened() throws {
      let lab = try HostLab()
      let tap = try lab.makeTap()
      let engine = try lab.start(tap)
      #expect(try lab.isPassing())
      try lab.left.delete("l0")
      #expect(engine.says("h0: link is gone"))
      try PacketSocket(in: lab.host, device: "tap0").send(NumberedFrame.make(1))
      let counters = CounterReader(engine)
      #expect(eventually { counters.dropped(.portDown) > 0 })
      try lab.connect()
      #expect(engine.says("h0 queue 0: back"))
      #expect(try lab.isPassing())
      engine.finish()
    }

    @Test("packets of several frames leave, however few packets a burst has", arguments: [1, 2])
    func smallBurst(batch: Int) throws {
      let lab = try HostLab(mtu: 9000)
      let tap = try lab.makeTap()
      var configuration = lab.configuration
      configuration.worker.batch = batch
      let engine = try lab.start(tap, configuration)
      #expect(try lab.isPassing(payload: 9000 - 28))
      #expect(engine.finish().dropped(.noFrame) == 0)
    }
  }
}
