import Testing
import XSKLab

@testable import XSKEngine

extension OnVeth {
  @Suite("XDP_SHARED_UMEM") struct SharedUMEM {
    @Test("two queues of one device share a UMEM, each gets its own packets")
    func queues() throws {
      let cable = try Cable(queues: 2)
      let receiver = try SteppedWorker([.init(namespace: cable.right, device: "r0", queues: [0, 1])])
      // The sender's two sockets share a UMEM too: what leaves by a queue arrives on the queue of the same number.
      let first = try RawEnd(in: cable.left, "l0", queue: 0)
      let second = try RawEnd(in: cable.left, "l0", queue: 1, sharing: first)
      let even = (0..<100).map { NumberedFrame.make($0 * 2) }
      let odd = (0..<100).map { NumberedFrame.make($0 * 2 + 1) }
      for start in stride(from: 0, to: 100, by: 20) {
        #expect(first.send(Array(even[start..<start + 20])))
        #expect(second.send(Array(odd[start..<start + 20])))
        try #require(receiver.receive((start + 20) * 2))
      }
      receiver.settle()
      let byQueue = Dictionary(grouping: receiver.log.packets) { $0.queue }
      #expect(byQueue[0]?.map(\.bytes) == even)
      #expect(byQueue[1]?.map(\.bytes) == odd)
      #expect(receiver.counters.get(.receivedPackets, slot: 0) == 100)
      #expect(receiver.counters.get(.receivedPackets, slot: 1) == 100)
      receiver.finish()
    }

    @Test("two devices share a UMEM, and frames go from one to the other without a copy")
    func devices() throws {
      let left = try NetworkNamespace("left")
      let middle = try NetworkNamespace("middle")
      let right = try NetworkNamespace("right")
      _ = try VethPair(VethEnd("l0", in: left), VethEnd("m0", in: middle))
      _ = try VethPair(VethEnd("m1", in: middle), VethEnd("r0", in: right))
      let worker = try SteppedWorker([
        .init(namespace: middle, device: "m0"), .init(namespace: middle, device: "m1"),
      ])
      worker.log.verdict = { _ in .forward(to: 1) }
      let (source, sink) = (try PacketSocket(in: left, device: "l0"), try PacketSocket(in: right, device: "r0"))
      let frames = NumberedFrame.series(100, size: 200)
      for frame in frames {
        try source.send(frame)
        worker.turn()
      }
      try #require(worker.receive(100))
      worker.settle()
      worker.log.expect(frames, umem: worker.umem.configuration)
      #expect(try sink.receive(100, timeout: .seconds(10)) == frames)
      worker.finish()
      #expect(worker.counters.get(.forwardedPackets, slot: 0) == 100)
      #expect(worker.counters.get(.transmittedPackets, slot: 1) == 100)
    }
  }
}
