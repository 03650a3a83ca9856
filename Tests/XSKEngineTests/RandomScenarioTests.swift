import Testing

@testable import XSKEngine

/// Everything at once, by the dice, the same every time: two devices, all verdicts, packets of one frame and of several,
/// faults that come and go. Both invariants hold after every turn.
@Suite struct RandomScenarioTests {
  /// A handler that decides by its own dice, and holds packets for a while.
  final class Dice {
    var random: SeededGenerator
    var held: [HeldPacket] = []

    init(seed: UInt64) { random = SeededGenerator(state: seed) }

    func verdict() -> Verdict {
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<35: .forward(to: UInt8.random(in: 0...1, using: &random))
      case 35..<55: .reflect
      case 55..<65: .delivered
      case 65..<68: .forward(to: 7)
      default: .drop(.policy)
      }
    }

    func decide(_ burst: inout Burst) {
      for index in 0..<burst.count {
        if Int.random(in: 0..<10, using: &random) == 0 {
          if let packet = burst.hold(index) { held.append(packet) }
        } else {
          burst[verdict: index] = verdict()
        }
      }
      if Bool.random(using: &random) { release(&burst.held, upTo: 8) }
    }

    func release(_ table: inout HeldPackets, upTo most: Int) {
      for _ in 0..<min(most, held.count) { table.release(held.removeFirst(), verdict()) }
    }
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64], [false, true])
  func `no frame and no packet is ever lost`(seed: UInt64, unaligned: Bool) throws {
    let dice = Dice(seed: seed)
    var random = SeededGenerator(state: ~seed)
    let rig = try SimulatedRig(
      ports: 2, rings: RingSizes(receive: 64, transmit: 32), startIndex: 0xffff_ff00, needsWakeup: seed % 2 == 0,
      umem: UMEMConfiguration(frames: 600, unaligned: unaligned),
      WorkerConfiguration(
        batch: [64, 1, 13, 32][Int(seed) - 1], idle: .spin, kickThreshold: 8, holdCapacity: 16, drainMilliseconds: 20),
      tick: { dice.release(&$0, upTo: 3) }, decide: dice.decide)
    var offered: UInt64 = 0
    var turns = 0
    while offered < 12_500 {
      for port in 0..<2 { offered += Self.arrive(rig, port, &random) }
      rig.worker.turn()
      for port in 0..<2 { rig.transmit(limit: .random(in: 0...40, using: &random), on: port) }
      if turns % 16 == 0 { rig.worker.housekeeping() }
      if turns % 8 == 0 { Self.misbehave(rig, &random) }
      rig.expectInvariants()
      turns += 1
    }
    for port in 0..<2 { rig.nics[port].faults = SimulatedFaults() }
    for _ in 0..<200 { rig.step() }
    rig.expectInvariants()
    #expect(rig.receivedPackets(0) + rig.receivedPackets(1) == offered, "all that arrived was received")
    rig.drainAlone()
    for port in 0..<2 {
      #expect(rig.forwarded(port) > 0 && rig.dropped(.policy, port) > 0 && rig.count(.deliveredPackets, port) > 0)
      #expect(rig.dropped(.noSuchPort, port) > 0 && rig.dropped(.invalidDescriptor, port) > 0)
    }
  }

  /// - Returns: packets that the NIC put on the RX ring.
  static func arrive(_ rig: SimulatedRig, _ port: Int, _ random: inout SeededGenerator) -> UInt64 {
    var arrived: UInt64 = 0
    for _ in 0..<Int.random(in: 0...12, using: &random) {
      let length = Int.random(in: 0..<8, using: &random) == 0 ? Int.random(in: 1793...9014, using: &random) : 60
      if rig.receive([UInt8](repeating: 0, count: length), on: port) { arrived += 1 }
    }
    return arrived
  }

  static func misbehave(_ rig: SimulatedRig, _ random: inout SeededGenerator) {
    let port = Int.random(in: 0..<2, using: &random)
    rig.nics[port].faults.stallsTransmit = Int.random(in: 0..<4, using: &random) == 0
    rig.nics[port].faults.starvesFillRing = Int.random(in: 0..<6, using: &random) == 0
    // Both cost frames for good, so they are few.
    if Int.random(in: 0..<20, using: &random) == 0 { rig.nics[port].faults.lostCompletions = 1 }
    if Int.random(in: 0..<12, using: &random) == 0 { rig.nics[port].faults.invalidDescriptors = 1 }
    // A completion of nobody's frame, and an errno that is ordinary.
    if Int.random(in: 0..<10, using: &random) == 0 {
      _ = rig.complete(raw: UInt64.random(in: 0...UInt64(700 * 2048), using: &random), on: port)
    }
    rig.devices[port].answer(errno: Bool.random(using: &random) ? 11 : 0)
  }
}
