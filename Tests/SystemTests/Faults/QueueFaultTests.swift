import Forwarder
import Glibc
import Synchronization
import Testing
import XSKLab

@testable import XSKEngine

extension OnVeth {
  /// Queues that are taken, left behind, starved, or not emptied.
  @Suite("Queue faults") struct QueueFaults {
    @Test("a queue that another socket has is named in words, and nothing is left attached")
    func taken() throws {
      let lab = try ForwardLab()
      var owner: RawEnd? = try RawEnd(in: lab.middle, "m1")
      var configuration = lab.configuration
      configuration.socket.bindPatience = 100
      let error = #expect(throws: XSKError.self) { try lab.forward(configuration) }
      #expect(
        error?.description == "m1 queue 0: busy (another socket is bound); stop it or choose another queue")
      #expect(owner != nil)
      for device in ["m0", "m1"] {
        let program = try lab.middle.run { try NetworkDevice(named: device).program }
        #expect(program == nil)
      }
      owner = nil
      let engine = try lab.forward()
      #expect(try lab.isPassing())
      engine.finish()
    }

    @Test("a second engine on the same device is refused in words, and the first goes on")
    func secondEngine() throws {
      let lab = try ForwardLab()
      let engine = try lab.forward()
      #expect(try lab.isPassing())
      let error = #expect(throws: XSKError.self) { try lab.forward() }
      #expect(error?.subject == "m0")
      let holder = "stop process \(getpid()) ("
      #expect(error?.remedy.contains(holder) == true, "\(error?.remedy ?? "")")
      #expect(error?.remedy.hasSuffix("), which holds it by a BPF link (ip link can't take it off)") == true)
      #expect(try lab.isPassing())
      engine.finish()
    }

    @Test("a handler that can't be made ends the start, and nothing is left attached")
    func handlerRefused() throws {
      let lab = try ForwardLab()
      let configuration = lab.configuration
      let refusal = XSKError("handler", "has no rules", remedy: "give it some")
      let error = #expect(throws: XSKError.self) {
        try lab.middle.run {
          try Engine.start(configuration) { _ throws(XSKError) -> DropHandler in throw refusal }
        }
      }
      #expect(error == refusal)
      let engine = try lab.forward()
      #expect(try lab.isPassing())
      engine.finish()
    }

    @Test("a queue can be bound again at once after a stop")
    func rebind() throws {
      let lab = try ForwardLab()
      for _ in 0..<5 {
        let engine = try lab.forward()
        #expect(try lab.isPassing())
        engine.finish()
      }
    }

    @Test("after kill −9 the program is gone, the stack has the device, and the queue can be bound at once")
    func killed() throws {
      let lab = try ForwardLab()
      try lab.middle.addAddress("10.7.0.9/24", to: "m0")
      let child = try lab.middle.start([BuiltPrograms.testEngine, "m0", "m1"])
      try #require(child.waitForOutput("running"), "\(child.output) \(child.errors)")
      #expect(try lab.isPassing())
      let program = try lab.middle.run { try NetworkDevice(named: "m0").program }
      #expect(program != nil)
      child.kill()
      #expect(try child.wait() == .killed(signal: SIGKILL))
      // At once, under traffic of the host's own and without waiting for the kernel.
      let engine = try lab.forward()
      #expect(try lab.isPassing())
      engine.finish()
      let second = try lab.middle.start([BuiltPrograms.testEngine, "m0", "m1"])
      try #require(second.waitForOutput("running"), "\(second.output) \(second.errors)")
      second.kill()
      let isClean = try eventually {
        try lab.middle.run { try NetworkDevice(named: "m0").program } == nil
      }
      #expect(isClean)
      let isAnswering = try eventually {
        try Ping.run(from: lab.left, to: "10.7.0.9", count: 1, timeout: .milliseconds(200)).isComplete
      }
      #expect(isAnswering)
    }

    @Test("frames that are all held starve the fill ring; once released, packets come again")
    func starved() throws {
      let cable = try Cable()
      let umem = UMEMConfiguration(frames: 128)
      let receiver = try SteppedWorker(
        [.init(namespace: cable.right, device: "r0")], umem: umem,
        socket: SocketConfiguration(rings: RingSizes(receive: 64, transmit: 64)),
        worker: WorkerConfiguration(idle: .sleep, holdCapacity: 128))
      receiver.log.isHolding = true
      let sender = try RawEnd(in: cable.left, "l0")
      #expect(sender.send(NumberedFrame.series(300)) { receiver.settle(.milliseconds(2)) })
      try #require(receiver.receive(128))
      receiver.settle()
      #expect(receiver.log.packets.count == 128)
      #expect(receiver.sockets[0].statistics.fillRingEmpty == 300 - 128)
      receiver.housekeeping()
      #expect(receiver.counters.get(.framesHeld) == 128)
      receiver.counters.expectInvariants()
      receiver.log.isHolding = false
      receiver.housekeeping()
      receiver.turn()
      let frames = NumberedFrame.series(50)
      #expect(sender.send(frames) { receiver.turn() })
      try #require(receiver.receive(178))
      #expect(receiver.log.packets.suffix(50).map(\.bytes) == frames)
      receiver.finish()
      #expect(receiver.counters.total(.kernelFillRingEmpty) == 300 - 128)
    }

    /// Holds a worker up until it is opened, or for twenty seconds.
    final class Gate: Sendable {
      let isOpen = Atomic<Bool>(false)

      func pass() { _ = eventually { isOpen.load(ordering: .acquiring) } }
    }

    /// Takes no second burst before the gate is open.
    struct GatedHandler: PacketHandler {
      let gate: Gate

      mutating func handle(_ burst: inout Burst) {
        gate.pass()
        burst.decideAll(.drop(.policy))
      }
    }

    @Test("an RX ring that is not emptied for a while overflows in the kernel, is counted there, and goes on")
    func notReleased() throws {
      let cable = try Cable()
      var configuration = EngineConfiguration(ports: [PortConfiguration("r0")])
      // More frames than a burst and the RX ring hold: it is the ring that runs full, not the fill ring that runs empty.
      configuration.socket.rings = RingSizes(receive: 64, transmit: 64, fill: 512)
      let settings = configuration
      let gate = Gate()
      let engine = try cable.right.run { try Engine.start(settings) { _ in GatedHandler(gate: gate) } }
      let sender = try RawEnd(in: cable.left, "l0")
      // In portions that a veth's own ring of 256 holds, however late the other end is served.
      let frames = NumberedFrame.series(1000)
      for portion in 0..<10 {
        #expect(sender.send(Array(frames[portion * 100..<(portion + 1) * 100])))
        usleep(20_000)
      }
      gate.isOpen.store(true, ordering: .releasing)
      let counters = CounterReader(engine)
      #expect(eventually { counters.total(.receivedPackets) + counters.total(.kernelRXRingFull) == 1000 })
      // The first burst and a ring's worth at most.
      #expect(counters.total(.kernelRXRingFull) >= 1000 - 2 * 64)
      #expect(sender.send(NumberedFrame.series(32)))
      #expect(eventually { counters.total(.receivedPackets) + counters.total(.kernelRXRingFull) == 1032 })
      engine.finish()
      #expect(counters.dropped(.policy) == counters.total(.receivedPackets))
    }
  }
}
