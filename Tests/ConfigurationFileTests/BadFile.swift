import Testing

/// A configuration that isn't right, under the name `f`, and what is said about it, line by line.
struct BadFile: Sendable, CustomTestStringConvertible {
  let text: String
  let messages: [String]
  var testDescription: String { text }

  init(_ text: String, _ messages: String...) { self.init(text, all: messages) }

  init(_ text: String, all messages: [String]) { (self.text, self.messages) = (text, messages) }

  static let ports = "version: 1\nports: {a: {device: eth0}, b: {device: eth1}}\n"
  static let addressed = "version: 1\nports: {a: {device: eth0, addresses: [10.0.0.1/24]}, b: {device: eth1}}\n"

  /// From line 3 on.
  static func with(_ text: String, _ messages: String...) -> BadFile { BadFile(ports + text, all: messages) }

  /// From line 4 on.
  static func routed(_ text: String, _ messages: String...) -> BadFile {
    BadFile(addressed + "default: route\n" + text, all: messages)
  }

  static func match(_ text: String, _ messages: String...) -> BadFile {
    BadFile(ports + "rules: [{name: r, match: {\(text)}, then: drop}]", all: messages)
  }

  static func then(_ text: String, _ messages: String...) -> BadFile {
    BadFile(ports + "rules: [{name: r, then: \(text)}]", all: messages)
  }
}
