import Glibc

/// Numbers as people read them in columns.
public enum NumberFormats {
  /// With thousands separators: `1,234,567`.
  public static func grouped(_ number: UInt64) -> String {
    let digits = String(number)
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return text
  }

  /// A rate, rounded to a whole number, with thousands separators.
  public static func grouped(_ rate: Double) -> String { grouped(whole(rate)) }

  /// Three digits and a decimal prefix: `12.3 G`, `999`, `1.00 k`.
  public static func scaled(_ rate: Double, separator: String = " ") -> String {
    var value = max(0, rate.isFinite ? rate : 0)
    var prefix = 0
    while value >= 999.5, prefix < prefixes.count - 1 {
      value /= 1000
      prefix += 1
    }
    guard prefix > 0 else { return String(whole(value)) }
    let decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0
    return fixed(value, decimals: decimals) + separator + prefixes[prefix]
  }

  /// With a fixed number of decimals (0…6).
  public static func fixed(_ value: Double, decimals: Int) -> String {
    let unit = (0..<decimals).reduce(UInt64(1)) { unit, _ in unit * 10 }
    let scaled = whole(value * Double(unit))
    guard decimals > 0 else { return String(scaled) }
    let fraction = String(scaled % unit)
    return "\(scaled / unit)." + String(repeating: "0", count: decimals - fraction.count) + fraction
  }

  /// The time of day of a Unix time in nanoseconds: `14:03:59`.
  public static func timeOfDay(_ unix: UInt64, utcOffset: Int) -> String {
    let local = Int(unix / 1_000_000_000) + utcOffset
    return clock((local % 86_400 + 86_400) % 86_400)
  }

  /// Hours, minutes and seconds: `123:03:59`.
  public static func clock(_ seconds: Int) -> String {
    [seconds / 3600, seconds / 60 % 60, seconds % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
  }

  /// Seconds that local time is ahead of UTC now.
  public static var localUTCOffset: Int {
    var now = time(nil)
    var local = unsafe tm()
    return unsafe localtime_r(&now, &local) == nil ? 0 : Int(local.tm_gmtoff)
  }

  private static let prefixes = ["", "k", "M", "G", "T", "P", "E"]

  private static func whole(_ value: Double) -> UInt64 { UInt64(min(max(0, value), 1.8e19).rounded()) }
}

extension String {
  /// Filled up with blanks in front, to stand at the right of a column.
  func right(_ width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }

  /// Filled up with blanks behind, to stand at the left of a column.
  func left(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }

  /// Without characters that a terminal would obey: text in a counter page is somebody else's.
  public var printable: String {
    String(String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory.isShown ? $0 : "?" }))
  }
}

extension Unicode.GeneralCategory {
  fileprivate var isShown: Bool {
    switch self {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: false
    default: true
    }
  }
}
