import Testing
import XSKLab

@testable import XSKEngine

extension OnVeth {
  /// The kernel's STAT_* cases: XDP_STATISTICS as the engine reads it, and what is left intact.
  @Suite("STAT_*") struct Statistics {
    @Test("STAT_RX_DROPPED: every second packet does not fit a frame")
    func receiveDropped() throws {
      let cable = try Cable()
      // 2048 − 256 − 1344 leave 448 bytes.
      let umem = UMEMConfiguration(frames: 1024, headroom: 1344)
      let receiver = try SteppedWorker([.init(namespace: cable.right, device: "r0")], umem: umem)
      let sender = try RawEnd(in: cable.left, "l0")
      let frames = (0..<256).map { NumberedFrame.make($0, size: $0 % 2 == 0 ? 64 : 600) }
      #expect(sender.send(frames) { receiver.turn() })
      try #require(receiver.receive(128))
      receiver.settle()
      receiver.housekeeping()
      receiver.log.expect(frames.filter { $0.count == 64 }, umem: umem)
      #expect(receiver.sockets[0].statistics.rxDropped == 128)
      receiver.finish()
      #expect(receiver.counters.total(.kernelRXDropped) == 128)
    }

    @Test("STAT_TX_INVALID: exactly every second descriptor is refused")
    func transmitInvalid() throws {
      let cable = try Cable()
      let receiver = try SteppedWorker([.init(namespace: cable.right, device: "r0")])
      let sender = try RawEnd(in: cable.left, "l0")
      let frames = NumberedFrame.series(100)
      var completed = 0
      for frame in frames {
        let bad = Descriptor(address: sender.umem.layout.size, length: 64)
        #expect(sender.queue(sender.place(frame) + [bad]))
        sender.kick()
        completed += sender.reap().count
        receiver.turn()
      }
      try #require(receiver.receive(100))
      completed += sender.reap().count
      // Recent kernels complete a refused descriptor too.
      #expect(completed == 100 || completed == 200)
      #expect(sender.outstanding == 200 - completed)
      #expect(sender.socket.statistics.txInvalidDescriptors == 100)
      receiver.log.expect(frames, umem: receiver.umem.configuration)
      receiver.finish()
    }

    @Test("STAT_RX_FULL: an RX ring that is never released drops what comes after, and keeps what it has")
    func receiveFull() throws {
      let cable = try Cable()
      let options = SocketConfiguration(rings: RingSizes(receive: 64, transmit: 256, fill: 256))
      let receiver = try SteppedWorker([.init(namespace: cable.right, device: "r0")], socket: options)
      let sender = try RawEnd(in: cable.left, "l0")
      let frames = NumberedFrame.series(192)
      #expect(sender.send(frames))  // No turn meanwhile.
      #expect(eventually { receiver.sockets[0].statistics.rxRingFull == 128 })
      try #require(receiver.receive(64))
      receiver.settle()
      receiver.log.expect(Array(frames.prefix(64)), umem: receiver.umem.configuration)
      // The ring goes on where it was.
      #expect(sender.send([frames[0]]))
      try #require(receiver.receive(65))
      #expect(receiver.log.packets.last?.bytes == frames[0])
      receiver.finish()
      #expect(receiver.counters.total(.kernelRXRingFull) == 128)
    }

    @Test("STAT_RX_FILL_EMPTY: without frames nothing is received, and what comes after frames is")
    func fillEmpty() throws {
      let cable = try Cable()
      let sender = try RawEnd(in: cable.left, "l0")
      let receiver = try RawEnd(in: cable.right, "r0")
      let index = try cable.right.link("r0").index
      let program = try cable.right.run {
        try XDPProgram(
          image: .xsk_redirect, function: "xsk_redirect", device: "r0", ifindex: index, queues: 1, modes: [.native])
      }
      try program.insert(socket: receiver.socket.descriptor, queue: 0)
      let frames = NumberedFrame.series(96)
      #expect(sender.send(Array(frames.prefix(64))))
      #expect(eventually { receiver.socket.statistics.fillRingEmpty == 64 })
      #expect(receiver.takeReceived().isEmpty)
      #expect(receiver.fill(0..<32))
      #expect(sender.send(Array(frames.suffix(32))))
      var received: [Descriptor] = []
      let hasAll = eventually {
        received += receiver.takeReceived()
        return received.count >= 32
      }
      try #require(hasAll)
      #expect(received.map { receiver.bytes($0) } == Array(frames.suffix(32)))
      #expect(receiver.socket.statistics.fillRingEmpty == 64)
      program.detach()
    }
  }
}
