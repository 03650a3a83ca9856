import Testing
import XSKLab

@testable import XSKEngine

extension OnVeth {
  /// The kernel's cases about XDP programs ahead of the socket.
  @Suite("XDP programs") struct Programs {
    private static func attachment(_ cable: Cable, _ function: String) -> SteppedWorker.Attachment {
      .init(namespace: cable.right, device: "r0", image: .kernel_list, function: function)
    }

    @Test("XDP_DROP_HALF: the socket gets the half that the program keeps")
    func dropHalf() throws {
      let cable = try Cable()
      let receiver = try SteppedWorker([Self.attachment(cable, "drop_half")])
      let sender = try RawEnd(in: cable.left, "l0")
      let frames = NumberedFrame.series(200)
      #expect(sender.send(frames) { receiver.turn() })
      try #require(receiver.receive(100))
      receiver.settle()
      let kept = frames.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
      receiver.log.expect(kept, umem: receiver.umem.configuration)
      receiver.finish()
    }

    struct Adjustment: Sendable, CustomTestStringConvertible {
      let name: String
      let function: String
      let size: Int
      let change: Int
      var testDescription: String { name }
    }

    @Test(
      arguments: [
        Adjustment(name: "XDP_ADJUST_TAIL_SHRINK", function: "shrink_tail", size: 1000, change: -128),
        Adjustment(name: "XDP_ADJUST_TAIL_SHRINK_MULTI_BUFF", function: "shrink_fragment", size: 9000, change: -4096),
        // veth has no room behind a packet but what rounding 256 + length to cache lines leaves, and can't make fragments
        // longer at all: that the kernel's list has too is beyond this device.
        Adjustment(name: "XDP_ADJUST_TAIL_GROW", function: "grow_tail", size: 193, change: 32),
      ]) func packetsHaveTheLengthThatTheProgramMade(_ adjustment: Adjustment) throws
    {
      let cable = try Cable(mtu: 9000)
      let options = SocketConfiguration(rings: RingSizes(receive: 256, transmit: 256), multiBuffer: true)
      let umem = UMEMConfiguration(frames: 1024, chunkSize: 4096)
      let receiver = try SteppedWorker([Self.attachment(cable, adjustment.function)], umem: umem, socket: options)
      let sender = try RawEnd(
        in: cable.left, "l0", umem: UMEMConfiguration(frames: 512, chunkSize: 4096), socket: options)
      let frames = NumberedFrame.series(20, size: adjustment.size)
      #expect(sender.send(frames) { receiver.turn() })
      try #require(receiver.receive(20))
      receiver.settle()
      // What a program grows a packet by reads as zeros.
      let expected = frames.map { frame in
        adjustment.change < 0
          ? Array(frame.dropLast(-adjustment.change)) : frame + [UInt8](repeating: 0, count: adjustment.change)
      }
      receiver.log.expect(expected, umem: umem)
      receiver.finish()
    }

    @Test("XDP_METADATA_COPY: what the program wrote ahead of a packet is there", arguments: [64, 9000])
    func metadata(size: Int) throws {
      let cable = try Cable(mtu: 9000)
      let options = SocketConfiguration(rings: RingSizes(receive: 256, transmit: 256), multiBuffer: true)
      let umem = UMEMConfiguration(frames: 1024, chunkSize: 4096)
      let receiver = try SteppedWorker([Self.attachment(cable, "number_packets")], umem: umem, socket: options)
      let sender = try RawEnd(
        in: cable.left, "l0", umem: UMEMConfiguration(frames: 512, chunkSize: 4096), socket: options)
      let frames = NumberedFrame.series(50, size: size)
      #expect(sender.send(frames) { receiver.turn() })
      try #require(receiver.receive(50))
      receiver.settle()
      receiver.log.expect(frames, umem: umem)
      #expect(receiver.log.packets.map(\.ahead) == (0..<50).map { 0xabcd_0000_0000_0000 + $0 })
      receiver.finish()
    }

    @Test("XDP_PROG_CLEANUP: after one user of a queue another gets all of its packets, and nobody the first's")
    func cleanup() throws {
      let cable = try Cable()
      let sender = try RawEnd(in: cable.left, "l0")
      let frames = NumberedFrame.series(64)
      for _ in 0..<2 {
        let receiver = try SteppedWorker([.init(namespace: cable.right, device: "r0")])
        #expect(sender.send(frames) { receiver.turn() })
        try #require(receiver.receive(64))
        receiver.settle()
        receiver.log.expect(frames, umem: receiver.umem.configuration)
        receiver.finish()
        let program = try cable.right.run { try NetworkDevice(named: "r0").program }
        #expect(program == nil)
        // In between the stack has the device.
        let stack = try PacketSocket(in: cable.right, device: "r0")
        #expect(sender.send([frames[0]]))
        #expect(try stack.receive(timeout: .seconds(10)) == frames[0])
      }
    }
  }
}
