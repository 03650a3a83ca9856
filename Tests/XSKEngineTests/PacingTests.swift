import Testing

@testable import XSKEngine

/// When the TX doorbell is rung. The age bound is 10 s where it must not matter, and `makeOld` where it must.
@Suite struct PacingTests {
  static func rig(
    threshold: Int = 16, ring: UInt32 = 64, needsWakeup: Bool = true,
    decide: @escaping (inout Burst) -> Void = { $0.decideAll(.reflect) }
  ) throws -> SimulatedRig {
    let rig = try SimulatedRig(
      rings: RingSizes(receive: 256, transmit: ring), needsWakeup: needsWakeup,
      WorkerConfiguration(
        idle: .spin, kickThreshold: threshold, kickMicroseconds: 10_000_000, drainMilliseconds: 20), decide: decide)
    rig.worker.turn()
    rig.makeYoung()
    return rig
  }

  @Test func `fewer than the threshold wait while packets come in`() throws {
    let rig = try Self.rig()
    for round in 1...15 {
      rig.receive(count: 1)
      rig.worker.turn()
      #expect(rig.count(.txKicks) == 0 && rig.transmitFrames() == round)
      rig.expectInvariants()
    }
    rig.receive(count: 1)
    rig.worker.turn()
    #expect(rig.count(.txKicks) == 1 && rig.devices[0].transmitRings == 1)
    rig.settle()
    rig.drainAlone()
  }

  @Test func `an idle turn kicks whatever is pending`() throws {
    let rig = try Self.rig()
    rig.receive(count: 1)
    rig.worker.turn()
    #expect(rig.count(.txKicks) == 0)
    rig.worker.turn()
    #expect(rig.count(.txKicks) == 1)
    #expect(rig.transmit() == 1)
    rig.worker.turn()
    #expect(rig.transmitFrames() == 0)
    for _ in 0..<10 { rig.worker.turn() }
    #expect(rig.count(.txKicks) == 1, "nothing under way, nothing to kick")
    rig.drainAlone()
  }

  @Test func `what has waited long enough is kicked though packets come in`() throws {
    let rig = try Self.rig()
    rig.receive(count: 2)
    rig.worker.turn()
    #expect(rig.count(.txKicks) == 0)
    rig.makeOld()
    rig.receive(count: 1)
    rig.worker.turn()
    #expect(rig.count(.txKicks) == 1)
    rig.receive(count: 1)
    rig.worker.turn()
    #expect(rig.count(.txKicks) == 1, "the clock started again")
    rig.settle()
    rig.drainAlone()
  }

  @Test func `what is outstanding is kicked again though nothing new was queued`() throws {
    let rig = try Self.rig()
    rig.nics[0].faults.lostCompletions = 5
    rig.receive(count: 5)
    rig.worker.turn()
    rig.worker.turn()
    #expect(rig.count(.txKicks) == 1 && rig.transmit() == 5)
    for again in 2...4 as ClosedRange<UInt64> {
      rig.worker.turn()
      #expect(rig.count(.txKicks) == again - 1, "not before its time")
      rig.makeOld()
      rig.worker.turn()
      #expect(rig.count(.txKicks) == again)
      rig.expectInvariants()
    }
  }

  @Test func `a ring that does not ask for it is never kicked`() throws {
    let rig = try Self.rig(needsWakeup: false)
    for _ in 0..<5 {
      rig.makeOld()
      rig.receive(count: 40)
      rig.step()
    }
    rig.settle()
    #expect(rig.forwarded() == 200 && rig.count(.txKicks) == 0 && rig.devices[0].transmitRings == 0)
    rig.drainAlone()
  }

  @Test func `a full TX ring is kicked at once and its completions are used`() throws {
    let rig = try Self.rig(threshold: 1000, ring: 8, needsWakeup: true)
    rig.receive(count: 8)
    rig.worker.turn()
    #expect(rig.count(.txKicks) == 0 && rig.transmitFrames() == 8)
    rig.receive(count: 4)
    rig.worker.turn()
    #expect(rig.count(.txKicks) == 1 && rig.dropped(.txRingFull) == 4)
    #expect(rig.transmit() == 8)
    rig.receive(count: 4)
    rig.worker.turn()
    #expect(rig.dropped(.txRingFull) == 4 && rig.transmitFrames() == 4)
    rig.expectInvariants()
    rig.settle()
    rig.drainAlone()
  }

  @Test func `a full TX ring is kicked once a turn however many runs of packets find it full`() throws {
    let rig = try Self.rig(threshold: 1000, ring: 8) { burst in
      burst.decideAll(.reflect)
      for index in 0..<burst.count where index % 2 == 1 { burst[verdict: index] = .drop(.policy) }
    }
    rig.receive(count: 16)
    rig.worker.turn()
    #expect(rig.count(.txKicks) == 0 && rig.transmitFrames() == 8)
    for turn in 1...3 {
      rig.receive(count: 32)
      rig.worker.turn()
      #expect(rig.count(.txKicks) == UInt64(turn) && rig.dropped(.txRingFull) == UInt64(turn * 16))
      rig.expectInvariants()
    }
    rig.settle()
    rig.drainAlone()
  }

  /// The kernel's copy mode sends a budget of descriptors for each kick: every kick must bring it on.
  @Test func `a transmit path that takes a few for each kick is kicked until all is sent`() throws {
    let rig = try Self.rig(threshold: 1)
    rig.receive(count: 64)
    rig.worker.turn()
    var sent = 0
    var turns = 0
    while sent < 64 && turns < 100 {
      sent += rig.transmit(limit: 5)
      rig.worker.turn()
      rig.expectInvariants()
      turns += 1
    }
    #expect(sent == 64 && turns == 13)
    rig.drainAlone()
  }

  @Test func `draining kicks what is left and waits until it is back`() throws {
    let rig = try Self.rig()
    rig.receive(count: 3)
    rig.worker.turn()
    #expect(rig.count(.txKicks) == 0)
    rig.worker.drain()
    #expect(rig.count(.txKicks) >= 1, "nobody answered, but it was asked")
    rig.expectInvariants()
    #expect(rig.transmit() == 3)
    rig.drainAlone()
    #expect(rig.transmitFrames() == 0)
  }
}

extension SimulatedRig {
  /// As if the TX doorbell had been rung just now.
  func makeYoung() { worker.parts.core.queues[0].lastKick = worker.parts.core.now }

  /// As if the TX doorbell had been rung as long ago as the age bound.
  func makeOld() { worker.parts.core.queues[0].lastKick = worker.parts.core.now &- worker.parts.core.kickTicks }
}
