import GROLite
import PacketHeaders
import PacketSamples
import Testing
import XSKEngine

@testable import Forwarder

/// As `NotedUnits`, of a kind that takes packets by themselves where GRO pauses.
private struct PatientUnits: UnitHandler {
  static var decidesAlone: Bool { true }

  let notes: NotedUnits.Notes
  var verdict: (GROUnit) -> Verdict

  mutating func decide(_ unit: GROUnit, of gro: borrowing GROLite, in burst: inout Burst) -> Verdict? {
    notes.sizes.append(unit.count)
    // What it was told of the packet is what the packet says.
    let told = gro.summary(of: unit)
    let found = PacketSummary(burst.bytes(unit.first), length: burst.length(unit.first))
    #expect(told.key == found.key && told.sequence == found.sequence && told.payloadOffset == found.payloadOffset)
    #expect(unit.payloadLength == Int(told.payloadLength) * unit.count)
    return verdict(unit)
  }
}

@Suite struct CoalescingPauseTests {
  @Test func `GRO pauses where nothing merges, looks again, and comes back for what does`() throws {
    let notes = NotedUnits.Notes()
    let rig = try ForwarderRig(
      CoalescingHandler(PatientUnits(notes: notes) { _ in .forward(to: 1) }, queues: 2), ports: 2,
      rings: RingSizes(receive: 64, transmit: 128))
    // Each a flow of its own; and trains of 8 whose packets have sequence numbers that run on from 0.
    let strangers = (0..<64).map { CoalescingTests.segments(1, port: UInt16(1000 + $0))[0] }
    let trains = (0..<8).flatMap { CoalescingTests.segments(8, port: UInt16($0 + 1)) }
    var sizes: [[Int]] = []
    func run(_ frames: [[UInt8]]) {
      notes.sizes = []
      #expect(rig.run(frames, on: 0, burst: 64) == [[], frames])
      sizes.append(notes.sizes)
    }
    let (alone, merged) = ([Int](repeating: 1, count: 64), [Int](repeating: 8, count: 8))
    run(trains)
    run(strangers)  // Looked at, in vain: the next 64 are on their own.
    run(trains)
    run(trains)  // And it is back.
    #expect(sizes == [merged, alone, alone, merged])
    sizes = []
    // In vain again and again: 64, 128, 256, … up to 2,048 packets are left alone between two looks.
    for _ in 0..<(1 + 1) + (1 + 2) + (1 + 4) + (1 + 8) + (1 + 16) + (1 + 32) { run(strangers) }
    run(strangers)
    for _ in 0..<32 { run(trains) }
    run(trains)
    #expect(sizes.dropLast().allSatisfy { $0 == alone } && sizes.last == merged)
    let totals = rig.counters.worker(index: 0)
    #expect(totals.get(.unitPackets) == rig.count(.receivedPackets, 0))
  }

  @Test func `packets by themselves get what they are given, the same for all or not`() throws {
    let (forward, drop) = (Verdict.forward(to: 1), Verdict.drop(.policy))
    let frames = (0..<12).map { CoalescingTests.segments(1, port: UInt16(1 + $0))[0] }
    let cases: [[Verdict]] = [
      [forward, forward, forward], [drop, drop, drop], [forward, forward, drop], [drop, forward, forward],
      [.delivered, .delivered, .delivered], [.delivered, drop, .reflect],
    ]
    for verdicts in cases {
      let notes = NotedUnits.Notes()
      // Without GRO: all are by themselves.
      let rig = try ForwarderRig(
        CoalescingHandler(PatientUnits(notes: notes) { verdicts[$0.first / 4] }, gro: nil, queues: 2), ports: 2,
        rings: RingSizes(receive: 64, transmit: 128))
      func those(_ verdict: Verdict) -> [[UInt8]] {
        frames.indices.filter { verdicts[$0 / 4] == verdict }.map { frames[$0] }
      }
      #expect(rig.run(frames, on: 0, burst: 12) == [those(.reflect), those(forward)], "\(verdicts)")
      #expect(rig.counters.queue(slot: 0).dropped(.policy) == UInt64(those(drop).count))
      #expect(rig.count(.deliveredPackets, 0) == UInt64(those(.delivered).count))
      #expect(notes.sizes == [Int](repeating: 1, count: 12))
    }
  }

  @Test(arguments: [(64, 64, true), (64, 57, true), (64, 56, false), (64, 8, false), (1024, 900, true)])
  func `merging one packet in eight is worth its while`(packets: Int, units: Int, pauses: Bool) {
    var pause = CoalescingPause()
    pause.learn(packets: packets, units: units)
    #expect(pause.isOn == pauses)
  }

  @Test func `small bursts are judged together`() {
    var pause = CoalescingPause()
    for _ in 0..<31 { pause.learn(packets: 2, units: 2) }
    #expect(!pause.isOn)
    pause.learn(packets: 2, units: 2)
    #expect(pause.isOn)
    pause.pass(63)
    #expect(pause.isOn)
    pause.pass(5)
    #expect(!pause.isOn)
  }
}
