import Testing

@testable import XSKEngine

@Suite struct FrameOwnersTests {
  @Test func `a frame is taken back only from the owner that it was given to`() {
    let frames = FrameOwners(frames: 8)
    let owners = frames.table
    owners.give(3, to: FrameOwners.receive(0))
    #expect(!owners.take(3, from: FrameOwners.transmit(0)))
    #expect(!owners.take(3, from: FrameOwners.receive(1)))
    #expect(!owners.take(4, from: FrameOwners.receive(0)))
    #expect(owners.take(3, from: FrameOwners.receive(0)))
    #expect(!owners.take(3, from: FrameOwners.receive(0)), "twice")
  }

  @Test(arguments: [8, 9, 1000, -1, .min, .max])
  func `a frame that does not exist belongs to nobody`(index: Int) {
    let frames = FrameOwners(frames: 8)
    let owners = frames.table
    for owner in [FrameOwners.worker, FrameOwners.receive(0), FrameOwners.transmit(0)] {
      #expect(!owners.take(index, from: owner))
    }
  }

  @Test func `all owners that a worker can have are told apart`() {
    let slots = 0..<FrameOwners.maximumSlots
    let all = [FrameOwners.worker] + slots.map(FrameOwners.receive) + slots.map(FrameOwners.transmit)
    #expect(Set(all).count == 1 + 2 * FrameOwners.maximumSlots)
  }

  @Test func `a lost owner's frames are all known`() {
    var owners = FrameOwners(frames: 8)
    for index in [1, 4, 7] { owners.table.give(index, to: FrameOwners.receive(2)) }
    owners.table.give(2, to: FrameOwners.transmit(2))
    #expect(owners.count(of: FrameOwners.receive(2)) == 3)
    #expect(owners.reclaim(from: FrameOwners.receive(2)) == [1, 4, 7])
    #expect(owners.reclaim(from: FrameOwners.receive(2)) == [])
    #expect(owners.count(of: FrameOwners.worker) == 7)
  }

  // MARK: Hand-overs that the worker refuses

  /// RX descriptors that nobody may send: each is one packet, dropped as `invalidDescriptor`. UMEM of 512 × 2048 bytes;
  /// the fill ring was given frames 0 … 127.
  static let foreign: [(name: String, descriptor: Descriptor)] = [
    ("a frame of the pool", Descriptor(address: 300 * 2048 + 256, length: 60)),
    ("the last frame", Descriptor(address: 511 * 2048, length: 60)),
    ("past the UMEM's end", Descriptor(address: 512 * 2048, length: 60)),
    ("far outside", Descriptor(address: 0xffff_ffff_ffff_f800, length: 60)),
    ("across a chunk", Descriptor(address: 2048 - 10, length: 11)),
    ("longer than a chunk", Descriptor(address: 0, length: 2049)),
    ("a length that wraps", Descriptor(address: 2047, length: .max)),
  ]

  @Test(arguments: foreign) func `an RX descriptor of a frame not given is refused`(
    foreign: (name: String, descriptor: Descriptor)
  ) throws {
    var seen = 0
    let rig = try SimulatedRig {
      seen += $0.count
      $0.decideAll(.reflect)
    }
    rig.step()
    #expect(rig.receiveFrames() == 128)
    #expect(rig.receive([1]))
    #expect(rig.receive(raw: foreign.descriptor))
    #expect(rig.receive([2]))
    rig.settle()
    #expect(seen == 2 && rig.forwarded() == 2)
    #expect(rig.receivedPackets() == 3 && rig.dropped(.invalidDescriptor) == 1)
    rig.drainAlone()
  }

  @Test func `a frame received twice is refused the second time`() throws {
    let rig = try SimulatedRig { $0.decideAll(.drop(.policy)) }
    rig.step()
    let address = try #require(rig.takeFrame())
    for _ in 0..<2 { #expect(rig.receive(raw: Descriptor(address: address, length: 60))) }
    rig.worker.turn()
    #expect(rig.dropped(.policy) == 1 && rig.dropped(.invalidDescriptor) == 1)
    rig.expectInvariants()
  }

  /// Completions of frames that were not being transmitted.
  @Test(arguments: [0, 256, 300 * 2048, 512 * 2048, .max, 0xffff_0000_0000_0000] as [UInt64])
  func `a completion of a frame not given is refused`(address: UInt64) throws {
    let rig = try SimulatedRig(needsWakeup: false) { $0.decideAll(.reflect) }
    rig.step()
    #expect(rig.receive(count: 4) == 4)
    rig.worker.turn()
    #expect(rig.transmitFrames() == 4)
    // Frames 0…3 are under way, 4…127 are the kernel's to receive into, the rest is in the pool.
    #expect(rig.complete(raw: address == 0 || address == 256 ? address + 100 * 2048 : address))
    rig.worker.turn()
    #expect(rig.transmitFrames() == 4)
    rig.expectInvariants()
    rig.settle()
    #expect(rig.transmitFrames() == 0)
    rig.drainAlone()
  }

  @Test func `a frame completed twice is taken back once`() throws {
    let rig = try SimulatedRig(needsWakeup: false) { $0.decideAll(.reflect) }
    rig.step()
    rig.receive(count: 3)
    rig.worker.turn()
    #expect(rig.transmit(limit: 1) == 1)
    #expect(rig.complete(raw: 256), "frame 0, once more")
    rig.worker.turn()
    rig.expectInvariants()
    #expect(rig.transmitFrames() == 2)
    rig.settle()
    rig.drainAlone()
  }
}
