public import Forwarder
import Reporting

extension PipelineCounts {
  /// For people: rules in their order, then what no rule decided about, counters and limiters. `seconds` passed since an
  /// earlier report.
  public func text(since old: PipelineCounts? = nil, seconds: Double? = nil) -> String {
    var rows = [["rule", "packets", "bytes", seconds == nil ? "" : "packets a second"]]
    func row(_ name: String, _ new: RuleCount, _ past: RuleCount?) -> [String] {
      let rate = seconds.flatMap { seconds in
        past.map { NumberFormats.grouped(Double(new.packets &- min($0.packets, new.packets)) / seconds) }
      }
      return [name, NumberFormats.grouped(new.packets), NumberFormats.grouped(new.bytes), rate ?? ""]
    }
    func add(_ new: [Rule], _ past: [Rule]?, _ prefix: String = "") {
      let past = Dictionary((past ?? []).map { ($0.name, $0) }) { first, _ in first }
      for rule in new { rows.append(row(prefix + rule.name, rule.count, past[rule.name]?.count)) }
    }
    add(rules, old?.rules)
    rows.append(row("(default)", defaultAction, old?.defaultAction))
    rows.append(row("(malformed)", malformed, old?.malformed))
    add(counters, old?.counters, "counter ")
    for limiter in limiters {
      let past = old?.limiters.first { $0.name == limiter.name }
      rows.append(row("limiter \(limiter.name): passed", limiter.passed, past?.passed))
      rows.append(row("limiter \(limiter.name): exceeded", limiter.exceeded, past?.exceeded))
    }
    return (["policy \(generation)"] + Columns.lines(rows)).joined(separator: "\n")
  }
}

extension PipelineCounts.Rule {
  fileprivate var count: RuleCount { RuleCount(packets: packets, bytes: bytes) }
}
