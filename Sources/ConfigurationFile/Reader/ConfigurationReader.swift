import Forwarder
import XSKEngine
import Yams

/// Reads a document, and collects all that is wrong. What can't be read is left out, and its place kept where others refer to
/// it, so that one mistake is not told as many.
package struct ConfigurationReader {
  let file: String
  package private(set) var problems: [ConfigurationProblem] = []
  /// Of the files of prefixes.
  package var setProblems: [ConfigurationProblem] = []

  /// Names in the order of the file: what numbers stand for.
  package var portNames: [String] = []
  package var setNames: [String] = []
  var limiterNames: [String] = []
  var excess: [String] = []
  /// Metadata keys that rules may name.
  var metadataKeys: [String: UInt8] = [:]
  /// Where the rules are, in order.
  var ruleElements: [Element] = []
  /// What is referred to.
  package var usedSets: Set<String> = []
  var usedLimiters: Set<Int> = []

  package init(file: String) { self.file = file }

  mutating func read(_ root: Element) -> ForwarderConfiguration? {
    guard let fields = fields(root, .file) else { return nil }
    readVersion(fields)
    var configuration = ForwarderConfiguration(ports: readPorts(fields["ports"]))
    configuration.engine = readEngine(fields["engine"])
    configuration.metadata = readMetadata(fields["metadata"])
    configuration.offload = readOffload(fields["offload"])
    configuration.sets = readSets(fields["sets"])
    configuration.limiters = readLimiters(fields["limiters"])
    configuration.rules = readRules(fields)
    configuration.neighbours = readNeighbours(fields["neighbours"])
    readRoutes(fields["routes"], into: &configuration)
    if problems.isEmpty && setProblems.isEmpty { tellOddities(fields, configuration) }
    return configuration
  }

  package mutating func readVersion(_ fields: Fields) {
    guard let version = fields["version"] else { return }
    _ = value(version, "1") { text throws(ValueFault) in
      guard text == "1" else { throw ValueFault("not a version that is known", "write 1") }
    }
  }
}

// MARK: Telling

extension ConfigurationReader {
  package mutating func report(_ element: Element, value: String? = nil, _ problem: String, _ remedy: String) {
    tell(.error, element, value, problem, remedy)
  }

  package mutating func warn(_ element: Element, _ problem: String, _ remedy: String) {
    tell(.warning, element, nil, problem, remedy)
  }

  private mutating func tell(
    _ severity: ConfigurationProblem.Severity, _ element: Element, _ value: String?, _ problem: String, _ remedy: String
  ) {
    problems.append(
      ConfigurationProblem(
        severity: severity, file: file, line: element.mark?.line, column: element.mark?.column, key: element.path,
        value: value,
        problem, remedy: remedy))
  }

  package mutating func report(_ element: Element, value: String? = nil, _ fault: ValueFault) {
    report(element, value: value ?? element.text, fault.problem, fault.remedy)
  }
}

// MARK: Shapes

extension ConfigurationReader {
  /// A key and its value, at the path of the value.
  package struct Entry {
    package let key: String
    package let keyElement: Element
    package let element: Element
  }

  /// The entries of a mapping, without those that are no text.
  package mutating func entries(_ element: Element, _ what: String) -> [Entry]? {
    guard case .mapping(let mapping) = element.node else {
      reportShape(element, "a mapping", "write \(what)")
      return nil
    }
    var entries: [Entry] = []
    for (keyNode, node) in mapping {
      let keyElement = Element(keyNode, path: element.path, near: element.mark)
      guard case .scalar(let scalar) = keyNode, !YAMLDocument.isAlias(scalar) else {
        report(keyElement, "\(keyElement.kind) as a key", "write a plain key")
        continue
      }
      let key = YAMLDocument.text(scalar)
      guard !YAMLDocument.isRepeated(key) else { continue }
      let path = element.path.isEmpty ? key : "\(element.path).\(key)"
      entries.append(
        Entry(
          key: key, keyElement: keyElement.renamed(path), element: Element(node, path: path, near: keyElement.mark)))
    }
    return entries
  }

