import Glibc

/// A stretch of numbers laid out on a stretch of the drawing, and where its ticks go.
struct Scale {
  struct Tick {
    var value: Double
    var label: String
  }

  let domain: ClosedRange<Double>
  let start: Double
  let end: Double
  let isLogarithmic: Bool
  let ticks: [Tick]

  func position(_ value: Double) -> Double {
    let (low, high) = (domain.lowerBound, domain.upperBound)
    let share = isLogarithmic ? log10(max(value, low) / low) / log10(high / low) : (value - low) / (high - low)
    return start + (end - start) * min(max(share, 0), 1)
  }

  /// From zero, or from a little below the smallest value if zero is not wanted, to a round number above the largest.
  static func linear(
    _ values: [Double], from start: Double, to end: Double, zero: Bool = true, ticks count: Int = 5
  ) -> Scale {
    let values = values.filter(\.isFinite)
    var low = zero ? min(0, values.min() ?? 0) : values.min() ?? 0
    var high = values.max() ?? 1
    if high <= low { (low, high) = (zero ? min(0, low) : low - 1, max(high, low) + 1) }
    let step = niceStep((high - low) / Double(count))
    low = (low / step).rounded(.down) * step
    high = (high / step - 1e-9).rounded(.up) * step
    let places = Int(((high - low) / step).rounded())
    // Multiples are computed from whole numbers, so that 0.3 is not shown as 0.30000000000000004.
    let ticks = (0...places).map { place in
      let value = ((low / step).rounded() + Double(place)) * step
      return Tick(value: value, label: rounded(value, step))
    }
    return Scale(domain: low...high, start: start, end: end, isLogarithmic: false, ticks: ticks)
  }

  /// Whole powers of ten around the values, which must be above zero.
  static func logarithmic(_ values: [Double], from start: Double, to end: Double) -> Scale {
    let values = values.filter { $0.isFinite && $0 > 0 }
    let low = floor(log10(values.min() ?? 1))
    let high = max(low + 1, ceil(log10(values.max() ?? 10) - 1e-9))
    var ticks: [Tick] = []
    for power in Int(low)...Int(high) {
      ticks.append(Tick(value: pow(10, Double(power)), label: pow(10, Double(power)).label))
    }
    return Scale(domain: pow(10, low)...pow(10, high), start: start, end: end, isLogarithmic: true, ticks: ticks)
  }

  /// Names at equal distances: positions 0, 1, 2, …
  static func ordinal(_ labels: [String], from start: Double, to end: Double) -> Scale {
    let ticks = labels.enumerated().map { Tick(value: Double($0), label: $1) }
    return Scale(
      domain: -0.35...max(0.35, Double(labels.count) - 0.65), start: start, end: end, isLogarithmic: false, ticks: ticks
    )
  }

  private static func niceStep(_ raw: Double) -> Double {
    let power = pow(10, floor(log10(raw)))
    let first = [1, 2, 2.5, 5, 10].first { $0 * power >= raw * 0.999 } ?? 10
    return first * power
  }

  /// As many decimal places as the step has.
  private static func rounded(_ value: Double, _ step: Double) -> String {
    let places = max(0, -Int(floor(log10(step) + 1e-9)) + (isQuarter(step) ? 1 : 0))
    let factor = pow(10, Double(places))
    return Double.decimal((value * factor).rounded() / factor)
  }

  private static func isQuarter(_ step: Double) -> Bool {
    abs(step / pow(10, floor(log10(step) + 1e-9)) - 2.5) < 0.01
  }
}
