import CXsk
import FoundationEssentials
import Glibc
import XSKEngine

/// What a benchmark prints with `--json`: every result, and the machine that it was made on.
struct BenchmarkReport: Codable {
  struct Result: Codable {
    var name: String
    /// The working set: `hot`, `cold-header`, `two-cores`, or `veth`.
    var set: String
    /// TSC cycles a packet, empty turns excluded: the median of the repeats. Null where only a rate was measured.
    var cyclesPerPacket: Double?
    /// Million packets a second: the median of the repeats.
    var mpps: Double
    var packets: Int
    var repeats: Int
    /// The smallest and largest of the repeats, in the unit of `cycles_per_packet`, or of `mpps` where that is null.
    var min: Double
    var max: Double
    /// GRO: how many packets a unit had on average.
    var packetsPerUnit: Double?
    /// The median's rate: of GRO at the bytes that a frame takes on the wire, of delivery to the host in payload.
    var gigabits: Double?

    enum CodingKeys: String, CodingKey {
      case name, set, mpps, packets, repeats, min, max
      case cyclesPerPacket = "cycles_per_packet"
      case packetsPerUnit = "packets_per_unit"
      case gigabits = "gbit_per_second"
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(name, forKey: .name)
      try container.encode(set, forKey: .set)
      try container.encode(cyclesPerPacket, forKey: .cyclesPerPacket)
      try container.encode(mpps, forKey: .mpps)
      try container.encode(packets, forKey: .packets)
      try container.encode(repeats, forKey: .repeats)
      try container.encode(min, forKey: .min)
      try container.encode(max, forKey: .max)
      try container.encodeIfPresent(packetsPerUnit, forKey: .packetsPerUnit)
      try container.encodeIfPresent(gigabits, forKey: .gigabits)
    }
  }

  /// A figure that compares two results of the same run.
  struct Ratio: Codable {
    var name: String
    var median: Double
    var min: Double
    var max: Double
    var pairs: Int
  }

  var tool = "xskbench"
  var version = "0.1.0"
  var command: String
  var machine = Machine.current
  var results: [Result] = []
  var ratios: [Ratio] = []
  /// Exact commands of the peers that were run.
  var peers: [String] = []

  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}

/// What the figures depend on.
struct Machine: Codable {
  var cpu: String
  var cpus: Int
  var kernel: String
  /// TSC ticks a second: cycles in the results are these, not core clock cycles.
  var tscHertz: Double
  var swift: String

  enum CodingKeys: String, CodingKey {
    case cpu, cpus, kernel, swift
    case tscHertz = "tsc_hz"
  }

  static var current: Machine {
    let information = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let model = information.split(separator: "\n").first { $0.hasPrefix("model name") }?
      .split(separator: ":").last.map { $0.trimmingPrefix(while: \.isWhitespace) }
    let kernel = (try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)) ?? "unknown"
    #if compiler(>=6.3)
      let swift = ">= 6.3"
    #else
      let swift = "6.2"
    #endif
    return Machine(
      cpu: model.map(String.init) ?? "unknown", cpus: Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))),
      kernel: String(kernel.prefix { $0 != "\n" }), tscHertz: TimestampClock.shared.ticksPerSecond.rounded(),
      swift: swift)
  }
}

extension [Double] {
  /// The middle value; of an even number the mean of the two in the middle.
  var median: Double {
    let sorted = sorted()
    guard !sorted.isEmpty else { return .nan }
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
  }
}

extension Double {
  /// To three decimal places: more would be noise.
  var short: Double { (self * 1000).rounded() / 1000 }
}
