import Yams

/// A node and its place: the path of keys that leads to it, as errors name it.
struct Element {
  let node: Node
  let path: String
  /// Where it is if the parser doesn't say.
  let fallback: Mark?

  init(_ node: Node, path: String, near mark: Mark? = nil) {
    (self.node, self.path, fallback) = (node, path, mark)
  }

  var mark: Mark? { node.mark ?? fallback }

  /// The text of a single value; nil: it is a list, a mapping, or nothing.
  var text: String? {
    guard case .scalar(let scalar) = node else { return nil }
    let text = YAMLDocument.text(scalar)
    return text.isEmpty && scalar.style == .plain ? nil : text
  }

  var isMapping: Bool { node.mapping != nil }

  /// What it is instead of what is needed.
  var kind: String {
    switch node {
    case .scalar: text == nil ? "nothing" : "a single value"
    case .mapping: "a mapping"
    case .sequence: "a list"
    case .alias: "an alias"
    }
  }

  /// The same at another path.
  func renamed(_ path: String) -> Element { Element(node, path: path, near: fallback) }
}

/// A mapping's elements by key.
struct Fields {
  let element: Element
  var elements: [String: Element] = [:]

  subscript(key: String) -> Element? { elements[key] }
}

/// A value that can't be what it is to be.
struct ValueFault: Error {
  let problem: String
  let remedy: String

  init(_ problem: String, _ remedy: String) { (self.problem, self.remedy) = (problem, remedy) }
}