  /// The fields of a mapping whose keys are known.
  package mutating func fields(_ element: Element, _ section: Section) -> Fields? {
    let example = section.required.first ?? section.keys[0]
    guard let entries = entries(element, "keys such as \"\(example)\"") else { return nil }
    var fields = Fields(element: element)
    for entry in entries {
      guard section.keys.contains(entry.key) else {
        let nearest = Words.nearest(entry.key, section.keys)
        report(
          entry.keyElement, "unknown key",
          nearest.map { "did you mean \"\($0)\"?" } ?? "use \(Words.list(section.keys))")
        continue
      }
      fields.elements[entry.key] = entry.element
    }
    for key in section.required where fields[key] == nil {
      // A key that is nearly this one was reported.
      guard !entries.contains(where: { !section.keys.contains($0.key) && Words.nearest($0.key, section.keys) == key })
      else { continue }
      report(element.renamed(element.path.isEmpty ? key : "\(element.path).\(key)"), "missing", "add it")
    }
    return fields
  }

  /// Single values, or the items of a list.
  package mutating func items(_ element: Element) -> [Element]? {
    guard case .sequence(let sequence) = element.node else { return [element] }
    guard !sequence.isEmpty else {
      report(element, "an empty list", "name at least one value, or leave the key out")
      return nil
    }
    return sequence.enumerated().map { Element($1, path: "\(element.path)[\($0)]", near: element.mark) }
  }

  /// The items of a list that may be empty.
  package mutating func list(_ element: Element, _ example: String) -> [Element] {
    guard case .sequence(let sequence) = element.node else {
      reportShape(element, "a list", "write \(example)")
      return []
    }
    return sequence.enumerated().map { Element($1, path: "\(element.path)[\($0)]", near: element.mark) }
  }

  private mutating func reportShape(_ element: Element, _ needed: String, _ remedy: String) {
    if reportAlias(element) { return }
    report(element, value: element.text, "\(element.kind) where \(needed) is needed", remedy)
  }

  private mutating func reportAlias(_ element: Element) -> Bool {
    guard case .scalar(let scalar) = element.node, YAMLDocument.isAlias(scalar) else { return false }
    report(
      element, value: element.text, "an alias, which this file can't have", "write out what it stands for, or quote it")
    return true
  }

  /// The text of a single value.
  package mutating func text(_ element: Element, _ example: String) -> String? {
    guard !reportAlias(element) else { return nil }
    guard let text = element.text else {
      report(element, "\(element.kind) where a single value is needed", "write \(example)")
      return nil
    }
    return text
  }

  /// A single value, read by `parse`.
  package mutating func value<Value>(
    _ element: Element?, _ example: String, _ parse: (String) throws(ValueFault) -> Value
  ) -> Value? {
    guard let element, let text = text(element, example) else { return nil }
    do throws(ValueFault) {
      return try parse(text)
    } catch {
      report(element, error)
      return nil
    }
  }

  package mutating func integer(_ element: Element?, _ range: ClosedRange<Int>) -> Int? {
    value(element, "a number, \(range.lowerBound) to \(range.upperBound)") { text throws(ValueFault) in
      try NumberValue.integer(text, range)
    }
  }

  /// One of some words, by its place among them.
  package mutating func choice(_ element: Element?, _ words: [String]) -> Int? {
    value(element, Words.list(words)) { text throws(ValueFault) in
      try Self.place(of: text, in: words, "unknown", "use \(Words.list(words))")
    }
  }

  package mutating func boolean(_ element: Element?) -> Bool? { choice(element, ["true", "false"]).map { $0 == 0 } }

  /// The number of something that was named elsewhere.
  package mutating func reference(_ element: Element?, to names: [String], _ what: String) -> Int? {
    value(element, "the name of a \(what)") { text throws(ValueFault) in
      try Self.place(
        of: text, in: names, "there is no \(what) of this name",
        names.isEmpty ? "define it under \(what)s" : "use \(Words.list(Array(names.prefix(8))))")
    }
  }

  static func place(
    of text: String, in words: [String], _ problem: String, _ remedy: String
  ) throws(ValueFault) -> Int {
    if let place = words.firstIndex(of: text) { return place }
    throw ValueFault(problem, Words.nearest(text, words).map { "did you mean \"\($0)\"?" } ?? remedy)
  }
}
