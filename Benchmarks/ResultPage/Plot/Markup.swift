/// SVG or HTML in the making. Text and attributes are escaped, so that a name out of a result file never becomes markup.
struct Markup {
  private(set) var text = ""

  /// An element with content.
  mutating func element(
    _ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ body: (inout Markup) -> Void
  ) {
    open(name, attributes)
    text += ">"
    body(&self)
    text += "</\(name)>"
    if Self.blocks.contains(name) { text += "\n" }
  }

  /// An element with nothing but words.
  mutating func element(_ name: String, _ attributes: KeyValuePairs<String, String> = [:], text words: String) {
    element(name, attributes) { $0.words(words) }
  }

  /// An element without content.
  mutating func empty(_ name: String, _ attributes: KeyValuePairs<String, String> = [:]) {
    open(name, attributes)
    text += "/>\n"
  }

  mutating func words(_ words: String) { text += Self.escaped(words) }

  /// Adds what is markup already.
  mutating func markup(_ other: String) { text += other }

  private mutating func open(_ name: String, _ attributes: KeyValuePairs<String, String>) {
    text += "<\(name)"
    for (key, value) in attributes { text += " \(key)=\"\(Self.escaped(value))\"" }
  }

  static func escaped(_ words: String) -> String {
    var result = ""
    for scalar in words.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\t", "\n", "\r": result += " "
      // XML has no way to write control characters.
      case "\0"..<" ", "\u{7F}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private static let blocks: Set<String> = [
    "g", "svg", "text", "figure", "section", "p", "table", "tr", "thead", "tbody", "details", "ul", "li", "h1", "h2",
    "h3",
    "header", "main", "figcaption", "div", "title", "style",
  ]
}

extension Double {
  /// A coordinate: to a tenth of a unit, without a needless fraction.
  var coordinate: String { Self.decimal((self * 10).rounded() / 10) }

  /// For people: three digits that matter, thousands separated.
  var label: String {
    let size = abs(self)
    guard size.isFinite else { return "–" }
    let digits = size == 0 || size >= 100 ? 1.0 : size >= 10 ? 10.0 : size >= 1 ? 100.0 : 1000.0
    return Self.decimal((self * digits).rounded() / digits)
  }

  /// Without an exponent, whole numbers without a fraction, and commas between thousands.
  static func decimal(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "–" }
    guard abs(value) >= 1e-4 || value == 0 else { return "\(value)" }
    guard value == value.rounded() else {
      let text = "\(value)"
      return text
    }
    return "\(Int(value))"
  }
}
