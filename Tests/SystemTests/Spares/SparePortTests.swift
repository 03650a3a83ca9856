import Foundation
import Forwarder
import Testing
import XSKLab

@testable import XSKEngine

extension OnVeth {
  /// Devices that are put into a running engine and taken out again.
  @Suite("Spare ports") struct Spares {
    @Test("a device is plugged in, its packets are taken, and unplugged they are the kernel's again")
    func plugAndUnplug() throws {
      let lab = try SpareLab()
      let far = try NetworkNamespace("far")
      try lab.connect(far, "t0")
      #expect(lab.engine.portStatus[2].link == "empty" && lab.engine.portStatus[2].name == "spare0")
      try lab.engine.plug("t0", into: 2)
      try #require(lab.becomes(2, .open), "\(lab.engine.messages)")
      #expect(lab.engine.portStatus[2].name == "t0" && lab.engine.portStatus[2].link == "up")
      #expect(lab.engine.counters.description.ports[2].name == "t0")
      #expect(try lab.mirrored(far, count: 50) == 50)
      try lab.engine.unplug(2)
      try #require(lab.becomes(2, .empty), "\(lab.engine.messages)")
      #expect(lab.engine.counters.description.ports[2].name == "spare0")
      // The kernel lets go of a queue a moment after its socket was closed.
      let isFree = try eventually {
        let device = try lab.lab.middle.run { try NetworkDevice(named: "t0") }
        return device.program == nil && device.boundQueues?.isEmpty ?? true
      }
      #expect(isFree)
      #expect(try lab.lab.isPassing())
      let counters = lab.engine.finish()
      #expect(counters.get(.receivedPackets, slot: 2) == 50 && counters.get(.transmittedPackets, slot: 2) == 50)
    }

    @Test("100 times in and out under the traffic of other ports: every frame and packet is accounted for")
    func manyTimes() throws {
      let lab = try SpareLab(spares: 2, isSilent: true)
      let sink = try DropCounter(in: lab.lab.right, device: "r0")
      let far = try NetworkNamespace("far")
      try lab.connect(far, "t0")
      let generator = try LiveFrameGenerator(
        in: lab.lab.left, device: "l0", .init(frame: NumberedFrame.make(1), duration: .seconds(100), rate: 5000))
      var mirrored = 0
      var descriptors: Int?
      for round in 0..<100 {
        let port = 2 + round % 2
        try lab.engine.plug("t0", into: port)
        // The queue was another port's a moment before, and is free when the kernel gets to it.
        try #require(lab.becomes(port, .open, within: .seconds(60)), "\(lab.engine.messages)")
        mirrored += try lab.mirrored(far, count: 10)
        try lab.engine.unplug(port)
        try #require(lab.becomes(port, .empty, within: .seconds(60)), "\(lab.engine.messages)")
        guard round % 10 == 9 else { continue }
        let first = try descriptors ?? Self.descriptors()
        descriptors = first
        // The supervisor's questions to the kernel take one now and then, and what it makes ahead for both ports, programs
        // and a socket, may not have been there the first time. 90 rounds that leave something are more than that.
        let isAsBefore = try eventually { try Self.descriptors() <= first + 16 }
        #expect(isAsBefore)
      }
      let sent = try generator.stop().packets
      #expect(mirrored == 1000)
      // What a veth could not give to the socket (RX or fill ring) it counts as dropped, as it does what did not fit into its
      // own ring: XDP_STATISTICS tell of the former once more.
      let isOver = try eventually {
        try sink.count + lab.lab.middle.link("m0").counters.receiveDropped >= sent
      }
      #expect(isOver)
      let counters = lab.engine.finish()
      let dropped = try lab.lab.middle.link("m0").counters.receiveDropped
      #expect(counters.get(.receivedPackets, slot: 0) + dropped == sent, "dropped \(dropped)")
      #expect(counters.get(.forwardedPackets, slot: 0) == sink.count)
      #expect(counters.get(.receivedPackets, slot: 2) + counters.get(.receivedPackets, slot: 3) == 1000)
      #expect(counters.get(.framesInPool, worker: 0) > 0)
    }

    /// Descriptors of programs, maps, links, and AF_XDP sockets' rings. (Tests beside this one open files of theirs.)
    private static func descriptors() throws -> Int {
      try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count { name in
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
        return target.map { $0.contains("bpf") || $0.contains("socket") } ?? false
      }
    }

    @Test("what a device needs is made before it comes; one that is not as was thought is plugged in all the same")
    func madeAhead() throws {
      let lab = try SpareLab(spares: 2)
      #expect(eventually { lab.engine.ports[2].current.loaded != nil && lab.engine.ports[3].current.loaded != nil })
      #expect(eventually { lab.engine.threads.allSatisfy { $0.spareSocket.withLock { $0 != nil } } })
      let far = try NetworkNamespace("far")
      try lab.connect(far, "t0")
      try lab.engine.plug("t0", into: 2)
      try #require(lab.becomes(2, .open), "\(lab.engine.messages)")
      #expect(lab.engine.ports[2].current.loaded == nil, "it was taken")
      #expect(try lab.mirrored(far, count: 20) == 20)
      #expect(eventually { lab.engine.threads.allSatisfy { $0.spareSocket.withLock { $0 != nil } } }, "and made again")
      // What is loaded punts; this one's packets are all to be taken.
      let other = try NetworkNamespace("other")
      try lab.connect(other, "t1")
      try lab.engine.plug("t1", into: 3, punts: false)
      try #require(lab.becomes(3, .open), "\(lab.engine.messages)")
      #expect(try lab.mirrored(other, count: 20) == 20)
    }

