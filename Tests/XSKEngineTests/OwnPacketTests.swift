import PacketSamples
import Testing

@testable import XSKEngine

/// Packets that begin in the worker: `PacketHandler.originate` and `Burst.compose`.
@Suite struct OwnPacketTests {
  /// What the handler has yet to send: (header, payload, verdict).
  final class Outbox {
    var packets: [(header: [UInt8], payload: [UInt8], verdict: Verdict)] = []
    var rooms: [Int] = []
    var isPolite = true
  }

  static func rig(
    _ outbox: Outbox, ports: Int = 1, rings: RingSizes = RingSizes(receive: 64, transmit: 64), frames: Int = 512,
    batch: Int = 64
  ) throws -> SimulatedRig {
    try SimulatedRig(
      ports: ports, rings: rings, umem: UMEMConfiguration(frames: frames),
      WorkerConfiguration(batch: batch, idle: .spin, drainMilliseconds: 20),
      compose: { burst in
        outbox.rooms.append(burst.room(for: outbox.packets.first?.verdict ?? .forward(to: 0)))
        while let packet = outbox.packets.first {
          let length = packet.header.count + packet.payload.count
          if outbox.isPolite && burst.fit(length: length, for: packet.verdict) == .later { return }
          outbox.packets.removeFirst()
          burst.compose(packet.verdict, packet.header.packet, packet.payload.packet)
        }
      },
      decide: { $0.decideAll(.reflect) })
  }

  static func sent(_ rig: SimulatedRig, turns: Int = 4) -> [[UInt8]] {
    var packets: [[UInt8]] = []
    var current: [UInt8] = []
    for _ in 0..<turns {
      rig.step { _, bytes, continues in
        current += bytes.array
        guard !continues else { return }
        packets.append(current)
        current = []
      }
      rig.expectInvariants()
    }
    return packets
  }

  @Test func `a packet leaves by the port that its verdict names, header first`() throws {
    let outbox = Outbox()
    let rig = try Self.rig(outbox, ports: 2)
    rig.step()
    outbox.packets = [([1, 2, 3], [4, 5], .forward(to: 1)), ([6], [], .forward(to: 1)), ([], [7], .forward(to: 1))]
    #expect(Self.sent(rig) == [[1, 2, 3, 4, 5], [6], [7]])
    #expect(rig.receivedPackets(2) == 3 && rig.forwarded(2) == 3 && rig.count(.receivedBytes, 2) == 7)
    #expect(rig.receivedPackets(0) == 0 && rig.receivedPackets(1) == 0)
    rig.drainAlone()
  }

  @Test(arguments: [1791, 1792, 1793, 3584, 9014, 17 * 1792])
  func `a packet longer than a chunk takes several frames`(length: Int) throws {
    let outbox = Outbox()
    let rig = try Self.rig(outbox)
    rig.step()
    let packet = patterned(3, length: length)
    outbox.packets = [(Array(packet[..<54]), Array(packet[54...]), .forward(to: 0))]
    #expect(Self.sent(rig) == [packet])
    outbox.packets = [(packet, [], .forward(to: 0))]
    #expect(Self.sent(rig) == [packet])
    rig.settle()
    rig.drainAlone()
  }

  @Test func `verdicts hold as for any packet, and every one is accounted for`() throws {
    let outbox = Outbox()
    let rig = try Self.rig(outbox)
    rig.step()
    outbox.packets = [
      ([1], [], .drop(.policy)), ([2], [], .delivered), ([3], [], .reflect), ([4], [], .forward(to: 1)),
      ([5], [], .forward(to: 7)), ([6], [], .forward(to: 0)),
    ]
    #expect(Self.sent(rig) == [[6]])
    #expect(rig.dropped(.policy, 1) == 1 && rig.count(.deliveredPackets, 1) == 1 && rig.forwarded(1) == 1)
    #expect(rig.dropped(.noSuchPort, 1) == 3, "a port of the worker's own transmits nothing")
    rig.drainAlone()
  }

  @Test func `what there is no room for waits if the handler asks, and is dropped as no_frame if it does not`() throws {
    let outbox = Outbox()
    let rig = try Self.rig(outbox, rings: RingSizes(receive: 64, transmit: 8))
    rig.step()
    outbox.packets = (0..<20).map { ([UInt8($0)], [], .forward(to: 0)) }
    rig.worker.turn()
    #expect(outbox.packets.count == 12 && rig.forwarded(1) == 8, "the TX ring has eight places")
    rig.worker.turn()
    #expect(outbox.packets.count == 12 && outbox.rooms.last == 0)
    #expect(Self.sent(rig, turns: 8).count == 20)
    outbox.isPolite = false
    outbox.packets = (0..<20).map { ([UInt8($0)], [], .forward(to: 0)) }
    rig.worker.turn()
    #expect(rig.dropped(.noFrame, 1) == 12 && rig.receivedPackets(1) == 40)
    rig.settle()
    rig.drainAlone()
  }

