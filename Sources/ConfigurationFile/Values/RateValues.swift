import Forwarder

/// Rates and amounts with their units.
package enum RateValue {
  private static let rates: [(name: String, unit: RateLimit.Unit, factor: Int)] = [
    ("pps", .packets, 1), ("kpps", .packets, 1000), ("mpps", .packets, 1_000_000), ("bit/s", .bits, 1),
    ("kbit/s", .bits, 1000), ("mbit/s", .bits, 1_000_000), ("gbit/s", .bits, 1_000_000_000),
  ]
  private static let amounts: [(name: String, unit: RateLimit.Unit, factor: Int)] = [
    ("packets", .packets, 1), ("bit", .bits, 1), ("kbit", .bits, 1000), ("mbit", .bits, 1_000_000),
    ("gbit", .bits, 1_000_000_000), ("b", .bits, 8), ("kb", .bits, 8000), ("mb", .bits, 8_000_000),
  ]

  /// `100 kpps`, `1.5 Mbit/s`.
  package static func rate(_ text: String) throws(ValueFault) -> (unit: RateLimit.Unit, perSecond: Int) {
    guard let found = value(text, rates) else {
      throw ValueFault("no rate", "write a number and pps, kpps, Mpps, bit/s, kbit/s, Mbit/s or Gbit/s")
    }
    return (found.unit, found.value)
  }

  /// `1000 packets`; `64 kB`, `500 kbit`.
  package static func burst(_ text: String, of unit: RateLimit.Unit) throws(ValueFault) -> Int {
    guard let found = value(text, amounts), found.unit == unit else {
      throw ValueFault(
        "no amount of \(unit)",
        unit == .packets ? "write a number and packets" : "write a number and bit, kbit, Mbit, Gbit, B, kB or MB")
    }
    return found.value
  }

  /// `10 s`, `500 ms`, `2 min`, `1 h`: milliseconds, 100 ms to a day.
  static func milliseconds(_ text: String) throws(ValueFault) -> Int {
    let units: [(String, Int)] = [("ms", 1), ("s", 1000), ("min", 60_000), ("h", 3_600_000)]
    let number = text.prefix { $0.isASCII && $0.isNumber }
    let name = NumberValue.trim(text[number.endIndex...])
    guard let unit = units.first(where: { $0.0 == name }), let count = Int(number) else {
      throw ValueFault("no time", "write a whole number and ms, s, min or h")
    }
    guard let time = product(count, unit.1), (100...86_400_000).contains(time) else {
      throw ValueFault("out of range", "use 100 ms to 24 h")
    }
    return time
  }

  private static func value(
    _ text: String, _ units: [(name: String, unit: RateLimit.Unit, factor: Int)]
  ) -> (unit: RateLimit.Unit, value: Int)? {
    let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let name = NumberValue.trim(text[number.endIndex...]).lowercased()
    guard let unit = units.first(where: { $0.name == name }) else { return nil }
    // Nine digits behind the point at most, so that any factor leaves whole numbers or none.
    let parts = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first.flatMap({ Int($0) }), whole <= 1_000_000_000_000 else { return nil }
    guard parts.count == 2 else { return product(whole, unit.factor).map { (unit.unit, $0) } }
    guard (1...9).contains(parts[1].count), let fraction = Int(parts[1]) else { return nil }
    let scale = (0..<parts[1].count).reduce(1) { product, _ in product * 10 }
    let (most, isTooLarge) = fraction.multipliedReportingOverflow(by: unit.factor)
    guard !isTooLarge, most % scale == 0, let base = product(whole, unit.factor) else { return nil }
    return (unit.unit, base + most / scale)
  }

  private static func product(_ left: Int, _ right: Int) -> Int? {
    let (product, isTooLarge) = left.multipliedReportingOverflow(by: right)
    return isTooLarge || product > 1 << 60 ? nil : product
  }
}
