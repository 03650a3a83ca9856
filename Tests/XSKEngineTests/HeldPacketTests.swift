import Testing

@testable import XSKEngine

/// Packets that a handler keeps beyond their burst.
@Suite struct HeldPacketTests {
  /// What a scenario's handler holds, in order.
  final class Shelf {
    var packets: [HeldPacket] = []
  }

  static func configuration(_ capacity: Int) -> WorkerConfiguration {
    WorkerConfiguration(idle: .spin, holdCapacity: capacity, drainMilliseconds: 20)
  }

  /// A rig that holds all that arrives on port 0 and reflects all else.
  static func holdingRig(_ capacity: Int, _ shelf: Shelf, ports: Int = 2) throws -> SimulatedRig {
    try SimulatedRig(ports: ports, configuration(capacity)) { burst in
      burst.decideAll(.reflect)
      for index in 0..<burst.count where burst.port == 0 {
        if let packet = burst.hold(index) { shelf.packets.append(packet) }
      }
    }
  }

  @Test(
    arguments: [
      (.reflect, .forwardedPackets, 5), (.forward(to: 1), .forwardedPackets, 5), (.delivered, .deliveredPackets, 5),
      (.drop(.policy), .forwardedPackets, 0), (.forward(to: 9), .forwardedPackets, 0),
    ] as [(Verdict, QueueCounter, UInt64)])
  func `a held packet waits until it is released and then has its verdict`(
    verdict: Verdict, counter: QueueCounter, expected: UInt64
  ) throws {
    let shelf = Shelf()
    let rig = try Self.holdingRig(8, shelf)
    rig.step()
    rig.receive(count: 5)
    for _ in 0..<5 {
      rig.step()
      rig.expectInvariants()
      #expect(rig.heldFrames == 5 && rig.worker.parts.core.burst.held.count == 5)
    }
    for packet in shelf.packets { rig.worker.parts.core.burst.held.release(packet, verdict) }
    rig.worker.housekeeping()
    #expect(rig.heldFrames == 0)
    #expect(rig.count(counter) == expected)
    #expect(rig.forwarded() + rig.count(.deliveredPackets) + rig.dropped(.policy) + rig.dropped(.noSuchPort) == 5)
    rig.expectInvariants()
    rig.settle()
    rig.drainAlone()
  }

