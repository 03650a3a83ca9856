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

/// Notes by their source ports which packets it was asked about by their headers alone, and which in the ordinary way.
private struct PlainUnits: UnitHandler {
  final class Notes {
    var plain: [UInt16] = []
    var others: [UInt16] = []
  }

  static var decidesAlone: Bool { true }

  let notes: Notes
  /// Plain packets that it wants to know more of.
  var declines: (UInt16) -> Bool = { _ in false }

  func decidesPlain(_ burst: borrowing Burst) -> Bool { true }

  mutating func decide(
    plain headers: PacketSummary, _ frame: inout MutableRawSpan, on port: UInt8, now: UInt64
  ) -> Verdict? {
    guard !declines(headers.key.sourcePort) else { return nil }
    notes.plain.append(headers.key.sourcePort)
    return .forward(to: 1)
  }

  mutating func decide(_ unit: GROUnit, of gro: borrowing GROLite, in burst: inout Burst) -> Verdict? {
    notes.others.append(gro.summary(of: unit).key.sourcePort)
    return .forward(to: 1)
  }
}

@Suite struct CoalescingPauseTests {
  private static func rig(_ units: consuming PlainUnits) throws -> ForwarderRig<CoalescingHandler<PlainUnits>> {
    try ForwarderRig(
      CoalescingHandler(units, gro: nil, queues: 2), ports: 2, rings: RingSizes(receive: 64, transmit: 128))
  }

  @Test func `plain packets are decided about by their headers, others in the ordinary way, all in their order`() throws
  {
    func packet(_ port: UInt16, _ change: (inout SamplePacket) -> Void = { _ in }) -> [UInt8] {
      SamplePacket {
        $0.sourcePort = port
        $0.payload = SamplePacket.fill(20)
        change(&$0)
      }.frame
    }
    let plain = [
      packet(1), packet(2) { $0.transport = .udp }, packet(3) { $0.payload = [] }, packet(4) { $0.padding = 6 },
      packet(5) { $0.tcpOptions = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2] },
      packet(6) {
        $0.transport = .udp
        $0.payload = SamplePacket.fill(12)  // 54 bytes in all.
      },
    ]
    let others = [
      packet(101) { $0.isIPv6 = true }, packet(102) { $0.vlans = [(0x8100, 5)] },
      packet(103) { $0.tcpOptions = [2, 4, 1, 1] },
      packet(104) {
        $0.transport = .udp
        $0.hasUDPChecksum = false
      },
      packet(105) {
        $0.transport = .udp
        $0.payload = SamplePacket.fill(11)  // 53.
      },
    ]
    let notes = PlainUnits.Notes()
    let mixed = plain + [others[0]] + plain + others + plain + plain
    #expect(try Self.rig(PlainUnits(notes: notes)).run(mixed, on: 0, burst: 64) == [[], mixed])
    #expect(notes.plain == [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6])
    #expect(notes.others == [101, 101, 102, 103, 104, 105])
    // Where most are others it stops looking for plain ones until the next burst.
    (notes.plain, notes.others) = ([], [])
    let many = (0..<6).flatMap { _ in others } + plain
    #expect(try Self.rig(PlainUnits(notes: notes)).run(many, on: 0, burst: 64) == [[], many])
    #expect(notes.plain.isEmpty && notes.others.suffix(6) == [1, 2, 3, 4, 5, 6])
  }

  @Test func `a plain packet that more must be known of goes the ordinary way`() throws {
    let frames = (0..<40).map { CoalescingTests.segments(1, port: UInt16(1 + $0))[0] }
    let notes = PlainUnits.Notes()
    let rig = try Self.rig(PlainUnits(notes: notes) { $0 % 4 == 0 })
    #expect(rig.run(frames, on: 0, burst: 40) == [[], frames])
    #expect(notes.others == (1...40).filter { $0 % 4 == 0 } && notes.plain == (1...40).filter { $0 % 4 != 0 })
  }

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
