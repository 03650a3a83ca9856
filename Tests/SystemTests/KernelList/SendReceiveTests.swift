import Testing
import XSKLab

@testable import XSKEngine

extension OnVeth {
  /// Cases of the kernel's own AF_XDP list that are about packets from one socket to another, by the kernel's names.
  @Suite("SEND_RECEIVE and its kin") struct SendReceive {
    struct Shape: Sendable, CustomTestStringConvertible {
      let name: String
      var packets = 2048
      var size = 64
      var mtu: UInt32 = 1500
      var umem = UMEMConfiguration(frames: 1024, chunkSize: 4096)
      var isMultiBuffer = false
      var testDescription: String { name }

      var socket: SocketConfiguration {
        SocketConfiguration(rings: RingSizes(receive: 256, transmit: 256), multiBuffer: isMultiBuffer)
      }
    }

    @Test(
      arguments: [
        Shape(name: "SEND_RECEIVE"),
        Shape(name: "SEND_RECEIVE_SINGLE_PKT", packets: 1),
        Shape(name: "SEND_RECEIVE_2K_FRAME", umem: UMEMConfiguration(frames: 1024)),
        Shape(name: "SEND_RECEIVE full frames", size: 1514, umem: UMEMConfiguration(frames: 1024)),
        Shape(
          name: "SEND_RECEIVE_9K_PACKETS", packets: 512, size: 9000, mtu: 9000,
          umem: UMEMConfiguration(frames: 1024, chunkSize: 4096), isMultiBuffer: true),
        Shape(
          name: "SEND_RECEIVE_9K_PACKETS, 2 KiB chunks", packets: 512, size: 9000, mtu: 9000,
          umem: UMEMConfiguration(frames: 2048), isMultiBuffer: true),
        Shape(
          name: "SEND_RECEIVE_UNALIGNED", umem: UMEMConfiguration(frames: 1024, chunkSize: 4096, unaligned: true)),
        Shape(
          name: "SEND_RECEIVE_UNALIGNED_9K", packets: 512, size: 9000, mtu: 9000,
          umem: UMEMConfiguration(frames: 1024, chunkSize: 4096, unaligned: true), isMultiBuffer: true),
        Shape(
          name: "UMEM_HEADROOM", umem: UMEMConfiguration(frames: 1024, chunkSize: 4096, headroom: 128)),
        Shape(
          name: "UMEM_HEADROOM, the largest", size: 256,
          umem: UMEMConfiguration(frames: 1024, chunkSize: 2048, headroom: 1344)),
      ]) func packetsArriveWholeAndInOrder(_ shape: Shape) throws
    {
      let cable = try Cable(mtu: shape.mtu)
      let receiver = try SteppedWorker(
        [.init(namespace: cable.right, device: "r0")], umem: shape.umem, socket: shape.socket)
      let sender = try RawEnd(
        in: cable.left, "l0", umem: UMEMConfiguration(frames: 512, chunkSize: shape.umem.chunkSize),
        socket: shape.socket)
      let frames = NumberedFrame.series(shape.packets, size: shape.size)
      var sent = 0
      let isSent = sender.send(frames) {
        sent = min(sent + 32, frames.count)
        _ = receiver.receive(sent, within: .seconds(1))
      }
      #expect(isSent)
      receiver.settle()
      receiver.log.expect(frames, umem: shape.umem)
      receiver.finish()
    }

    @Test("BIDIRECTIONAL: both ends receive while both send")
    func bidirectional() throws {
      let cable = try Cable()
      let umem = UMEMConfiguration(frames: 1024)
      // Both ends on one worker: what it reflects from the left end comes back to the left, and so on, so the two
      // directions are kept apart by having one worker for each end.
      let left = try SteppedWorker([.init(namespace: cable.left, device: "l0")], umem: umem)
      let right = try SteppedWorker([.init(namespace: cable.right, device: "r0")], umem: umem)
      // The first packet comes from a packet socket; from then on each end sends back what it received.
      let packets = 200
      left.log.verdict = { $0 < packets - 1 ? .reflect : .drop(.policy) }
      right.log.verdict = { _ in .reflect }
      let frame = NumberedFrame.make(7, size: 200)
      try PacketSocket(in: cable.left, device: "l0").send(frame)
      let isDone = eventually {
        right.turn()
        left.turn()
        return left.log.packets.count >= packets && right.log.packets.count >= packets
      }
      try #require(isDone)
      left.settle()
      right.settle()
      let expected = Array(repeating: frame, count: packets)
      left.log.expect(expected, umem: umem)
      right.log.expect(expected, umem: umem)
      left.finish()
      right.finish()
    }

    @Test(
      "TOO_MANY_FRAGS: a packet of as many descriptors as an skb takes passes, one more does not", arguments: [0, 1])
    func tooManyFragments(excess: Int) throws {
      let cable = try Cable(mtu: 9000)
      let umem = UMEMConfiguration(frames: 1024)
      let options = SocketConfiguration(rings: RingSizes(receive: 256, transmit: 256), multiBuffer: true)
      let receiver = try SteppedWorker([.init(namespace: cable.right, device: "r0")], umem: umem, socket: options)
      let sender = try RawEnd(in: cable.left, "l0", socket: options)
      // MAX_SKB_FRAGS (17) and the skb's linear part.
      let pieces = 18 + excess
      let large = NumberedFrame.make(1, size: pieces * 64)
      let (before, after) = (NumberedFrame.make(0), NumberedFrame.make(2))
      #expect(sender.queue(sender.place(before)))
      let descriptors = sender.place(large, piece: 64)
      #expect(descriptors.count == pieces)
      #expect(sender.queue(descriptors))
      #expect(sender.queue(sender.place(after)))
      let frames = excess == 0 ? [before, large, after] : [before, after]
      let hasAll = eventually {
        sender.kick()
        receiver.turn()
        return receiver.log.packets.count >= frames.count
      }
      try #require(hasAll)
      receiver.settle()
      receiver.log.expect(frames, umem: umem)
      #expect((sender.socket.statistics.txInvalidDescriptors > 0) == (excess > 0))
      _ = sender.reap()
      #expect(sender.outstanding >= 0)
      receiver.finish()
    }
  }
}
