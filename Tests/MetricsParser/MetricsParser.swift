/// A strict reader of the Prometheus text format, version 0.0.4, for tests: what a scraper might forgive is an error here.
///
/// Every sample belongs to the family whose HELP and TYPE stand right before it; families and series come once; counters end
/// in `_total`, gauges don't; values are finite, counters not negative; histograms are cumulative, with +Inf, sum and count.
public struct MetricsParser {
  public struct Fault: Error, CustomStringConvertible {
    public let description: String
  }

  public struct Family: Hashable, Sendable {
    public let name: String
    public let type: String
    public let help: String
  }

  public struct Sample: Hashable, Sendable {
    public let name: String
    public let labels: [String: String]
    public let value: Double
  }

  public private(set) var families: [Family] = []
  public private(set) var samples: [Sample] = []
  private var series: Set<String> = []
  private var pendingHelp: (name: String, text: String)?

  public init(_ text: String) throws(Fault) {
    guard text.hasSuffix("\n") else { throw Fault(description: "the last line has no end") }
    for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) { try take(line) }
    guard pendingHelp == nil else { throw Fault(description: "HELP without TYPE at the end") }
    try checkHistograms()
    for family in families where !samples.contains(where: { Self.belongs($0.name, to: family) }) {
      throw Fault(description: "\(family.name): a family without samples")
    }
  }

  /// The value of the one sample that has these labels, among others.
  public func value(_ name: String, _ labels: [String: String] = [:]) throws(Fault) -> Double {
    let found = all(name, labels)
    guard found.count == 1 else { throw Fault(description: "\(name) \(labels): \(found.count) samples instead of one") }
    return found[0].value
  }

  /// The samples that have these labels, among others.
  public func all(_ name: String, _ labels: [String: String] = [:]) -> [Sample] {
    samples.filter { sample in sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value } }
  }

  public func sum(_ name: String, _ labels: [String: String] = [:]) -> Double {
    all(name, labels).reduce(0) { $0 + $1.value }
  }

  private mutating func take(_ line: Substring) throws(Fault) {
    if line.hasPrefix("# HELP ") { return try takeHelp(line.dropFirst(7)) }
    if line.hasPrefix("# TYPE ") { return try takeType(line.dropFirst(7)) }
    guard !line.isEmpty, !line.hasPrefix("#"), pendingHelp == nil else {
      throw Fault(description: "unexpected: \(line)")
    }
    let sample = try Self.sample(line)
    guard let family = families.last, Self.belongs(sample.name, to: family) else {
      throw Fault(description: "outside of its family: \(line)")
    }
    guard family.type != "counter" || sample.value >= 0 else { throw Fault(description: "negative: \(line)") }
    let key = sample.name + sample.labels.sorted { $0.key < $1.key }.map { "\u{1}\($0)\u{2}\($1)" }.joined()
    guard series.insert(key).inserted else { throw Fault(description: "twice: \(line)") }
    samples.append(sample)
  }

  private mutating func takeHelp(_ text: Substring) throws(Fault) {
    let parts = text.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, pendingHelp == nil else { throw Fault(description: "HELP \(text)") }
    pendingHelp = (String(parts[0]), String(parts[1]))
  }

  private mutating func takeType(_ text: Substring) throws(Fault) {
    let parts = text.split(separator: " ", omittingEmptySubsequences: false).map { String($0) }
    guard parts.count == 2, let help = pendingHelp, help.name == parts[0], Self.isName(parts[0][...], colons: true),
      ["counter", "gauge", "histogram"].contains(parts[1]), !families.contains(where: { $0.name == parts[0] })
    else { throw Fault(description: "TYPE \(text)") }
    guard (parts[1] == "counter") == parts[0].hasSuffix("_total") else {
      throw Fault(description: "\(parts[0]): _total is for counters, and for all of them")
    }
    families.append(Family(name: parts[0], type: parts[1], help: help.text))
    pendingHelp = nil
  }

  private static func belongs(_ name: String, to family: Family) -> Bool {
    family.type == "histogram"
      ? ["_bucket", "_sum", "_count"].contains { name == family.name + $0 } : name == family.name
  }

  private static func sample(_ line: Substring) throws(Fault) -> Sample {
    var rest = line
    let name = rest.prefix { $0 != "{" && $0 != " " }
    guard isName(name, colons: true) else { throw Fault(description: "name: \(line)") }
    rest = rest.dropFirst(name.count)
    var labels: [String: String] = [:]
    if rest.first == "{" {
      rest = rest.dropFirst()
      while true {
        let label = rest.prefix { $0 != "=" }
        guard isName(label, colons: false) else { throw Fault(description: "label: \(line)") }
        rest = rest.dropFirst(label.count + 1)
        let value = try quoted(&rest, line)
        guard labels.updateValue(value, forKey: String(label)) == nil else {
          throw Fault(description: "a label twice: \(line)")
        }
        guard let next = rest.popFirst() else { throw Fault(description: "labels without end: \(line)") }
        if next == "}" { break }
        guard next == "," else { throw Fault(description: "between labels: \(line)") }
      }
    }
    guard rest.popFirst() == " ", let value = Double(rest), value.isFinite else {
      throw Fault(description: "value: \(line)")
    }
    return Sample(name: String(name), labels: labels, value: value)
  }

  private static func quoted(_ rest: inout Substring, _ line: Substring) throws(Fault) -> String {
    guard rest.popFirst() == "\"" else { throw Fault(description: "no quote: \(line)") }
    var value = ""
    while let character = rest.popFirst() {
      switch character {
      case "\"": return value
      case "\\":
        switch rest.popFirst() {
        case "\\": value.append("\\")
        case "n": value.append("\n")
        case "\"": value.append("\"")
        default: throw Fault(description: "escape: \(line)")
        }
      default: value.append(character)
      }
    }
    throw Fault(description: "a value without end: \(line)")
  }

  private static func isName(_ text: Substring, colons: Bool) -> Bool {
    guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
    return text.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f: true
      case 0x3a: colons
      default: false
      }
    }
  }

  private func checkHistograms() throws(Fault) {
    for family in families where family.type == "histogram" {
      var groups: [[String: String]: [(bound: Double, count: Double)]] = [:]
      for bucket in all(family.name + "_bucket") {
        guard let text = bucket.labels["le"], let bound = text == "+Inf" ? .infinity : Double(text) else {
          throw Fault(description: "\(family.name): a bucket without a bound")
        }
        groups[bucket.labels.filter { $0.key != "le" }, default: []].append((bound, bucket.value))
      }
      for (labels, buckets) in groups {
        guard zip(buckets, buckets.dropFirst()).allSatisfy({ $0.bound < $1.bound && $0.count <= $1.count }),
          buckets.last?.bound == .infinity, try value(family.name + "_count", labels) == buckets.last?.count,
          try value(family.name + "_sum", labels) >= 0
        else { throw Fault(description: "\(family.name) \(labels): not cumulative, or without +Inf, sum or count") }
      }
    }
  }
}
