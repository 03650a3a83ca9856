import Testing

@testable import XSKEngine

/// A capture of a simulated worker, and what was read of it.
final class CaptureRig {
  struct Record: Equatable {
    var decision: CapturedPacket.Decision
    var bytes: [UInt8]
    var packet: CapturedPacket

    static func == (one: Record, other: Record) -> Bool {
      one.decision == other.decision && one.bytes == other.bytes
    }
  }

  let rig: SimulatedRig
  let session: CaptureSession

  /// Arms a rig's worker.
  init(
    _ rig: SimulatedRig, _ selection: CaptureSelection = CaptureSelection(), ringBytes: Int = 1 << 20, seed: UInt64 = 7
  ) throws {
    self.rig = rig
    session = try CaptureSession(selection, workers: [rig.control], ringBytes: ringBytes, seed: seed)
    rig.worker.housekeeping()
    #expect(session.isArmed)
  }

  func read(upTo limit: Int = .max) -> [Record] {
    var records: [Record] = []
    session.read(upTo: limit) { packet, bytes in
      records.append(Record(decision: packet.decision, bytes: bytes.array, packet: packet))
    }
    return records
  }

  /// What is said about packets whose first byte is their number, by that.
  func decisions() -> [UInt8: CapturedPacket.Decision] {
    Dictionary(read().map { ($0.bytes.first ?? 0xFF, $0.decision) }) { first, _ in
      Issue.record("recorded twice")
      return first
    }
  }
}

/// A packet of 60 bytes or so, whose first byte is its number.
func numbered(_ number: Int, length: Int = 60) -> [UInt8] {
  [UInt8(truncatingIfNeeded: number)] + [UInt8](repeating: 0xA5, count: length - 1)
}
