import Forwarder
import Testing
import XSKLab

@testable import XSKEngine

extension OnVeth {
  /// The engine's modes and memories, each with real traffic.
  @Suite("Modes and memory") struct Modes {
    struct Shape: Sendable, CustomTestStringConvertible {
      let name: String
      var mode = ModeRequest.auto
      var bound = "copy"
      var umem = UMEMConfiguration(frames: 0)
      var mtu: UInt32 = 1500
      var testDescription: String { name }
    }

    @Test(
      arguments: [
        Shape(name: "copy", mode: .copy),
        Shape(name: "generic", mode: .generic, bound: "generic"),
        Shape(name: "generic, 9000", mode: .generic, bound: "generic", mtu: 9000),
        Shape(name: "chunks of 4096, 9000", umem: UMEMConfiguration(frames: 0, chunkSize: 4096), mtu: 9000),
        Shape(name: "unaligned", umem: UMEMConfiguration(frames: 0, unaligned: true)),
        Shape(name: "unaligned, 9000", umem: UMEMConfiguration(frames: 0, chunkSize: 4096, unaligned: true), mtu: 9000),
        Shape(name: "headroom", umem: UMEMConfiguration(frames: 0, chunkSize: 4096, headroom: 128)),
        Shape(name: "headroom, 9000", umem: UMEMConfiguration(frames: 0, headroom: 1200), mtu: 9000),
        Shape(name: "sealed memory file", umem: UMEMConfiguration(frames: 0, pages: .sealedMemfd)),
        Shape(name: "huge pages or a note", umem: UMEMConfiguration(frames: 0, pages: .huge2M)),
      ]) func forwards(_ shape: Shape) throws
    {
      let lab = try ForwardLab(mtu: shape.mtu)
      var configuration = lab.configuration
      configuration.socket.mode = shape.mode
      configuration.umem = shape.umem
      let engine = try lab.forward(configuration)
      #expect(engine.ports.map { $0.description.mode } == [shape.bound, shape.bound])
      #expect(try lab.isPassing(payload: Int(shape.mtu) - 28))
      let transfer = try TCPTransfer.run(from: lab.left, to: lab.right, address: "fd07::2", bytes: 300_000)
      #expect(transfer.isIntact)
      let worker = engine.threads[0].control.umem.withLock { $0 }
      #expect(worker?.pages == shape.umem.pages || engine.messages.contains { $0.contains("huge pages, using") })
      engine.finish()
    }

    @Test("a packet of more descriptors than the kernel transmits is dropped under its reason, shorter ones pass")
    func manyDescriptors() throws {
      let lab = try ForwardLab(mtu: 9000)
      var configuration = lab.configuration
      // 448 bytes a frame: 9000 bytes take 21.
      configuration.umem = UMEMConfiguration(frames: 0, headroom: 1344)
      let engine = try lab.forward(configuration)
      #expect(try lab.isPassing(payload: 7900))
      let counters = CounterReader(engine)
      #expect(counters.dropped(.tooManyFragments) == 0)
      try PacketSocket(in: lab.left, device: "l0").send(NumberedFrame.make(1, size: 9000))
      #expect(eventually { counters.dropped(.tooManyFragments) == 1 })
      #expect(try lab.isPassing())
      engine.finish()
      #expect(counters.total(.kernelTXInvalidDescriptors) == 0)
    }

    @Test("zero-copy, which veth has not, is refused in words")
    func zerocopy() throws {
      let lab = try ForwardLab()
      var configuration = lab.configuration
      configuration.socket.mode = .zerocopy
      let error = #expect(throws: XSKError.self) { try lab.forward(configuration) }
      #expect(error?.subject == "m0 mode zerocopy")
      #expect(error?.remedy == "choose --mode auto, which takes copy")
    }

    @Test("packets that are held until the end are dropped as shutdown", arguments: [64, 9000])
    func heldAtTheEnd(size: Int) throws {
      let cable = try Cable(mtu: 9000)
      let receiver = try Self.holder(cable)
      #expect(try Self.send(20, size: size, through: cable, to: receiver))
      receiver.finish()
      #expect(receiver.counters.dropped(.shutdown) == 20)
    }

    @Test("packets that are held and then delivered count with all of their bytes", arguments: [64, 9000])
    func heldAndDelivered(size: Int) throws {
      let cable = try Cable(mtu: 9000)
      let receiver = try Self.holder(cable)
      #expect(try Self.send(20, size: size, through: cable, to: receiver))
      receiver.log.releaseVerdict = .delivered
      receiver.log.isHolding = false
      receiver.housekeeping()
      receiver.finish()
      #expect(receiver.counters.total(.deliveredPackets) == 20)
      #expect(receiver.counters.total(.deliveredBytes) == UInt64(20 * size))
    }

    @Test("packets that are held and then reflected leave whole", arguments: [64, 9000])
    func heldAndReflected(size: Int) throws {
      let cable = try Cable(mtu: 9000)
      let receiver = try Self.holder(cable)
      let far = try PacketSocket(in: cable.left, device: "l0")
      #expect(try Self.send(20, size: size, through: cable, to: receiver))
      receiver.log.releaseVerdict = .reflect
      receiver.log.isHolding = false
      receiver.housekeeping()
      receiver.settle()
      #expect(try Set(far.receive(20, timeout: .seconds(10))) == Set(NumberedFrame.series(20, size: size)))
      receiver.finish()
      #expect(receiver.counters.total(.forwardedBytes) == UInt64(20 * size))
    }

    private static func holder(_ cable: Cable) throws -> SteppedWorker {
      let receiver = try SteppedWorker(
        [.init(namespace: cable.right, device: "r0")],
        socket: SocketConfiguration(rings: RingSizes(receive: 256, transmit: 256), multiBuffer: true),
        worker: WorkerConfiguration(idle: .spin, holdCapacity: 64))
      receiver.log.isHolding = true
      return receiver
    }

    private static func send(_ count: Int, size: Int, through cable: Cable, to receiver: SteppedWorker) throws -> Bool {
      let source = try PacketSocket(in: cable.left, device: "l0")
      for (number, frame) in NumberedFrame.series(count, size: size).enumerated() {
        try source.send(frame)
        guard receiver.receive(number + 1) else { return false }
      }
      receiver.housekeeping()
      return receiver.counters.get(.heldPackets, slot: 0) == UInt64(count)
    }

    @Test("a stop in the middle of floods from both sides keeps the books", arguments: [64, 1514])
    func stopUnderFlood(size: Int) throws {
      let lab = try ForwardLab()
      let engine = try lab.forward()
      let floods = try [(lab.left, "l0"), (lab.right, "r0")].map { namespace, device in
        try LiveFrameGenerator(
          in: namespace, device: device, .init(frame: NumberedFrame.make(1, size: size), duration: .seconds(20)))
      }
      let counters = CounterReader(engine)
      #expect(eventually { counters.total(.forwardedPackets) > 20_000 })
      engine.finish()
      for flood in floods { _ = try? flood.stop() }
      for device in ["m0", "m1"] {
        let program = try lab.middle.run { try NetworkDevice(named: device).program }
        #expect(program == nil)
      }
    }
  }
}
