/// Frames a second, as people write them: `250000`, `250k`, `1.5M`.
public struct FrameRate: Hashable, Sendable, CustomStringConvertible {
  public let perSecond: Double

  public init(perSecond: Double) { self.perSecond = perSecond }

  /// nil: it is no positive number.
  public init?(_ text: String) {
    let factor: Double
    switch text.last {
    case "k": factor = 1e3
    case "M", "m": factor = 1e6
    default: factor = 1
    }
    guard let number = Double(factor == 1 ? text : String(text.dropLast())), number > 0, number.isFinite else {
      return nil
    }
    perSecond = number * factor
  }

  /// To four digits.
  public var description: String { Self.text(perSecond) }

  public static func text(_ rate: Double) -> String {
    guard rate >= 999.5 else { return "\(rate.rounded())".replacingSuffix(".0", with: "") + "/s" }
    let (value, unit) = rate >= 999_500 ? (rate / 1e6, " M/s") : (rate / 1e3, " k/s")
    let digits = value >= 100 ? 10.0 : value >= 10 ? 100.0 : 1000.0
    return "\((value * digits).rounded() / digits)" + unit
  }
}

extension String {
  fileprivate func replacingSuffix(_ suffix: String, with other: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) + other : self
  }
}