    @Test("a device that vanishes is let go of, comes back when recreated, and its port can take another")
    func vanishes() throws {
      let lab = try SpareLab()
      var far = try NetworkNamespace("far")
      try lab.connect(far, "t0")
      try lab.engine.plug("t0", into: 3)
      try #require(lab.becomes(3, .open))
      // As a container does that is killed: its namespace goes, and the pair with it.
      far.close()
      let isWaiting = eventually {
        if case .opening = lab.occupancy(3) { return lab.engine.portStatus[3].link == "gone" }
        return false
      }
      try #require(isWaiting, "\(lab.engine.messages)")
      #expect(try lab.lab.isPassing())
      far = try NetworkNamespace("again")
      try lab.connect(far, "t0")
      try #require(lab.becomes(3, .open), "\(lab.engine.messages)")
      #expect(try lab.mirrored(far, count: 20) == 20)
      let other = try NetworkNamespace("other")
      try lab.connect(other, "t1")
      try lab.engine.plug("t1", into: 3)
      try #require(eventually { lab.engine.portStatus[3].name == "t1" && lab.occupancy(3) == .open })
      #expect(try lab.mirrored(other, count: 20) == 20)
      far.close()
      other.close()
      #expect(eventually { lab.engine.portStatus[3].link == "gone" })
      try lab.engine.unplug(3)
      try #require(lab.becomes(3, .empty))
      lab.engine.finish()
    }

    @Test("a device that is not there yet, or is down, is plugged in once it is ready")
    func notThereYet() throws {
      let lab = try SpareLab()
      try lab.engine.plug("t0", into: 2)
      let isTold = eventually {
        if case .opening(let problem?) = lab.occupancy(2) { return problem.subject.contains("t0") }
        return false
      }
      #expect(isTold)
      let far = try NetworkNamespace("far")
      try lab.connect(far, "t0")
      try #require(lab.becomes(2, .open), "\(lab.engine.messages)")
      #expect(try lab.mirrored(far, count: 10) == 10)
      lab.engine.finish()
    }

    @Test("what can't be plugged is refused in words")
    func refusals() throws {
      let lab = try SpareLab(spares: 2)
      func problem(_ body: () throws -> Void) -> String {
        do {
          try body()
          return ""
        } catch {
          return "\(error)"
        }
      }
      #expect(problem { try lab.engine.plug("t0", into: 1) } == "port 1: no spare port; use 2 to 3")
      #expect(problem { try lab.engine.unplug(4) } == "port 4: no spare port; use 2 to 3")
      #expect(problem { try lab.engine.plug("m0", into: 2) } == "m0: is in port 0 already; unplug it there first")
      try lab.engine.plug("t0", into: 2)
      #expect(problem { try lab.engine.plug("t0", into: 3) } == "t0: is in port 2 already; unplug it there first")
      #expect(problem { try lab.engine.plug("", into: 3) } == "device \"\": no device's name; use 1 to 15 characters")
      let far = try NetworkNamespace("far")
      try lab.connect(far, "t2", queues: 2)
      try lab.engine.plug("t2", into: 3)
      #expect(lab.engine.says("t2: 2 RX queues: its port takes packets of 1"))
      lab.engine.finish()
    }

    @Test("an engine of nothing but spare ports, and two workers, takes a device with two queues")
    func twoWorkers() throws {
      let middle = try NetworkNamespace("middle")
      let far = try NetworkNamespace("far")
      var configuration = EngineConfiguration(ports: [])
      configuration.spares = SparePorts(count: 3)
      configuration.cores = [0, 1]
      let settings = configuration
      let engine = try middle.run { try Engine.start(settings) { _ in ReflectHandler() } }
      _ = try VethPair(
        VethEnd("eth0", in: far, rxQueues: 2, txQueues: 2, gro: true),
        VethEnd("t0", in: middle, rxQueues: 2, txQueues: 2))
      try engine.plug("t0", into: 1)
      try #require(eventually { engine.portStatus[1].occupancy == .open }, "\(engine.messages)")
      for queue in 0..<2 {
        let sender = try RawEnd(in: far, "eth0", queue: queue)
        #expect(sender.send(NumberedFrame.series(20)))
      }
      let counters = CounterReader(engine)
      #expect(eventually { [1, 4].allSatisfy { counters.get(.transmittedPackets, slot: $0) == 20 } })
      engine.finish()
    }

    @Test("a device is let go of when the engine stops, whatever was under way")
    func stopInBetween() throws {
      for pause in [0, 2000, 20_000] as [UInt32] {
        let lab = try SpareLab()
        let far = try NetworkNamespace("far")
        try lab.connect(far, "t0")
        try lab.engine.plug("t0", into: 2)
        usleep(pause)
        lab.engine.finish()
        // The kernel releases a closed socket's queue some time afterwards.
        let isFree = try eventually {
          let device = try lab.lab.middle.run { try NetworkDevice(named: "t0") }
          return device.program == nil && device.boundQueues?.isEmpty ?? true
        }
        #expect(isFree)
      }
    }
  }
}
