import Forwarder
import GROLite
import PacketHeaders
import PacketSamples
import Testing
import XSKEngine

/// Forwards like `ForwardUnits`, and writes down how many packets each unit had.
struct NotedUnits: UnitHandler {
  final class Notes { var sizes: [Int] = [] }

  let notes: Notes
  var verdict: (GROUnit) -> Verdict = { _ in .forward(to: 1) }

  mutating func decide(_ unit: GROUnit, of gro: borrowing GROLite, in burst: inout Burst) -> Verdict? {
    notes.sizes.append(unit.count)
    return verdict(unit)
  }
}

@Suite struct CoalescingTests {
  static let hold: UInt64 = 3_600_000_000_000

  static func rig(
    _ notes: NotedUnits.Notes, hold: UInt64 = 0, limit: Int = 32, ports: Int = 2,
    verdict: @escaping (GROUnit) -> Verdict = { _ in .forward(to: 1) }
  ) throws -> ForwarderRig<CoalescingHandler<NotedUnits>> {
    try ForwarderRig(
      CoalescingHandler(
        NotedUnits(notes: notes, verdict: verdict), gro: GROConfiguration(holdTime: hold, holdLimit: limit),
        queues: ports),
      ports: ports, rings: RingSizes(receive: 64, transmit: 128),  // Held packets leave together with a burst.
      WorkerConfiguration(idle: .spin, holdCapacity: hold == 0 ? 0 : limit * ports, drainMilliseconds: 20))
  }

  /// `count` segments of one TCP stream.
  static func segments(_ count: Int, port: UInt16 = 1, from first: Int = 0) -> [[UInt8]] {
    (first..<first + count).map { number in
      SamplePacket {
        $0.sourcePort = port
        $0.sequence = UInt32(number * 100)
        $0.identification = UInt16(number)
        $0.payload = SamplePacket.fill(100, from: number)
      }.frame
    }
  }

  /// Frames by flow, in order. Sample flows differ in their source port, which stands where the IP header says.
  static func flows(_ frames: [[UInt8]]) -> [[UInt8]: [[UInt8]]] {
    Dictionary(grouping: frames) { frame in
      let network = frame[12] == 0x81 ? 18 : 14
      let isIPv6 = frame[network] >> 4 == 6
      let transport = network + (isIPv6 ? 40 : Int(frame[network] & 15) * 4)
      return [frame[network], frame[network + (isIPv6 ? 6 : 9)]] + frame[transport..<transport + 2]
    }
  }

  @Test func `a stream is decided about once a burst, and leaves byte for byte`() throws {
    let notes = NotedUnits.Notes()
    let rig = try Self.rig(notes)
    let frames = Self.segments(64)
    #expect(rig.run(frames, on: 0, burst: 32) == [[], frames])
    #expect(notes.sizes == [32, 32])
    let totals = rig.counters.worker(index: 0)
    #expect(totals.get(.units) == 2 && totals.get(.unitPackets) == 64)
  }