  @Test func `released packets leave in the order of their release`() throws {
    let shelf = Shelf()
    let rig = try Self.holdingRig(16, shelf)
    rig.step()
    for number in 0..<10 { #expect(rig.receive([UInt8(number)])) }
    rig.step()
    let order = [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]
    for number in order { rig.worker.parts.core.burst.held.release(shelf.packets[number], .forward(to: 1)) }
    rig.worker.housekeeping()
    var sent: [Int] = []
    for _ in 0..<3 { rig.step { _, bytes, _ in sent.append(Int(bytes.array[0])) } }
    #expect(sent == order)
    rig.drainAlone()
  }

  @Test func `a packet released in the burst that held it leaves in the same turn`() throws {
    let rig = try SimulatedRig(Self.configuration(4)) { burst in
      for index in 0..<burst.count {
        guard let packet = burst.hold(index) else { continue }
        burst.held.release(packet, .reflect)
      }
    }
    rig.step()
    rig.receive(count: 4)
    rig.worker.turn()
    #expect(rig.forwarded() == 4 && rig.heldFrames == 0)
    rig.settle()
    rig.drainAlone()
  }

  @Test(arguments: [0, 1, 3]) func `what exceeds the limit is dropped as holdLimit`(capacity: Int) throws {
    let shelf = Shelf()
    let rig = try Self.holdingRig(capacity, shelf)
    rig.step()
    rig.receive(count: 5)
    rig.step()
    #expect(rig.dropped(.holdLimit) == UInt64(5 - capacity) && shelf.packets.count == capacity)
    rig.expectInvariants()
    for packet in shelf.packets { rig.worker.parts.core.burst.held.release(packet, .drop(.policy)) }
    rig.worker.housekeeping()
    rig.receive(count: capacity)
    rig.step()
    #expect(rig.dropped(.holdLimit) == UInt64(5 - capacity), "places are free again")
    rig.drainAlone()
  }

  @Test func `other queues go on while packets of one are held`() throws {
    let shelf = Shelf()
    let rig = try Self.holdingRig(64, shelf)
    rig.step()
    rig.receive(count: 64, on: 0)
    for _ in 0..<20 {
      #expect(rig.receive(count: 10, on: 1) == 10)
      rig.step()
      rig.expectInvariants()
    }
    #expect(rig.forwarded(1) == 200 && rig.worker.parts.core.burst.held.count(slot: 0) == 64)
    #expect(rig.worker.parts.core.burst.held.count(slot: 1) == 0)
    rig.drainAlone()
  }

  @Test func `what is still held at the end is dropped as shutdown`() throws {
    let shelf = Shelf()
    let rig = try Self.holdingRig(64, shelf)
    rig.step()
    rig.receive(count: 30)
    rig.step()
    rig.receive(count: 12)
    rig.drainAlone()
    #expect(rig.dropped(.shutdown) == 42, "those included that were only taken while draining")
    #expect(rig.heldFrames == 0 && rig.count(.heldPackets) == 0)
  }

  @Test func `a handler may release what it holds while the worker drains`() throws {
    let shelf = Shelf()
    let rig = try SimulatedRig(Self.configuration(64)) { burst in
      for packet in shelf.packets { burst.held.release(packet, .delivered) }
      shelf.packets = (0..<burst.count).compactMap { burst.hold($0) }
    }
    rig.step()
    rig.receive(count: 8)
    rig.step()
    rig.receive(count: 4)
    rig.drainAlone()
    #expect(rig.count(.deliveredPackets) == 8 && rig.dropped(.shutdown) == 4)
  }

  @Test func `a held packet of several frames keeps all of them and its bytes`() throws {
    let shelf = Shelf()
    let rig = try Self.holdingRig(8, shelf)
    let packets = (0..<6).map { patterned($0, length: 9000) }
    rig.step()
    for packet in packets { #expect(rig.receive(packet)) }
    rig.step()
    #expect(rig.heldFrames == 36, "9,000 bytes take 6 frames of 1,792")
    rig.receive(count: 40, on: 1)
    rig.step()
    rig.expectInvariants()
    for (index, packet) in shelf.packets.enumerated() {
      rig.worker.parts.core.burst.held.release(packet, index < 4 ? .forward(to: 1) : .delivered)
    }
    rig.worker.housekeeping()
    #expect(rig.count(.deliveredPackets) == 2 && rig.count(.deliveredBytes) == 18_000)
    #expect(rig.count(.forwardedBytes) == 36_000)
    var sent: [UInt8] = []
    for _ in 0..<3 { rig.step { _, bytes, _ in if bytes.byteCount != 60 { sent += bytes.array } } }
    #expect(sent == packets[..<4].flatMap { $0 })
    rig.settle()
    rig.drainAlone()
  }

  @Test(arguments: [4, 8, 64]) func `packets of several frames are held and readmitted, burst after burst`(batch: Int)
    throws
  {
    let shelf = Shelf()
    let rig = try SimulatedRig(
      rings: RingSizes(receive: 512, transmit: 512), umem: UMEMConfiguration(frames: 2048),
      WorkerConfiguration(batch: batch, idle: .spin, holdCapacity: 64, drainMilliseconds: 20)
    ) { burst in
      // What was held comes first, and leaves; what came with it is held in its place.
      let list = FixedArray(shelf.packets)
      let count = shelf.packets.count
      shelf.packets = []
      burst.readmit(list, count: count)
      for index in 0..<count { burst[verdict: index] = .reflect }
      for index in count..<burst.count { if let packet = burst.hold(index) { shelf.packets.append(packet) } }
    }
    rig.step()
    let packets = (0..<64).map { patterned($0, length: 9000) }
    for packet in packets { #expect(rig.receive(packet)) }
    var sent: [UInt8] = []
    for _ in 0..<100 {
      rig.step { _, bytes, _ in sent += bytes.array }
      rig.expectInvariants()
    }
    #expect(sent == packets.flatMap { $0 } && rig.heldFrames == 0)
    rig.drainAlone()
  }

  @Test func `a packet released to a port that is down is dropped as portDown`() throws {
    let shelf = Shelf()
    let rig = try Self.holdingRig(8, shelf)
    rig.step()
    rig.receive(count: 3)
    rig.step()
    rig.worker.parts.core.fail(1, 6)
    for packet in shelf.packets { rig.worker.parts.core.burst.held.release(packet, .forward(to: 1)) }
    rig.worker.housekeeping()
    #expect(rig.dropped(.portDown) == 3)
    rig.drainAlone()
  }

  @Test func `packets are released from housekeeping`() throws {
    let shelf = Shelf()
    let rig = try SimulatedRig(
      Self.configuration(8),
      tick: { held in
        for packet in shelf.packets { held.release(packet, .delivered) }
        shelf.packets = []
      },
      decide: { burst in shelf.packets += (0..<burst.count).compactMap { burst.hold($0) } })
    rig.step()
    rig.receive(count: 8)
    rig.step()
    #expect(rig.heldFrames == 8)
    rig.worker.housekeeping()
    #expect(rig.heldFrames == 0 && rig.count(.deliveredPackets) == 8)
    rig.drainAlone()
  }

  @Test func `a held packet's verdict is final within its burst, and a trap to change`() async {
    await #expect(processExitsWith: .failure) {
      Self.decideAfterHold { $0[verdict: 0] = .drop(.policy) }
    }
    await #expect(processExitsWith: .failure) {
      Self.decideAfterHold { $0.decideAll(.reflect) }
    }
    await #expect(processExitsWith: .failure) {
      Self.decideAfterHold { $0.decideEach { _ in .reflect } }
    }
    await #expect(processExitsWith: .success) {
      Self.decideAfterHold { $0[verdict: 1] = .reflect }
    }
  }

  /// A burst of two whose first packet is held before `decide`.
  static func decideAfterHold(_ decide: @escaping (inout Burst) -> Void) {
    let rig = try? SimulatedRig(configuration(4)) { burst in
      guard burst.hold(0) != nil else { return }
      decide(&burst)
    }
    rig?.step()
    rig?.receive(count: 2)
    rig?.step()
  }

  @Test func `releasing a packet twice is a trap`() async {
    await #expect(processExitsWith: .failure) {
      var held = HeldPackets(capacity: 2, slots: 1)
      guard let packet = held.insert(Descriptor(address: 0, length: 1), slot: 0) else { return }
      held.release(packet, .delivered)
      held.release(packet, .delivered)
    }
  }

  @Test func `a handle of a place's former packet is a trap`() async {
    await #expect(processExitsWith: .failure) {
      var held = HeldPackets(capacity: 1, slots: 1)
      var scratch = FixedArray(repeating: Descriptor(address: 0, length: 0), count: 32)
      guard let former = held.insert(Descriptor(address: 0, length: 1), slot: 0) else { return }
      held.release(former, .delivered)
      _ = held.takeReleased(scratch: &scratch, start: 0)
      guard held.insert(Descriptor(address: 2048, length: 1), slot: 0) != nil else { return }
      held.release(former, .delivered)
    }
  }
}
