import Yams

/// A text as YAML nodes, or what is wrong with it as YAML.
///
/// Two things that YAML has are kept from the parser:
/// - Aliases. They would let a short text stand for one of any size, and what repeats has a name here anyway. An alias begins
///   with an asterisk, so each asterisk is replaced by a character for private use, which no value needs, and taken back when a
///   text is read: there are no aliases then, only plain texts that begin with it.
/// - A key that is given twice ends the parser's work. To find whatever else is wrong, the first one's last character is
///   replaced likewise, and the text is parsed again.
package struct YAMLDocument {
  package private(set) var root: Node?
  package private(set) var problems: [ConfigurationProblem] = []
  private let file: String

  /// In place of an asterisk, and of the last character of a key that was given before.
  static let asterisk: Unicode.Scalar = "\u{F8FE}"
  static let repeated: ClosedRange<UInt32> = 0xE000...0xE0FF

  package init(_ text: String, file: String) {
    self.file = file
    guard !text.unicodeScalars.contains(where: { $0 == Self.asterisk || Self.repeated.contains($0.value) }) else {
      report(nil, "characters for private use (U+E000 to U+F8FF)", "take them out")
      return
    }
    var scalars = Array(text.unicodeScalars)
    for index in scalars.indices where scalars[index] == "*" { scalars[index] = Self.asterisk }
    for replacement in Self.repeated {
      do {
        // The encoding is told, or Yams would look for it in the environment; no resolver, as values are looked at as text.
        let parser = try Parser(
          yaml: String(String.UnicodeScalarView(scalars)), resolver: .basic, encoding: .utf8)
        root = try parser.singleRoot()
        if root == nil && problems.isEmpty { report(nil, "empty", "write at least version: 1") }
        return
      } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
        let key = keys.first ?? ""
        report(context.mark, key: key, "given twice", "keep one of the two")
        guard let last = Self.end(of: key, at: context.mark, in: scalars), let scalar = Unicode.Scalar(replacement)
        else {
          return
        }
        scalars[last] = scalar
      } catch {
        report(error)
        return
      }
    }
  }

  /// Where the last character of a key is that begins at a mark; nil if it isn't written there as it is.
  private static func end(of key: String, at mark: Mark, in scalars: [Unicode.Scalar]) -> Int? {
    var (line, place) = (1, 0)
    while line < mark.line {
      guard let end = scalars[place...].firstIndex(of: "\n") else { return nil }
      (line, place) = (line + 1, end + 1)
    }
    place += mark.column - 1
    if place < scalars.count, scalars[place] == "\"" || scalars[place] == "'" { place += 1 }
    let key = Array(key.unicodeScalars)
    guard !key.isEmpty, place + key.count <= scalars.count, Array(scalars[place..<place + key.count]) == key else {
      return nil
    }
    return place + key.count - 1
  }

  /// The text of a node as it stands in the file.
  static func text(_ scalar: Node.Scalar) -> String {
    guard scalar.string.unicodeScalars.contains(asterisk) else { return scalar.string }
    return String(String.UnicodeScalarView(scalar.string.unicodeScalars.lazy.map { $0 == asterisk ? "*" : $0 }))
  }

  /// A key that was reported as given twice.
  static func isRepeated(_ key: String) -> Bool { key.unicodeScalars.last.map { repeated.contains($0.value) } ?? false }

  static func isAlias(_ scalar: Node.Scalar) -> Bool {
    scalar.style == .plain && scalar.string.unicodeScalars.first == asterisk
  }
}

extension YAMLDocument {
  private mutating func report(_ mark: Mark?, key: String = "", _ problem: String, _ remedy: String) {
    problems.append(
      ConfigurationProblem(file: file, line: mark?.line, column: mark?.column, key: key, problem, remedy: remedy))
  }

  /// Nothing behind a fault of syntax can be trusted, so it is the last problem told.
  private mutating func report(_ error: any Error) {
    let remedy = "correct the YAML; what follows is not looked at until then"
    switch error {
    case YamlError.scanner(let context, let problem, let mark, _),
      YamlError.parser(let context, let problem, let mark, _),
      YamlError.composer(let context, let problem, let mark, _):
      if problem == "but found another document" {
        return report(mark, "a second document", "keep one document in the file, without further \"---\"")
      }
      let place = [context?.text, problem].compactMap { $0 }.joined(separator: ", ")
      report(mark, "not YAML: \(place)", remedy)
    case YamlError.reader(let problem, _, let value, _):
      report(nil, "not YAML: \(problem) (character \(value))", "take the character out")
    default: report(nil, "not YAML: \(error)", remedy)
    }
  }
}
