import Foundation
import Testing
import XSKLab

@testable import XSKEngine

extension OnVeth {
  /// Devices that go, come, and flap under a running engine.
  @Suite("Device faults") struct DeviceFaults {
    @Test("a device deleted under traffic is reported, the other port keeps running, and it comes back when recreated")
    func deleted() throws {
      let lab = try ForwardLab()
      let engine = try lab.forward()
      #expect(try lab.isPassing())
      let generator = try LiveFrameGenerator(
        in: lab.left, device: "l0", .init(frame: NumberedFrame.make(1), duration: .seconds(20), rate: 20_000))
      #expect(eventually { generator.sent > 2000 })
      try lab.left.delete("l0")
      #expect(engine.says("m0 queue 0: lost ("))
      #expect(engine.says("m0: link is gone"))
      _ = try? generator.stop()
      // What comes in on the other port is taken, and dropped for want of a way out.
      let counters = CounterReader(engine)
      let before = counters.dropped(.portDown)
      let source = try PacketSocket(in: lab.right, device: "r0")
      for frame in NumberedFrame.series(50) { try source.send(frame) }
      // At least: the host on the right looks for its lost neighbour, too.
      #expect(eventually { counters.dropped(.portDown) >= before + 50 })
      try lab.connectLeft()
      #expect(engine.says("m0 queue 0: back"))
      #expect(try lab.isPassing())
      #expect(engine.says("m0: link is up"))
      engine.finish()
    }

