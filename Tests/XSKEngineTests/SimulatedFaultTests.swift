import Glibc
import Testing

@testable import XSKEngine

/// A NIC that misbehaves: the ledger stays exact, other ports go on, and nothing waits without bound.
@Suite struct SimulatedFaultTests {
  // MARK: Devices that go away

  @Test func `a device that is gone ends its port and no other`() throws {
    let rig = try SimulatedRig(ports: 2) { burst in
      // Odd packets cross over, even ones go back.
      for index in 0..<burst.count {
        burst[verdict: index] = burst.bytes(index).byteCount % 2 == 1 ? .forward(to: 1) : .reflect
      }
    }
    rig.step()
    rig.nics[1].die()
    for length in 60..<70 { #expect(rig.receive([UInt8](repeating: 0, count: length))) }
    rig.worker.turn()
    rig.expectInvariants()
    #expect(rig.forwarded() == 10, "nobody knew yet")
    #expect(!rig.isUp(1) && rig.count(.failure, 1) == UInt64(ENXIO) && rig.isUp(0))
    #expect(rig.receive(count: 7, on: 1) == 7)
    for round in 1...20 {
      for length in 60..<70 { #expect(rig.receive([UInt8](repeating: 0, count: length))) }
      rig.step()
      rig.expectInvariants()
      #expect(rig.dropped(.portDown) == UInt64(5 * round))
    }
    #expect(rig.forwarded() == 110 && rig.receivedPackets(1) == 0)
    #expect(rig.transmitFrames(1) == 5 && rig.receiveFrames(1) == 128, "the lost queue's frames are known")
    rig.drainAlone()
    #expect(rig.transmitFrames(0) == 0)
  }

  @Test(arguments: [
    (0, true), (EAGAIN, true), (EBUSY, true), (ENOBUFS, true), (ENETDOWN, true), (EINTR, true), (EINVAL, false),
    (EPERM, false), (EOPNOTSUPP, false), (ENXIO, false), (EBADF, false),
  ]) func `ordinary refusals of a kick are borne and others end the queue`(code: CInt, goesOn: Bool) throws {
    let rig = try SimulatedRig { $0.decideAll(.reflect) }
    rig.step()
    rig.devices[0].answer(errno: code)
    rig.receive(count: 4)
    rig.worker.turn()
    #expect(rig.count(.txKicks) >= 1)
    #expect(rig.isUp(0) == goesOn)
    #expect(rig.count(.failure) == (goesOn ? 0 : UInt64(code)))
    rig.expectInvariants()
    rig.devices[0].answer(errno: 0)
    if goesOn { rig.settle() }
    rig.drainAlone()
  }

  @Test func `the first failure is the one that is told`() throws {
    let rig = try SimulatedRig { $0.decideAll(.drop(.policy)) }
    rig.worker.parts.core.fail(0, ENXIO)
    rig.worker.parts.core.fail(0, EPERM)
    #expect(rig.count(.failure) == UInt64(ENXIO))
  }

  @Test func `a worker whose only device is gone ends when asked`() throws {
    let rig = try SimulatedRig { $0.decideAll(.reflect) }
    rig.step()
    rig.receive(count: 20)
    rig.nics[0].die()
    rig.worker.turn()
    rig.control.requestStop()
    rig.worker.run()
    #expect(rig.receivedPackets() == 20 && rig.forwarded() == 20 && rig.transmitFrames() == 20)
    rig.expectInvariants()
  }

  // MARK: Completions

  @Test(arguments: [1, 7, 64]) func `lost completions never hang the drain`(lost: Int) throws {
    let rig = try SimulatedRig { $0.decideAll(.reflect) }
    rig.step()
    rig.receive(count: 64)
    rig.nics[0].faults.lostCompletions = lost
    for _ in 0..<10 { rig.step() }
    #expect(rig.transmitFrames() == lost)
    let start = TimestampClock.monotonicNanoseconds
    rig.drainAlone()
    let waited = TimestampClock.monotonicNanoseconds - start
    #expect(waited >= 20_000_000, "it waited as long as it was configured to")
    #expect(rig.transmitFrames() == lost && rig.pooled + rig.receiveFrames() == 512 - lost)
  }

  @Test func `a worker that lost most of its frames goes on with the rest`() throws {
    let rig = try SimulatedRig { $0.decideAll(.reflect) }
    rig.step()
    var lost = 0
    while lost < 448 {
      rig.nics[0].faults.lostCompletions = 64
      let now = rig.receive(count: 64)
      guard now > 0 else { break }
      let before = rig.transmitFrames()
      for _ in 0..<3 { rig.step() }
      lost += rig.transmitFrames() - before
      rig.expectInvariants()
    }
    rig.nics[0].faults.lostCompletions = 0
    let forwarded = rig.forwarded()
    for _ in 0..<10 {
      rig.receive(count: 10)
      for _ in 0..<3 { rig.step() }
      rig.expectInvariants()
    }
    #expect(rig.forwarded() == forwarded + 100)
    rig.drainAlone()
  }

  // MARK: Stalls

  @Test func `a stalled TX path fills its ring, drops the rest, and recovers`() throws {
    let rig = try SimulatedRig(ports: 2) { $0.decideAll(.forward(to: $0.port ^ 1)) }
    rig.nics[1].faults.stallsTransmit = true
    for _ in 0..<20 {
      rig.step()
      rig.receive(count: 20, on: 0)
      rig.receive(count: 20, on: 1)
      rig.expectInvariants()
    }
    #expect(rig.forwarded(0) == 64 && rig.dropped(.txRingFull, 0) > 300)
    #expect(rig.dropped(.txRingFull, 1) == 0, "the other direction goes on")
    rig.nics[1].faults.stallsTransmit = false
    rig.settle()
    rig.receive(count: 20, on: 0)
    rig.settle()
    #expect(rig.forwarded(0) >= 84)
    rig.drainAlone()
  }

  @Test func `an RX ring that is never released loses packets and no frames`() throws {
    let rig = try SimulatedRig { $0.decideAll(.drop(.policy)) }
    rig.worker.turn()
    #expect(rig.receive(count: 200) == 64)
    #expect(!rig.receive([1, 2, 3]) && !rig.receive(patterned(0, length: 9000)))
    #expect(rig.statistics().rxRingFull == 136 + 2)
    rig.expectInvariants()
    for _ in 0..<20 {
      rig.step()
      rig.receive(count: 200)
    }
    rig.step()
    #expect(rig.receivedPackets() == 64 * 21, "a full ring's worth each time: no frame went astray")
    rig.drainAlone()
  }

  // MARK: Fill rings

  @Test func `a fill ring that ran empty is rung for`() throws {
    for idle in [IdlePolicy.spin, .busyPoll, .adaptive] {
      let rig = try SimulatedRig(WorkerConfiguration(idle: idle)) { $0.decideAll(.drop(.policy)) }
      rig.nics[0].faults.starvesFillRing = true
      #expect(rig.receive(count: 1) == 0)
      let packets = rig.worker.turn()
      rig.worker.parts.rest(after: packets)
      #expect(rig.devices[0].receiveRings > 0)
      #expect(rig.count(.rxKicks) == UInt64(rig.devices[0].receiveRings))
      rig.nics[0].faults.starvesFillRing = false
      #expect(rig.receive(count: 1) == 1)
      rig.expectInvariants()
    }
  }

  @Test func `a starved queue is rung for though another one never rests`() throws {
    let rig = try SimulatedRig(ports: 2) { $0.decideAll(.drop(.policy)) }
    rig.step()
    #expect(rig.receive(count: 64, on: 1) == 64)
    while rig.takeFrame(on: 1) != nil {}  // Its driver has used up the fill ring and stopped.
    rig.receive(count: 8, on: 0)
    for _ in 0..<3 {
      let packets = rig.worker.turn()
      #expect(packets > 0)
      rig.worker.parts.rest(after: packets)
      rig.receive(count: 8, on: 0)
    }
    #expect(rig.devices[1].receiveRings > 0)
    rig.drainAlone()
  }

  @Test func `an empty pool starves the fill ring and the worker lives on`() throws {
    // Everything sits on a stalled TX ring.
    let rig = try SimulatedRig(
      rings: RingSizes(receive: 64, transmit: 512), umem: UMEMConfiguration(frames: 128)
    ) { $0.decideAll(.reflect) }
    rig.nics[0].faults.stallsTransmit = true
    for _ in 0..<10 {
      rig.step()
      rig.receive(count: 64)
      rig.expectInvariants()
    }
    #expect(rig.transmitFrames() == 128 && rig.pooled == 0 && rig.receiveFrames() == 0)
    #expect(rig.statistics().fillRingEmpty > 0)
    rig.nics[0].faults.stallsTransmit = false
    rig.settle()
    #expect(rig.receive(count: 64) == 64)
    rig.settle()
    rig.drainAlone()
  }

  // MARK: Lies

  @Test func `descriptors outside the UMEM are dropped and counted`() throws {
    let rig = try SimulatedRig { $0.decideAll(.drop(.policy)) }
    rig.step()
    rig.nics[0].faults.invalidDescriptors = 10
    for _ in 0..<30 { #expect(rig.receive([1, 2, 3])) }
    rig.step()
    #expect(rig.dropped(.invalidDescriptor) == 10 && rig.dropped(.policy) == 20)
    rig.drainAlone()
  }

  /// Wherever the other side says that its indices are, relative to where they were.
  @Test(arguments: [1, 5, 64, 65, 128, 129, 1000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff_ffc0] as [UInt32])
  func `a ring whose other side lies costs neither a frame nor the worker`(lie: UInt32) throws {
    for index in 0..<4 {
      let rig = try SimulatedRig(startIndex: 0xffff_fff0) { $0.decideAll(.reflect) }
      rig.step()
      for _ in 0..<20 {
        // The NIC writes its indices as they are, then one of them is lied about.
        rig.receive(count: 10)
        rig.devices[0].lie(index, by: lie)
        rig.worker.turn()
        rig.expectInvariants()
        rig.transmit(limit: 5)
        rig.devices[0].lie(index, by: lie)
        rig.worker.turn()
        rig.expectInvariants()
      }
      rig.drainAlone()
    }
  }
}

extension SimulatedRig {
  func statistics(_ port: Int = 0) -> SocketStatistics { nics[port].statistics }
}

extension SimulatedDevice {
  /// Moves one of the four indices that the kernel's half writes.
  func lie(_ index: Int, by offset: UInt32) {
    // Safe: the memory is the device's, which is alive; nobody else runs.
    switch index {
    case 0: unsafe memory.receive.producer.pointee &+= offset
    case 1: unsafe memory.completion.producer.pointee &+= offset
    case 2: unsafe memory.fill.consumer.pointee &+= offset
    default: unsafe memory.transmit.consumer.pointee &+= offset
    }
  }
}
