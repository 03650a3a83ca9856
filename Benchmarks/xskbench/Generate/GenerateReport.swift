import FoundationEssentials
import Measuring

/// What a generator was asked for, what it handed to the device, and what the device says it sent.
struct GenerateReport: Codable {
  struct Amount: Codable {
    /// Frames, and frames a second; null: as many as go.
    var frames: UInt64?
    var rate: Double?

    enum CodingKeys: String, CodingKey {
      case frames
      case rate = "frames_per_second"
    }
  }

  var command: String
  var interface: String
  /// `live`, `xsk` or `capture`.
  var source: String
  var cpu: Int
  /// `native`, `copy`, …: how the socket was bound; null with `live`.
  var mode: String?
  var size: String
  var meanBytes: Double
  var flows: UInt32
  /// The number that probes carry; null: the frames are no probes.
  var stream: UInt16?
  var seconds: Double
  var requested: Amount
  var offered: Amount
  var sent: Amount
  /// Frames that the device's counters call dropped.
  var dropped: UInt64
  var bytes: UInt64
  /// Frames of a capture that were left out, by reason.
  var skipped: [String: Int]
  /// Why this is not what was asked for; empty if it is.
  var shortfall: [String]

  enum CodingKeys: String, CodingKey {
    case command, interface, source, cpu, mode, size, flows, stream, seconds, requested, offered, sent, dropped, bytes
    case skipped, shortfall
    case meanBytes = "mean_bytes"
  }

  /// Below this share of the rate or number asked for the generator has not reached it.
  static let tolerance = 0.99

  /// Says what was not reached.
  mutating func judge() {
    if let rate = requested.rate, let offered = offered.rate, offered < rate * Self.tolerance {
      shortfall.append(
        "asked for \(FrameRate.text(rate)), reached \(FrameRate.text(offered)): this generator, CPU or device does no more"
      )
    }
    if let frames = requested.frames, let offered = offered.frames, offered < frames {
      shortfall.append("asked for \(frames) frames, offered \(offered) within its time")
    }
    if let offered = offered.frames, let sent = sent.frames, sent < offered {
      shortfall.append(
        "the device counts \(sent) frames as sent, \(offered - sent) fewer than it was offered: a full queue, or a far end "
          + "that takes none")
    }
  }

  var text: String {
    func line(_ name: String, _ amount: Amount) -> String {
      let frames = amount.frames.map { "\($0) frames" } ?? "as many frames as go"
      let rate = amount.rate.map { FrameRate.text($0) } ?? "any rate"
      return name + String(repeating: " ", count: 11 - name.count) + frames + ", " + rate
    }
    var lines = [
      "\(interface): \(source)\(mode.map { " (\($0))" } ?? ""), CPU \(cpu), \(size) bytes without FCS, "
        + "\(flows) flow\(flows == 1 ? "" : "s")\(stream.map { ", stream \($0)" } ?? ""), \(seconds.short) s",
      line("requested", requested), line("offered", offered), line("sent", sent),
      "on the wire \((Double(bytes) * 8 / max(seconds, 1e-9) / 1e9).short) Gbit/s of frames without FCS",
    ]
    lines += skipped.sorted { $0.key < $1.key }.map { "left out \($0.value): \($0.key)" }
    lines += shortfall.map { "not reached: \($0)" }
    return lines.joined(separator: "\n")
  }

  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}