    @Test("several queues of one worker that are lost at once all come back")
    func severalQueues() throws {
      let lab = try ForwardLab(queues: 2)
      var configuration = lab.configuration
      configuration.cores = [1]
      let engine = try lab.forward(configuration)
      #expect(try lab.isPassing())
      try lab.left.delete("l0")
      try lab.right.delete("r0")
      for name in ["m0 queue 0", "m0 queue 1", "m1 queue 0", "m1 queue 1"] { #expect(engine.says("\(name): lost")) }
      try lab.connectLeft()
      try lab.connectRight()
      for name in ["m0 queue 0", "m0 queue 1", "m1 queue 0", "m1 queue 1"] {
        try #require(engine.says("\(name): back"), "\(engine.messages)")
      }
      #expect(try lab.isPassing())
      // Each of them carries packets again.
      let counters = CounterReader(engine)
      let ingress = engine.plan.workers[0].queues.filter { $0.port == 0 }
      let before = ingress.map { counters.get(.receivedPackets, slot: $0.slot) }
      let senders = try (0..<2).map { try RawEnd(in: lab.left, "l0", queue: $0) }
      for sender in senders { #expect(sender.send(NumberedFrame.series(10))) }
      let hasAll = eventually {
        zip(ingress, before).allSatisfy { counters.get(.receivedPackets, slot: $0.slot) >= $1 + 10 }
      }
      #expect(hasAll)
      engine.finish()
    }

    @Test("a device that is lost and recreated over and over costs no file descriptor")
    func descriptors() throws {
      let lab = try ForwardLab()
      let engine = try lab.forward()
      var counts: [Int] = []
      for round in 1...4 {
        try lab.left.delete("l0")
        let isLost = eventually {
          engine.messages.filter { $0.contains("m0 queue 0: lost") }.count == round
        }
        try #require(isLost, "\(engine.messages)")
        try lab.connectLeft()
        let isBack = eventually {
          engine.messages.filter { $0.contains("m0 queue 0: back") }.count == round
        }
        try #require(isBack, "\(engine.messages)")
        counts.append(try Self.engineDescriptors())
      }
      #expect(try lab.isPassing())
      #expect(counts.last == counts.first, "\(counts)")
      engine.finish()
    }

    /// Descriptors of programs, maps and links. (Tests beside this one open sockets and files of theirs.)
    private static func engineDescriptors() throws -> Int {
      try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count { name in
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
        return target?.contains("bpf") ?? false
      }
    }

    @Test("an MTU that changes as it runs counts from then on")
    func changedMTU() throws {
      let lab = try ForwardLab()
      let engine = try lab.forward()
      #expect(try lab.isPassing())
      for mtu: UInt32 in [1400, 1500] {
        try lab.middle.setMTU("m1", mtu)
        #expect(engine.says("m1: MTU is \(mtu)"))
        #expect(engine.portStatus[1].device.mtu == Int(mtu))
      }
      #expect(try lab.isPassing())
      engine.finish()
    }

    @Test("a device that is renamed stays its port's until it goes", arguments: [false, true])
    func renamed(whileDown: Bool) throws {
      let lab = try ForwardLab()
      let engine = try lab.forward()
      #expect(try lab.isPassing())
      if whileDown { try lab.middle.setUp("m1", false) }
      try lab.middle.rename("m1", to: "wan0")
      if whileDown { try lab.middle.setUp("wan0", true) }
      #expect(engine.says("m1: its device m1 is called wan0 now"))
      #expect(try lab.isPassing())
      #expect(!engine.messages.contains { $0.contains("gone") || $0.contains("lost") }, "\(engine.messages)")
      #expect(engine.portStatus[1].name == "m1" && engine.portStatus[1].device.name == "wan0")
      #expect(engine.counters.description.ports[1].device == "wan0")
      // Once it has gone, the port waits for the device that it was started with.
      try lab.right.delete("r0")
      #expect(engine.says("m1: link is gone"))
      try lab.connectRight()
      #expect(engine.says("m1 queue 0: back"))
      #expect(try lab.isPassing())
      #expect(engine.portStatus[1].device.name == "m1")
      engine.finish()
    }

    @Test("a device recreated with a larger MTU forwards packets of that size")
    func largerMTU() throws {
      let lab = try ForwardLab()
      var configuration = lab.configuration
      configuration.umem.chunkSize = 4096
      let engine = try lab.forward(configuration)
      #expect(try lab.isPassing())
      for (namespace, near, far) in [(lab.left, "l0", "m0"), (lab.right, "r0", "m1")] {
        try namespace.delete(near)
        #expect(engine.says("\(far) queue 0: lost"))
      }
      var wide = lab
      wide.mtu = 3000
      try wide.connectLeft()
      try wide.connectRight()
      #expect(engine.says("m0 queue 0: back"))
      #expect(engine.says("m1 queue 0: back"))
      #expect(try wide.isPassing(payload: 2900))
      engine.finish()
    }

    @Test("a namespace that goes with its end of the cable ends that port only")
    func namespaceDeleted() throws {
      let lab = try ForwardLab()
      let engine = try lab.forward()
      #expect(try lab.isPassing())
      lab.right.close()
      #expect(engine.says("m1 queue 0: lost"))
      #expect(engine.says("m1: link is gone"))
      let counters = CounterReader(engine)
      let source = try PacketSocket(in: lab.left, device: "l0")
      for frame in NumberedFrame.series(50) { try source.send(frame) }
      #expect(eventually { counters.dropped(.portDown) >= 50 })
      let other = try NetworkNamespace("other")
      try lab.connectRight(to: other)
      #expect(engine.says("m1 queue 0: back"))
      #expect(try lab.isPassing())
      engine.finish()
    }

    @Test("a link that flaps is reported, and carries packets afterwards", arguments: ["m0", "l0"])
    func flap(_ device: String) throws {
      let lab = try ForwardLab()
      let engine = try lab.forward()
      #expect(try lab.isPassing())
      let namespace = device == "m0" ? lab.middle : lab.left
      for round in 1...3 {
        try namespace.setUp(device, false)
        // The supervisor looks every 50 ms.
        let isDown = eventually {
          engine.messages.filter { $0 == "m0: link is down" }.count == round
        }
        #expect(isDown)
        try namespace.setUp(device, true)
        #expect(eventually { engine.messages.filter { $0 == "m0: link is up" }.count == round })
      }
      // Taking a device down takes its IPv4 routes away for a moment only; its addresses stay.
      #expect(try lab.isPassing())
      #expect(!engine.messages.contains { $0.contains("lost") })
      engine.finish()
    }

    @Test("an egress device that is down: its TX ring fills, more is dropped as tx_ring_full, and it recovers")
    func transmitRingFull() throws {
      let lab = try ForwardLab()
      var configuration = lab.configuration
      configuration.socket.rings = RingSizes(receive: 128, transmit: 64)
      let engine = try lab.forward(configuration)
      #expect(try lab.isPassing())
      try lab.middle.setUp("m1", false)
      let source = try PacketSocket(in: lab.left, device: "l0")
      let counters = CounterReader(engine)
      let before = counters.get(.receivedPackets, slot: 0)
      for number in 0..<400 {
        try source.send(NumberedFrame.make(number))
        // Slower than the worker: nothing is to be lost ahead of it.
        guard number % 32 == 31 else { continue }
        #expect(eventually { counters.get(.receivedPackets, slot: 0) >= before + UInt64(number) })
      }
      #expect(eventually { counters.dropped(.txRingFull) >= 400 - 64 })
      #expect(counters.dropped(.portDown) == 0)
      try lab.middle.setUp("m1", true)
      #expect(try lab.isPassing())
      engine.finish()
    }
  }
}
