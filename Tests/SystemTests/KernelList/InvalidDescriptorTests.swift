import Glibc
import Testing
import XSKLab

@testable import XSKEngine

extension OnVeth {
  /// The kernel's ALIGNED_INV_DESC, UNALIGNED_INV_DESC, and the same inside packets of several descriptors: what the engine
  /// would put on a TX ring by mistake is refused by the kernel, counted, and hurts nothing else.
  @Suite("Invalid TX descriptors") struct InvalidDescriptors {
    /// A way to be wrong, or just not wrong, with where and how long as the chunk and UMEM sizes have it.
    struct Place: Sendable, CustomTestStringConvertible {
      let name: String
      let length: UInt32
      let address: @Sendable (_ chunk: UInt64, _ size: UInt64) -> UInt64
      let isValid: @Sendable (_ chunk: Int, _ isUnaligned: Bool) -> Bool
      var testDescription: String { name }

      init(
        _ name: String, length: UInt32 = 64, valid: Bool = true,
        _ address: @escaping @Sendable (UInt64, UInt64) -> UInt64
      ) {
        self.init(name, length: length, validIf: { _, _ in valid }, address)
      }

      init(
        _ name: String, length: UInt32 = 64, validIf isValid: @escaping @Sendable (Int, Bool) -> Bool,
        _ address: @escaping @Sendable (UInt64, UInt64) -> UInt64
      ) {
        (self.name, self.length, self.address, self.isValid) = (name, length, address, isValid)
      }
    }

    static let places = [
      Place("address 0") { _, _ in 0 },
      Place("address −2", valid: false) { _, _ in UInt64(bitPattern: -2) },
      Place("length 9001", length: 9001, valid: false) { _, _ in 0 },
      Place("the last bytes of the UMEM") { _, size in size - 64 },
      Place("at the UMEM's end", valid: false) { _, size in size },
      Place("across the UMEM's end", valid: false) { _, size in size - 32 },
      Place("across 4 KiB", validIf: { _, isUnaligned in isUnaligned }) { _, _ in 4096 - 32 },
      Place("across 2 KiB", validIf: { chunk, isUnaligned in isUnaligned || chunk == 4096 }) { _, _ in 2048 - 32 },
    ]

    static let memories = [
      UMEMConfiguration(frames: 256, chunkSize: 4096), UMEMConfiguration(frames: 256, chunkSize: 2048),
      UMEMConfiguration(frames: 256, chunkSize: 4096, unaligned: true),
    ]

    /// A sender whose UMEM holds the same frame over and over, wherever a descriptor points.
    private func sender(_ cable: Cable, _ umem: UMEMConfiguration, isMultiBuffer: Bool = false) throws -> RawEnd {
      let options = SocketConfiguration(
        rings: RingSizes(receive: 256, transmit: 256), multiBuffer: isMultiBuffer)
      let sender = try RawEnd(in: cable.left, "l0", umem: umem, socket: options)
      sender.write(Array(repeating: NumberedFrame.make(9), count: 128).flatMap { $0 }, at: 0)
      let end = UInt64(umem.frames * umem.chunkSize)
      sender.write(NumberedFrame.make(9), at: end - 64)
      return sender
    }

    @Test("ALIGNED_INV_DESC, UNALIGNED_INV_DESC", arguments: memories, places)
    func alone(_ umem: UMEMConfiguration, _ place: Place) throws {
      let cable = try Cable()
      let receiver = try SteppedWorker([.init(namespace: cable.right, device: "r0")])
      let sender = try sender(cable, umem)
      let size = UInt64(umem.frames * umem.chunkSize)
      let subject = Descriptor(address: place.address(UInt64(umem.chunkSize), size), length: place.length)
      let isValid = place.isValid(umem.chunkSize, umem.unaligned)
      let good = Descriptor(address: 1024, length: 64)
      #expect(sender.queue([good, subject, good]))
      let expected = isValid ? 3 : 2
      var completed: [UInt64] = []
      let hasAll = eventually {
        sender.kick()
        completed += sender.reap()
        receiver.turn()
        return receiver.log.packets.count >= expected && completed.count >= expected
      }
      try #require(hasAll)
      receiver.settle()
      completed += sender.reap()
      // The bytes repeat every 64, so whatever lies at a valid place is the frame, turned by the place's offset.
      var frames = Array(repeating: NumberedFrame.make(9), count: expected)
      if isValid { frames[1] = sender.bytes(subject) }
      receiver.log.expect(frames, umem: receiver.umem.configuration)
      // Recent kernels give a refused descriptor's address back too; older ones give it up for lost.
      let isEverythingBack = completed == [1024, subject.address, 1024]
      #expect(isEverythingBack || (!isValid && completed == [1024, 1024]))
      #expect(sender.outstanding >= 0)
      #expect(sender.socket.statistics.txInvalidDescriptors == (isValid ? 0 : 1))
      receiver.finish()
    }

    @Test("ALIGNED_INV_DESC_MULTI_BUFF, UNALIGNED_INV_DESC_MULTI_BUFF", arguments: memories, places)
    func insidePacket(_ umem: UMEMConfiguration, _ place: Place) throws {
      let cable = try Cable(mtu: 9000)
      let options = SocketConfiguration(rings: RingSizes(receive: 256, transmit: 256), multiBuffer: true)
      let receiver = try SteppedWorker([.init(namespace: cable.right, device: "r0")], socket: options)
      let sender = try sender(cable, umem, isMultiBuffer: true)
      let size = UInt64(umem.frames * umem.chunkSize)
      let isValid = place.isValid(umem.chunkSize, umem.unaligned)
      let subject = Descriptor(
        address: place.address(UInt64(umem.chunkSize), size), length: place.length, options: Descriptor.continues)
      let first = Descriptor(address: 512, length: 64, options: Descriptor.continues)
      let last = Descriptor(address: 1024, length: 64)
      #expect(sender.queue([first, subject, last, last]))
      let single = NumberedFrame.make(9)
      let frames = isValid ? [single + sender.bytes(subject) + single, single] : [single]
      let hasAll = eventually {
        sender.kick()
        receiver.turn()
        return receiver.log.packets.count >= frames.count
      }
      try #require(hasAll)
      receiver.settle()
      receiver.log.expect(frames, umem: receiver.umem.configuration)
      #expect((sender.socket.statistics.txInvalidDescriptors > 0) == !isValid)
      _ = sender.reap()
      #expect(sender.outstanding >= 0)
      receiver.finish()
    }
  }
}
