import Captures
import Foundation
import GROLite
import PacketSamples
import Reporting
import Testing
import XSKEngine

@testable import Replay

/// A line of `--units`, read by a JSON parser that is not ours.
struct UnitLine: Decodable, Hashable {
  var index: Int
  var packets: Int
  var form: String
  var l4: String
  var payload: Int?
  var crc32: UInt32?
  var ipLength: Int
  var malformed: String?

  enum CodingKeys: String, CodingKey {
    case index, packets, form, l4, payload, crc32
    case ipLength = "ip_length"
    case malformed
  }
}

/// What a replay left.
struct Replayed {
  var outcome: CaptureReplay.Outcome
  var units: [UnitLine]
  /// The frames of `--out`.
  var frames: [[UInt8]]
  var records: [CaptureRecord]
  var link: CaptureLink
}

extension ScratchFolder {
  /// Replays a capture, and checks what holds for any: both invariants, everything delivered, nothing twice.
  func replay(
    _ capture: SampleCapture, mode: GROConfiguration.Mode? = .chain, batches: [Int] = [64],
    _ location: SourceLocation = #_sourceLocation
  ) throws -> Replayed {
    var replay = CaptureReplay(input: try write(capture.bytes), mode: mode, batches: batches)
    (replay.output, replay.units) = (file("out"), file("units"))
    let outcome = try replay.run()
    let lines = String(decoding: try read("units"), as: UTF8.self).split(separator: "\n")
    let units = try lines.map { try JSONDecoder().decode(UnitLine.self, from: Data($0.utf8)) }
    let (frames, records, link) = try frames(of: "out")
    let summary = outcome.summary
    #expect(summary.conservationHolds && summary.ledgerHolds, sourceLocation: location)
    #expect(summary.packets.received == summary.packets.delivered, sourceLocation: location)
    #expect(summary.bytes.received == summary.bytes.delivered, sourceLocation: location)
    #expect(units.reduce(0) { $0 + $1.packets } == Int(summary.packets.received), sourceLocation: location)
    #expect(Set(units.map(\.index)).count == units.count, sourceLocation: location)
    let malformed = Dictionary(grouping: units.compactMap(\.malformed)) { $0 }.mapValues { UInt64($0.count) }
    #expect(summary.malformed == malformed, sourceLocation: location)
    for unit in units {
      #expect(unit.packets == 1 || unit.form != "lone", sourceLocation: location)
      #expect((unit.payload == nil) == (unit.crc32 == nil), sourceLocation: location)
      #expect(unit.malformed == nil || unit.payload == nil, sourceLocation: location)
    }
    return Replayed(outcome: outcome, units: units, frames: frames, records: records, link: link)
  }

  func frames(of name: String) throws -> ([[UInt8]], [CaptureRecord], CaptureLink) {
    var reader = try CaptureReader(file(name))
    var frames: [[UInt8]] = []
    var records: [CaptureRecord] = []
    while let record = try reader.next() {
      // Any bit pattern is a byte.
      frames.append(unsafe reader.bytes.withUnsafeBytes { unsafe [UInt8]($0) })
      records.append(record)
    }
    return (frames, records, reader.link)
  }
}

/// CRC-32 a bit at a time, as the polynomial says.
func referenceCRC(_ bytes: [UInt8]) -> UInt32 {
  ~bytes.reduce(~UInt32(0)) { crc, byte in
    (0..<8).reduce(crc ^ UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 0 ? 0 : 0xEDB8_8320) }
  }
}
