import Testing

@testable import XSKEngine

/// What a capture says of packets, worker and reader in turn on one thread. Both invariants hold whether one runs or not.
@Suite struct CaptureTests {
  static let pattern: [Verdict] = [
    .drop(.policy), .drop(.shutdown), .forward(to: 1), .reflect, .delivered, .forward(to: 0), .forward(to: 9),
    .drop(.custom(3)),
  ]
  static let outcomes: [CapturedPacket.Decision] = [
    .dropped(.policy), .dropped(.shutdown), .forwarded(to: 1), .reflected, .delivered, .forwarded(to: 0),
    .dropped(.noSuchPort), .dropped(.custom(3)),
  ]

  static func patternRig(_ also: @escaping (inout Burst) -> Void = { _ in }) throws -> SimulatedRig {
    try SimulatedRig(ports: 2) { burst in
      for index in 0..<burst.count { burst[verdict: index] = pattern[Int(burst.bytes(index).array[0]) % 8] }
      also(&burst)
    }
  }

  @Test func `every verdict is recorded as what became of the packet`() throws {
    let rig = try Self.patternRig()
    rig.step()
    let capture = try CaptureRig(rig)
    let packets = Self.pattern.indices.map { numbered($0, length: 60 + $0) }
    for packet in packets { #expect(rig.receive(packet)) }
    rig.step()
    let records = capture.read()
    #expect(records.map(\.decision) == Self.outcomes)
    #expect(records.map(\.bytes) == packets)
    #expect(records.allSatisfy { $0.packet.port == 0 && $0.packet.queue == 0 && $0.packet.rule == nil })
    #expect(records.map(\.packet.length) == packets.map(\.count))
    #expect(records[6].packet.intendedEgress == 9 && records[0].packet.intendedEgress == nil)
    #expect(capture.session.totals(port: 0) == (8, 0))
    rig.settle()
    rig.drainAlone()
  }

  @Test func `times are those of the wall clock`() throws {
    let rig = try SimulatedRig { $0.decideAll(.drop(.policy)) }
    rig.step()
    let capture = try CaptureRig(rig)
    let before = WallClock().nanoseconds(at: rig.worker.parts.core.now)
    rig.receive(count: 1)
    rig.step()
    let record = try #require(capture.read().first)
    let after = WallClock().nanoseconds(at: rig.worker.parts.core.now)
    // Two readings of clocks that go on: a millisecond is far more than they can differ.
    #expect(record.packet.nanoseconds + 1_000_000 > before && record.packet.nanoseconds < after + 1_000_000)
  }

  @Test func `a packet that finds the TX ring full is recorded as dropped for that, once`() throws {
    let rig = try SimulatedRig(ports: 2, rings: RingSizes(receive: 64, transmit: 4)) { $0.decideAll(.forward(to: 1)) }
    rig.nics[1].faults.stallsTransmit = true
    rig.step()
    let (all, count) = (try CaptureRig(rig), 10)
    for number in 0..<count { #expect(rig.receive(numbered(number))) }
    rig.step()
    let records = all.read()
    #expect(records.map { $0.bytes[0] } == (0..<10).map { UInt8($0) })
    #expect(
      records.map(\.decision)
        == [CapturedPacket.Decision](repeating: .forwarded(to: 1), count: 4)
        + [CapturedPacket.Decision](repeating: .dropped(.txRingFull), count: 6))
    #expect(records[4...].allSatisfy { $0.packet.intendedEgress == 1 })
    all.session.end()
    // The same, when only drops are wanted: they are not known as such before.
    var selection = CaptureSelection()
    selection.dropsOnly = true
    let drops = try CaptureRig(rig, selection)
    for number in 0..<3 { #expect(rig.receive(numbered(number))) }
    rig.step()
    #expect(drops.read().map(\.decision) == .init(repeating: .dropped(.txRingFull), count: 3))
    #expect(rig.dropped(.txRingFull) == 9)
    rig.nics[1].faults.stallsTransmit = false
    rig.settle()
    rig.drainAlone()
  }

  @Test func `too long, port down and no such port are the reasons that are recorded`() throws {
    let rig = try SimulatedRig(ports: 3) { burst in
      for index in 0..<burst.count { burst[verdict: index] = .forward(to: burst.bytes(index).array[0]) }
    }
    rig.setMaximumLength(70, 1)
    rig.nics[2].die()
    rig.step()
    #expect(rig.receive(numbered(2)))
    rig.step()
    let capture = try CaptureRig(rig)
    for packet in [numbered(1, length: 71), numbered(1), numbered(2), numbered(3)] { #expect(rig.receive(packet)) }
    rig.step()
    #expect(
      capture.read().map(\.decision)
        == [.dropped(.exceedsMTU), .forwarded(to: 1), .dropped(.portDown), .dropped(.noSuchPort)])
    rig.expectInvariants()
    rig.drainAlone()
  }

  @Test func `packets that no handler sees are recorded without bytes`() throws {
    let rig = try MultiBufferTests.rig(ring: 64)
    rig.step()
    let capture = try CaptureRig(rig)
    #expect(rig.receive(raw: Descriptor(address: rig.umem.layout.size + 64, length: 100)))
    try MultiBufferTests.put(rig, pieces: 3, bad: 1)
    rig.step()
    #expect(capture.read().map(\.decision) == [.dropped(.invalidDescriptor), .dropped(.invalidDescriptor)])
    try MultiBufferTests.put(rig, pieces: 40)
    rig.step()
    let records = capture.read()
    #expect(records.map(\.decision) == [.dropped(.tooManyFragments)])
    #expect(records.allSatisfy { $0.bytes.isEmpty && $0.packet.length == 0 })
    rig.settle()
  }

  @Test func `a packet of the worker's own that gets no frame is recorded as dropped for that`() throws {
    let outbox = OwnPacketTests.Outbox()
    let rig = try OwnPacketTests.rig(outbox)
    rig.step()
    let capture = try CaptureRig(rig)
    outbox.isPolite = false
    outbox.packets = [
      ([1, 2, 3], [4], .forward(to: 0)), ([9], [UInt8](repeating: 0, count: 100_000), .forward(to: 0)),
    ]
    rig.step()
    let records = capture.read()
    #expect(records.map(\.decision) == [.dropped(.noFrame), .forwarded(to: 0)])
    #expect(records.map(\.bytes) == [[], [1, 2, 3, 4]] && records.allSatisfy { $0.packet.port == 1 })
    rig.settle()
    rig.drainAlone()
  }

  @Test func `a packet of several frames is gathered up to the snap length, also around the ring's end`() throws {
    let packets = (0..<60).map { patterned($0, length: [9000, 60, 1792, 1793, 5000][$0 % 5]) }
    for snapLength in [1, 64, 1792, 1793, 4000, 262_144] {
      let rig = try MultiBufferTests.rig()
      rig.step()
      var selection = CaptureSelection()
      selection.snapLength = snapLength
      let capture = try CaptureRig(rig, selection, ringBytes: 1 << 19)
      for round in 0..<10 {
        for packet in packets[(round * 6)..<(round * 6 + 6)] { #expect(rig.receive(packet)) }
        rig.step()
        rig.settle()
        let records = capture.read()
        let expected = packets[(round * 6)..<(round * 6 + 6)]
        #expect(records.map(\.bytes) == expected.map { Array($0.prefix(snapLength)) })
        #expect(records.map(\.packet.length) == expected.map(\.count))
      }
      rig.drainAlone()
    }
  }

  @Test func `what finds no room is lost and counted, and told with the next packet`() throws {
    let rig = try SimulatedRig(ports: 2) { $0.decideAll(.drop(.policy)) }
    rig.step()
    var selection = CaptureSelection()
    selection.snapLength = 64
    // A record takes 128 bytes: 8 of them fit.
    let capture = try CaptureRig(rig, selection, ringBytes: 1024)
    for number in 0..<20 { #expect(rig.receive(numbered(number))) }
    for number in 0..<5 { #expect(rig.receive(numbered(100 + number), on: 1)) }
    rig.step()
    #expect(capture.session.totals(port: 0) == (20, 12) && capture.session.totals(port: 1) == (5, 5))
    let first = capture.read()
    #expect(first.map { $0.bytes[0] } == (0..<8).map { UInt8($0) } && first.allSatisfy { $0.packet.lostBefore == 0 })
    for port in 0..<2 { #expect(rig.receive(numbered(50 + port), on: port) && rig.receive(numbered(60), on: port)) }
    rig.step()
    #expect(capture.read().map(\.packet.lostBefore) == [12, 0, 5, 0])
    #expect(rig.dropped(.policy) == 22 && rig.dropped(.policy, 1) == 7, "nothing else has changed")
    rig.drainAlone()
  }

  @Test func `notes and samples belong to their packets, also when those leave in another order`() throws {
    let rig = try Self.patternRig { burst in
      let isCapturing = burst.isCapturing
      #expect(isCapturing)
      for index in 0..<burst.count {
        let number = UInt32(burst.bytes(index).array[0])
        if number % 2 == 0 { burst.note(rule: 1000 + number, at: index) }
        if number % 3 == 0 { burst.sample(index, rule: 2000 + number) }
      }
      for index in (0..<burst.count).reversed() { burst.sequence(index) }
    }
    rig.step()
    let capture = try CaptureRig(rig)
    for _ in 0..<3 {
      for number in 0..<8 { #expect(rig.receive(numbered(number))) }
      rig.step()
      let records = capture.read()
      #expect(records.map { $0.bytes[0] } == (0..<8).reversed())
      for record in records {
        let number = UInt32(record.bytes[0])
        #expect(record.packet.rule == (number % 2 == 0 ? 1000 + number : nil))
        #expect(record.packet.sampler == (number % 3 == 0 ? 2000 + number : nil))
      }
      rig.settle()
    }
    rig.drainAlone()
  }

  @Test func `a drop for want of room has its rule, also when packets leave in another order`() throws {
    let rig = try SimulatedRig(ports: 2, rings: RingSizes(receive: 64, transmit: 4)) { burst in
      burst.decideAll(.forward(to: 1))
      for index in 0..<burst.count { burst.note(rule: UInt32(burst.bytes(index).array[0]), at: index) }
      for index in (0..<burst.count).reversed() { burst.sequence(index) }
    }
    rig.nics[1].faults.stallsTransmit = true
    rig.step()
    var selection = CaptureSelection()
    selection.reasons = [.txRingFull]
    let capture = try CaptureRig(rig, selection)
    for number in 0..<10 { #expect(rig.receive(numbered(number))) }
    rig.step()
    let records = capture.read()
    #expect(records.map { $0.bytes[0] } == [5, 4, 3, 2, 1, 0])
    #expect(records.allSatisfy { $0.packet.rule == UInt32($0.bytes[0]) })
  }

  @Test(
    arguments: [
      (.reflect, .reflected), (.forward(to: 1), .forwarded(to: 1)), (.delivered, .delivered),
      (.drop(.policy), .dropped(.policy)), (.forward(to: 9), .dropped(.noSuchPort)),
    ] as [(Verdict, CapturedPacket.Decision)])
  func `a held packet is recorded when it is released`(verdict: Verdict, decision: CapturedPacket.Decision) throws {
    let shelf = HeldPacketTests.Shelf()
    let rig = try HeldPacketTests.holdingRig(8, shelf)
    rig.step()
    let capture = try CaptureRig(rig)
    for number in 0..<3 { #expect(rig.receive(numbered(number))) }
    rig.step()
    #expect(capture.read() == [])
    for packet in shelf.packets { rig.worker.parts.core.burst.held.release(packet, verdict) }
    rig.worker.housekeeping()
    let records = capture.read()
    #expect(records.map { $0.bytes[0] } == [0, 1, 2] && records.allSatisfy { $0.decision == decision })
    rig.settle()
    rig.drainAlone()
  }

  @Test func `what is still held at the end is recorded as dropped by the shutdown`() throws {
    let shelf = HeldPacketTests.Shelf()
    let rig = try HeldPacketTests.holdingRig(8, shelf)
    rig.step()
    let capture = try CaptureRig(rig)
    for number in 0..<3 { #expect(rig.receive(numbered(number))) }
    rig.step()
    rig.drainAlone()
    #expect(capture.decisions() == [0: .dropped(.shutdown), 1: .dropped(.shutdown), 2: .dropped(.shutdown)])
  }

  @Test func `an ended capture records no more and notes have no effect`() throws {
    let rig = try Self.patternRig { burst in
      for index in 0..<burst.count { burst.note(rule: 1, at: index) }
    }
    rig.step()
    let capture = try CaptureRig(rig)
    rig.receive(numbered(0))
    rig.step()
    capture.session.end()
    #expect(!capture.session.isReleased)
    rig.worker.housekeeping()
    let isCapturing = rig.worker.parts.core.burst.isCapturing
    #expect(capture.session.isReleased && capture.session.hasEnded && !isCapturing)
    rig.receive(numbered(1))
    rig.step()
    #expect(capture.decisions() == [0: .dropped(.policy)])
    rig.drainAlone()
  }
}
