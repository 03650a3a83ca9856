import Glibc
import Testing
import XSKLab

@testable import XSKEngine

extension OnVeth {
  @Suite("Rings and polling") struct Rings {
    @Test("TX_QUEUE_CONSUMER: of 33 descriptors one kick with the kernel's own budget takes exactly 32")
    func consumer() throws {
      let cable = try Cable()
      let receiver = try SteppedWorker([.init(namespace: cable.right, device: "r0")])
      var options = RawEnd.defaultSocket
      options.transmitBudget = 32
      let sender = try RawEnd(in: cable.left, "l0", socket: options)
      let frames = NumberedFrame.series(33)
      for frame in frames { #expect(sender.queue(sender.place(frame))) }
      #expect(sender.transmitPending == 33)
      #expect(sender.kick() == -EAGAIN)
      #expect(sender.transmitPending == 1)
      #expect(sender.kick() == 0)
      #expect(sender.transmitPending == 0)
      try #require(receiver.receive(33))
      receiver.log.expect(frames, umem: receiver.umem.configuration)
      receiver.finish()
    }

    @Test("with the engine's budget one kick takes a whole burst, where the kernel has the option")
    func budget() throws {
      let cable = try Cable()
      let receiver = try SteppedWorker([.init(namespace: cable.right, device: "r0")])
      let sender = try RawEnd(in: cable.left, "l0")
      let frames = NumberedFrame.series(64)
      for frame in frames { #expect(sender.queue(sender.place(frame))) }
      #expect(sender.kick() == 0)
      #expect(sender.transmitPending == 0)
      try #require(receiver.receive(64))
      receiver.log.expect(frames, umem: receiver.umem.configuration)
      receiver.finish()
    }

    @Test("TEARDOWN: made and taken down ten times, with traffic each time")
    func teardown() throws {
      let cable = try Cable()
      let frames = NumberedFrame.series(40)
      for _ in 0..<10 {
        let receiver = try SteppedWorker([.init(namespace: cable.right, device: "r0")])
        let sender = try RawEnd(in: cable.left, "l0")
        #expect(sender.send(frames) { receiver.turn() })
        try #require(receiver.receive(40))
        receiver.log.expect(frames, umem: receiver.umem.configuration)
        receiver.finish()
      }
    }

    @Test("the smallest and the largest rings carry packets both ways", arguments: [1, 2, 64, 65536] as [UInt32])
    func sizes(_ size: UInt32) throws {
      let cable = try Cable()
      let rings = RingSizes(receive: size, transmit: size, fill: size, completion: size)
      let worker = try SteppedWorker(
        [.init(namespace: cable.right, device: "r0")], socket: SocketConfiguration(rings: rings))
      worker.log.verdict = { _ in .reflect }
      let source = try PacketSocket(in: cable.left, device: "l0")
      let frames = NumberedFrame.series(100)
      for (number, frame) in frames.enumerated() {
        try source.send(frame)
        try #require(worker.receive(number + 1))
        // Time for the kick, the completion, and the one frame of the smallest fill ring.
        worker.settle(.milliseconds(2))
        try #require(try source.receive(timeout: .seconds(10)) == frame)
      }
      worker.settle()
      worker.log.expect(frames, umem: worker.umem.configuration)
      worker.finish()
      #expect(worker.counters.total(.forwardedPackets) == 100)
    }

    @Test("ring sizes that are no power of two, zero, or too large are refused in words", arguments: [0, 3, 131_072])
    func refusedSizes(_ size: UInt32) throws {
      let cable = try Cable()
      let options = SocketConfiguration(rings: RingSizes(receive: size, transmit: 64, fill: 64))
      let error = #expect(throws: XSKError.self) { try RawEnd(in: cable.left, "l0", socket: options) }
      #expect(
        error?.description
          == "RX ring of \(size) entries: not a power of two from 1 to 65536; give one, such as 2048")
    }

    @Test("POLL_RX, POLL_RXQ_EMPTY: poll() tells when packets are there, and waits when none is")
    func pollReceive() throws {
      let cable = try Cable()
      let sender = try RawEnd(in: cable.left, "l0")
      let receiver = try RawEnd(in: cable.right, "r0")
      let index = try cable.right.link("r0").index
      let program = try cable.right.run {
        try XDPProgram(
          image: .xsk_redirect, function: "xsk_redirect", device: "r0", ifindex: index, queues: 1, modes: [.native])
      }
      try program.insert(socket: receiver.socket.descriptor, queue: 0)
      #expect(receiver.fill(0..<64))
      let start = ContinuousClock.now
      #expect(receiver.poll(POLLIN, milliseconds: 50) & Int16(POLLIN) == 0)
      #expect(ContinuousClock.now - start >= .milliseconds(50))
      let frames = NumberedFrame.series(20)
      for frame in frames {
        #expect(sender.send([frame]))
        #expect(receiver.poll(POLLIN, milliseconds: 2000) & Int16(POLLIN) != 0)
        #expect(receiver.takeReceived().map { receiver.bytes($0) } == [frame])
      }
      #expect(receiver.poll(POLLIN, milliseconds: 20) & Int16(POLLIN) == 0)
      program.detach()
    }

    @Test("POLL_TX: poll() transmits what is queued")
    func pollTransmit() throws {
      let cable = try Cable()
      let receiver = try SteppedWorker([.init(namespace: cable.right, device: "r0")])
      let sender = try RawEnd(in: cable.left, "l0")
      let frames = NumberedFrame.series(96)
      for start in stride(from: 0, to: 96, by: 24) {
        for frame in frames[start..<start + 24] { #expect(sender.queue(sender.place(frame))) }
        #expect(sender.poll(POLLOUT, milliseconds: 2000) & Int16(POLLOUT) != 0)
        try #require(receiver.receive(start + 24))
      }
      _ = sender.reap()
      #expect(sender.outstanding == 0)
      receiver.log.expect(frames, umem: receiver.umem.configuration)
      receiver.finish()
    }

    @Test("POLL_TXQ_FULL: a TX ring that the device does not drain stays full, and drains when the device is back")
    func pollTransmitFull() throws {
      let cable = try Cable()
      var options = RawEnd.defaultSocket
      options.rings = RingSizes(receive: 64, transmit: 64)
      let sender = try RawEnd(in: cable.left, "l0", socket: options)
      try cable.left.setUp("l0", false)
      let frames = NumberedFrame.series(64)
      for frame in frames { #expect(sender.queue(sender.place(frame))) }
      #expect(!sender.queue(sender.place(frames[0])))
      #expect(sender.kick() == -ENETDOWN)
      #expect(sender.poll(POLLOUT, milliseconds: 20) & Int16(POLLOUT) == 0)
      #expect(sender.transmitPending == 64)
      try cable.left.setUp("l0", true)
      let isDrained = eventually {
        sender.kick()
        _ = sender.reap()
        return sender.outstanding == 0
      }
      #expect(isDrained)
      #expect(sender.poll(POLLOUT, milliseconds: 2000) & Int16(POLLOUT) != 0)
    }
  }
}
