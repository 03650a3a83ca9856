import Yams

/// A node and its place: the path of keys that leads to it, as errors name it.
package struct Element {
  package let node: Node
  package let path: String
  /// Where it is if the parser doesn't say.
  let fallback: Mark?

  package init(_ node: Node, path: String, near mark: Mark? = nil) {
    (self.node, self.path, fallback) = (node, path, mark)
  }

  var mark: Mark? { node.mark ?? fallback }

  /// The text of a single value; nil: it is a list, a mapping, or nothing.
  package var text: String? {
    guard case .scalar(let scalar) = node else { return nil }
    let text = YAMLDocument.text(scalar)
    return text.isEmpty && scalar.style == .plain ? nil : text
  }

  package var isMapping: Bool { node.mapping != nil }

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
  package func renamed(_ path: String) -> Element { Element(node, path: path, near: fallback) }
}

/// A mapping's elements by key.
package struct Fields {
  package let element: Element
  package var elements: [String: Element] = [:]

  package subscript(key: String) -> Element? { elements[key] }
}

/// A value that can't be what it is to be.
package struct ValueFault: Error {
  package let problem: String
  package let remedy: String

  package init(_ problem: String, _ remedy: String) { (self.problem, self.remedy) = (problem, remedy) }
}
