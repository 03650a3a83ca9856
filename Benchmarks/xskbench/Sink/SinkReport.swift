import FoundationEssentials
import Measuring

/// What arrived at a sink.
struct SinkReport: Codable {
  var interface: String
  var mode: String
  var cpu: Int
  var flows: UInt32
  var seconds: Double
  var counts: ProbeCounts
  /// Probes that the generator said it sent; null: nobody told.
  var sent: UInt64?
  /// Frames that reached the device but not the sink, which was too slow for them.
  var ringFull: UInt64
  var latency: LatencySummary?

  enum CodingKeys: String, CodingKey {
    case interface, mode, cpu, flows, seconds, counts, sent, latency
    case ringFull = "sink_dropped"
  }

  /// Probes that have not come: of those sent, else between the first and the last that came.
  var lost: UInt64 { sent.map { counts.lost(of: $0) } ?? counts.missing }

  /// What isn't as it should be.
  var problems: [String] {
    var problems: [String] = []
    if counts.received == 0 { problems.append("no probe came") }
    if lost > 0 {
      let share = Double(lost) / Double(max(1, sent ?? (counts.received + lost)))
      problems.append("\(lost) probes are missing, \((share * 1e6).rounded() / 1e4) %")
    }
    if sent == nil, let first = counts.first, first > 0 {
      problems.append("the first probe that came has number \(first): it came late, or those before it are lost")
    }
    if counts.duplicated > 0 { problems.append("\(counts.duplicated) probes came again") }
    if counts.reordered > 0 {
      problems.append(
        "\(counts.reordered) probes came behind later ones of their flow, by \(counts.reorderedBy) at most")
    }
    if counts.tooLate > 0 {
      problems.append("\(counts.tooLate) probes came more than \(ProbeChecker.window) behind: late, or again")
    }
    if ringFull > 0 { problems.append("the sink itself was too slow for \(ringFull) frames: they count as missing") }
    return problems
  }

  var text: String {
    var lines = [
      "\(interface): \(mode), CPU \(cpu), \(seconds) s",
      "frames     \(counts.frames), \(counts.bytes) bytes without FCS",
      "probes     \(counts.received)\(counts.stream.map { " of stream \($0)" } ?? ""), \(counts.others) other frames, "
        + "\(counts.otherStreams) of other streams",
      "missing    \(lost)", "duplicate  \(counts.duplicated)",
      "reordered  \(counts.reordered) (by \(counts.reorderedBy) probes at most)",
    ]
    if let latency { lines.append("delay      \(latency.text)") }
    lines += problems.map { "problem: \($0)" }
    return lines.joined(separator: "\n")
  }

  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}

extension LatencySummary {
  /// One line for people, in microseconds.
  var text: String {
    func us(_ nanoseconds: UInt64) -> String { "\((Double(nanoseconds) / 1000 * 10).rounded() / 10)" }
    return "median \(us(median)) µs, P90 \(us(p90)), P99 \(us(p99)), P99.9 \(us(p999)), min \(us(minimum)), "
      + "max \(us(maximum)), PDV \(us(variation)); \(samples) samples"
  }
}
