/// Text in the Prometheus exposition format, version 0.0.4: families of samples, each family once with its help and type.
package struct Exposition {
  package enum Kind: String {
    case counter, gauge, histogram
  }

  package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  package private(set) var text = ""

  package init() {}

  /// A family: what `samples` adds belongs to it.
  package mutating func family(_ name: String, _ kind: Kind, _ help: String, _ samples: (inout Family) -> Void) {
    var family = Family(name: name)
    samples(&family)
    guard !family.lines.isEmpty else { return }
    text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n" + family.lines
  }

  package struct Family {
    let name: String
    fileprivate(set) var lines = ""

    init(name: String) { self.name = name }

    package mutating func add(_ labels: [(String, String)], _ value: UInt64) { line(name, labels, String(value)) }
    package mutating func add(_ labels: [(String, String)], _ value: Double) { line(name, labels, "\(value)") }

    /// - Parameter buckets: bound in the family's unit and turns up to it, not cumulative; the last has no bound.
    package mutating func add(_ labels: [(String, String)], buckets: [(bound: Double?, count: UInt64)], sum: Double) {
      var total: UInt64 = 0
      for bucket in buckets {
        total &+= bucket.count
        line("\(name)_bucket", labels + [("le", bucket.bound.map { "\($0)" } ?? "+Inf")], String(total))
      }
      line("\(name)_sum", labels, "\(sum)")
      line("\(name)_count", labels, String(total))
    }

    private mutating func line(_ name: String, _ labels: [(String, String)], _ value: String) {
      let list = labels.map { "\($0)=\"\(Exposition.escaped($1, quotes: true))\"" }.joined(separator: ",")
      lines += "\(name)\(list.isEmpty ? "" : "{\(list)}") \(value)\n"
    }
  }

  /// Backslash, line feed, and in label values the double quote.
  static func escaped(_ text: String, quotes: Bool) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result.append(contentsOf: "\\\\".unicodeScalars)
      case "\n": result.append(contentsOf: "\\n".unicodeScalars)
      case "\"" where quotes: result.append(contentsOf: "\\\"".unicodeScalars)
      default: result.append(scalar)
      }
    }
    return String(result)
  }
}
