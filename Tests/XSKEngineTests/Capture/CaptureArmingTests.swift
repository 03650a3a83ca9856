import Glibc
import Synchronization
import Testing

@testable import XSKEngine

/// Worker and control plane on threads of their own.
@Suite struct CaptureArmingTests {
  /// What the worker's thread tells at its end.
  final class Outcome: Sendable {
    let ended = Atomic<Bool>(false)
    let received = Atomic<UInt64>(0)
    let isSound = Atomic<Bool>(false)
  }

  @Test func `captures begin and end thousands of times under load`() throws {
    let control = WorkerControl()
    let outcome = Outcome()
    try SystemThread.start("capture-load") {
      defer { outcome.ended.store(true, ordering: .releasing) }
      guard let load = try? Load(control) else { return }
      load.run(until: { control.isStopRequested })
      outcome.received.store(load.received, ordering: .relaxed)
      outcome.isSound.store(load.isSound, ordering: .releasing)
    }
    var (packets, lost): (UInt64, UInt64) = (0, 0)
    for round in 0..<2000 {
      var selection = CaptureSelection()
      selection.snapLength = 64
      if round % 3 == 0 { selection.dropsOnly = true }
      if round % 5 == 0 { selection.oneIn = 3 }
      // A small ring, so that it is often full.
      let session = try CaptureSession(selection, workers: [control], ringBytes: 16_384)
      if round % 2 == 0 {
        while !session.isArmed { usleep(50) }
        for _ in 0..<round % 7 { packets += UInt64(Self.read(session, round)) }
      }
      session.end()
      while !session.isReleased { usleep(50) }
      while true {
        let count = Self.read(session, round)
        guard count > 0 else { break }
        packets += UInt64(count)
      }
      lost += session.totals(port: 0).lost
    }
    control.requestStop()
    while !outcome.ended.load(ordering: .acquiring) { usleep(1000) }
    let (isSound, received) = (outcome.isSound.load(ordering: .acquiring), outcome.received.load(ordering: .relaxed))
    #expect(isSound && received > 0 && packets > 0 && lost > 0)
  }

  /// Packets read, each of which must be whole: the number that it begins with, all through.
  static func read(_ session: CaptureSession, _ round: Int) -> Int {
    var (torn, wrong) = (0, 0)
    let count = session.read { packet, bytes in
      let bytes = bytes.array
      if bytes.count != 60 || Set(bytes).count != 1 { torn += 1 }
      let expected: CapturedPacket.Decision = bytes.first.map { $0 % 2 == 0 } ?? true ? .dropped(.policy) : .reflected
      if packet.decision != expected || session.selection.dropsOnly && expected == .reflected { wrong += 1 }
    }
    #expect(torn == 0 && wrong == 0)
    return count
  }

  /// A worker under load: packets of one byte's value each, even ones dropped, odd ones sent back.
  final class Load {
    private let rig: SimulatedRig
    private var number: UInt8 = 0

    init(_ control: WorkerControl) throws {
      rig = try SimulatedRig(control: control) { burst in
        for index in 0..<burst.count {
          burst[verdict: index] = burst.bytes(index).array[0] % 2 == 0 ? .drop(.policy) : .reflect
        }
      }
    }

    func run(until isOver: () -> Bool) {
      while !isOver() {
        for _ in 0..<16 {
          number &+= 1
          rig.receive([UInt8](repeating: number, count: 60))
        }
        rig.step()
        rig.worker.housekeeping()
      }
      rig.settle()
      rig.drainAlone()
    }

    var received: UInt64 { rig.receivedPackets() }
    var isSound: Bool { rig.counters.worker(index: 0).get(.ledgerViolations) == 0 }
  }
}