  @Test(arguments: [1, 4, 64])
  func `a burst is as many packets, however many frames each takes`(batch: Int) throws {
    let outbox = Outbox()
    let rig = try Self.rig(outbox, batch: batch)
    rig.step()
    let packets = (0..<9).map { patterned($0, length: 9014) }
    outbox.packets = packets.map { ($0, [], .forward(to: 0)) }
    #expect(Self.sent(rig, turns: 16) == packets && rig.dropped(.noFrame, 1) == 0)
    outbox.packets = (0..<9).map { ([UInt8($0)], [], .forward(to: 0)) }
    rig.worker.turn()
    #expect(outbox.packets.count == max(0, 9 - batch))
    rig.settle()
    rig.drainAlone()
  }

  @Test func `a full port keeps nothing from another`() throws {
    let outbox = Outbox()
    let rig = try Self.rig(outbox, ports: 2, rings: RingSizes(receive: 64, transmit: 8))
    rig.step()
    outbox.packets = (0..<8).map { ([UInt8($0)], [], .forward(to: 0)) }
    rig.worker.turn()
    outbox.packets = [([8], [], .forward(to: 1))]
    rig.worker.turn()
    #expect(outbox.packets.isEmpty && rig.forwarded(2) == 9)
    rig.settle()
    rig.drainAlone()
  }

  @Test func `what takes more frames than its TX ring has is dropped, and the next one leaves`() throws {
    let outbox = Outbox()
    let rig = try Self.rig(outbox, rings: RingSizes(receive: 64, transmit: 4))
    rig.step()
    outbox.packets = [(patterned(1, length: 9014), [], .forward(to: 0)), ([7], [], .forward(to: 0))]
    #expect(Self.sent(rig) == [[7]])
    #expect(rig.dropped(.noFrame, 1) == 1)
    rig.settle()
    rig.drainAlone()
  }

  @Test func `an empty pool is no room`() throws {
    let outbox = Outbox()
    let rig = try Self.rig(outbox, frames: 64)
    rig.step()
    #expect(rig.pooled == 0, "the fill ring has all frames")
    outbox.packets = [([1], [], .forward(to: 0))]
    rig.step()
    #expect(outbox.rooms.last == 0 && outbox.packets.count == 1)
    rig.drainAlone()
  }

  @Test func `a stopping worker originates nothing`() throws {
    let outbox = Outbox()
    let rig = try Self.rig(outbox)
    rig.step()
    outbox.packets = [([1], [], .forward(to: 0))]
    rig.drainAlone()
    #expect(outbox.packets.count == 1 && rig.receivedPackets(1) == 0)
  }

  @Test func `composing elsewhere is a trap`() async {
    await #expect(processExitsWith: .failure) {
      let rig = try SimulatedRig(compose: { _ in }) { burst in burst.compose(.drop(.policy), [1].packet) }
      rig.step()
      rig.receive(count: 1)
      rig.step()
    }
  }
}

/// `Burst.sequence`: the order in which packets leave.
@Suite struct SequenceTests {
  static func rig(_ order: @escaping (Int) -> [Int]) throws -> SimulatedRig {
    try SimulatedRig { burst in
      for index in 0..<burst.count { burst[verdict: index] = index % 3 == 2 ? .drop(.policy) : .reflect }
      for index in order(burst.count) { burst.sequence(index) }
    }
  }

  @Test func `packets leave in the handler's order, each with its own verdict`() throws {
    let rig = try Self.rig { Array((0..<$0).reversed()) }
    rig.step()
    for number in 0..<9 { #expect(rig.receive([UInt8(number)])) }
    var sent: [Int] = []
    for _ in 0..<2 { rig.step { _, bytes, _ in sent.append(Int(bytes.array[0])) } }
    #expect(sent == [7, 6, 4, 3, 1, 0] && rig.dropped(.policy) == 3)
    rig.settle()
    rig.drainAlone()
  }

  @Test func `packets of several frames move as one`() throws {
    let rig = try Self.rig { Array((0..<$0).reversed()) }
    rig.step()
    let packets = [0, 1].map { patterned($0, length: 5000) }
    for packet in packets { #expect(rig.receive(packet)) }
    var sent: [UInt8] = []
    for _ in 0..<2 { rig.step { _, bytes, _ in sent += bytes.array } }
    #expect(sent == packets[1] + packets[0])
    rig.settle()
    rig.drainAlone()
  }

  @Test func `an order that doubles or forgets a packet is a trap`() async {
    await #expect(processExitsWith: .failure) { try Self.runOnce { _ in [1, 1, 0] } }
    await #expect(processExitsWith: .failure) { try Self.runOnce { _ in [1, 0] } }
    await #expect(processExitsWith: .success) { try Self.runOnce { _ in [2, 0, 1] } }
  }

  static func runOnce(_ order: @escaping (Int) -> [Int]) throws {
    let rig = try rig { $0 == 0 ? [] : order($0) }
    rig.step()
    rig.receive(count: 3)
    rig.step()
  }
}