  @Test func `a worker that may not hold what GRO does is refused in words`() throws {
    let device = try SimulatedDevice(name: "sim0")
    let umem = try UMEM(UMEMConfiguration(frames: 512))
    for (capacity, isEnough) in [(0, false), (63, false), (64, true)] {
      let worker = Worker(
        try WorkerParts(
          simulated: [device], umem: umem, counters: makeCounterPage(for: [device]),
          configuration: WorkerConfiguration(idle: .spin, holdCapacity: capacity)),
        handler: try CoalescingHandler(
          ForwardUnits(), gro: GROConfiguration(holdTime: 1000, holdLimit: 32), queues: 2))
      var refusal: XSKError?
      do throws(XSKError) { try worker.checkHoldLimit() } catch { refusal = error }
      #expect((refusal == nil) == isEnough)
      if !isEnough { #expect(refusal?.problem.hasPrefix("holds up to 64 packets") == true) }
    }
  }

  @Test func `units leave one after the other, each flow in its order`() throws {
    let notes = NotedUnits.Notes()
    let rig = try Self.rig(notes)
    let streams = (1...4).map { Self.segments(8, port: UInt16($0)) }
    let mixed = (0..<8).flatMap { place in streams.map { $0[place] } }
    #expect(rig.run(mixed, on: 0, burst: 32)[1] == streams.flatMap { $0 })
    #expect(notes.sizes == [8, 8, 8, 8])
  }

  @Test func `segments that came in disorder leave sorted`() throws {
    let notes = NotedUnits.Notes()
    let rig = try Self.rig(notes)
    let frames = Self.segments(6)
    #expect(rig.run([0, 2, 1, 5, 4, 3].map { frames[$0] }, on: 0, burst: 6)[1] == frames)
    #expect(notes.sizes == [6])
  }

  @Test func `one verdict holds for all packets of a unit, and every one is accounted for`() throws {
    let notes = NotedUnits.Notes()
    let rig = try Self.rig(notes) { $0.count > 2 ? .drop(.policy) : $0.count == 2 ? .reflect : .delivered }
    let frames = Self.segments(5, port: 1) + Self.segments(2, port: 2) + Self.segments(1, port: 3)
    let sent = rig.run(frames, on: 0, burst: 8)
    #expect(sent == [Self.segments(2, port: 2), []])
    #expect(rig.counters.queue(slot: 0).dropped(.policy) == 5 && rig.count(.deliveredPackets, 0) == 1)
  }

  @Test func `units that agree are carried out like those that do not`() throws {
    let (forward, drop) = (Verdict.forward(to: 1), Verdict.drop(.policy))
    let cases: [[Verdict]] = [
      [forward, forward, forward, forward], [forward, forward, drop, forward], [drop, drop, drop, forward],
      [forward, drop, drop, drop], [drop, drop, drop, drop], [.delivered, .delivered, .delivered, .delivered],
      [.delivered, .delivered, drop, drop],
    ]
    // Four flows in turn: units 0…3 begin with packets 0…3.
    let flows = (1...4).map { Self.segments(3, port: UInt16($0)) }
    let frames = (0..<12).map { flows[$0 % 4][$0 / 4] }
    for verdicts in cases {
      let rig = try Self.rig(NotedUnits.Notes()) { verdicts[$0.first] }
      let sent = rig.run(frames, on: 0, burst: 16)
      #expect(sent == [[], (0..<4).filter { verdicts[$0] == forward }.flatMap { flows[$0] }], "\(verdicts)")
      #expect(rig.counters.queue(slot: 0).dropped(.policy) == 3 * UInt64(verdicts.count { $0 == drop }))
      #expect(rig.count(.deliveredPackets, 0) == 3 * UInt64(verdicts.count { $0 == .delivered }))
    }
  }

  @Test func `what is held joins the next burst, and leaves as if it had come with it`() throws {
    let notes = NotedUnits.Notes()
    let rig = try Self.rig(notes, hold: Self.hold)
    let frames = Self.segments(20)
    #expect(rig.run(frames, on: 0, burst: 10) == [[], []], "nothing is late enough")
    #expect(rig.count(.heldPackets, 0) == 20 && notes.sizes.isEmpty)
    let last = SamplePacket {
      $0.sourcePort = 1
      $0.sequence = 2000
      $0.identification = 20
      $0.tcpFlags = 0x18
      $0.payload = [1, 2, 3]
    }.frame
    #expect(rig.run([last], on: 0)[1] == frames + [last], "PSH ends the wait")
    #expect(notes.sizes == [21] && rig.count(.heldPackets, 0) == 0)
  }

  @Test func `packets of two ports never meet in a unit`() throws {
    let notes = NotedUnits.Notes()
    let rig = try Self.rig(notes, hold: Self.hold) { _ in .reflect }
    #expect(rig.run(Self.segments(4), on: 0) == [[], []])
    #expect(rig.run(Self.segments(4, from: 4), on: 1) == [[], []])
    let rest = rig.finish()
    #expect(rest == [Self.segments(4), Self.segments(4, from: 4)] && notes.sizes == [4, 4])
  }

  @Test func `a hold time that is over lets go without another packet`() throws {
    let notes = NotedUnits.Notes()
    let rig = try Self.rig(notes, hold: 1)
    let frames = Self.segments(3)
    #expect(rig.run(frames, on: 0)[1] == frames)
  }

  @Test func `a worker that stops lets go of what GRO holds, and drops none of it`() throws {
    let notes = NotedUnits.Notes()
    let rig = try Self.rig(notes, hold: Self.hold)
    let frames = Self.segments(30)
    #expect(rig.run(frames, on: 0, burst: 15)[1] == [])
    let rest = rig.finish()
    #expect(rest == [[], frames])
    #expect(rig.counters.queue(slot: 0).dropped(.shutdown) == 0 && rig.count(.forwardedPackets, 0) == 30)
  }

  @Test func `a hold limit larger than a burst is refused in words`() {
    #expect(throws: XSKError.self) {
      _ = try CoalescingHandler(
        ForwardUnits(), gro: GROConfiguration(holdTime: 1, holdLimit: 65), batch: 64, queues: 1)
    }
  }

  @Test(arguments: [false, true], [UInt64(0), 1, 50_000, hold])
  func `random traffic leaves whole, in order, and accounted for`(trouble: Bool, hold: UInt64) throws {
    for seed in 0..<30 {
      var random = SeededGenerator(UInt64(seed) &* 77 &+ hold)
      let frames = SampleTraffic(&random, trouble: trouble).packets.map(\.frame)
      let rig = try Self.rig(NotedUnits.Notes(), hold: hold)
      var sent = rig.run(frames, on: 0, burst: .random(in: 1...60, using: &random))[1]
      sent += rig.finish()[1]
      #expect(rig.count(.forwardedPackets, 0) == UInt64(frames.count), "seed \(seed)")
      if trouble {
        #expect(sent.sorted { $0.lexicographicallyPrecedes($1) } == frames.sorted { $0.lexicographicallyPrecedes($1) })
      } else {
        #expect(Self.flows(sent) == Self.flows(frames), "seed \(seed)")
      }
    }
  }
}
