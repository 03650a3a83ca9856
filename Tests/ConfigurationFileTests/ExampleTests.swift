import Foundation
import Testing

@testable import ConfigurationFile

/// Files of the repository that tests read.
enum Example {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static func path(_ name: String) -> String { root.appendingPathComponent("Examples/config/\(name).yaml").path }
  static func text(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }
}

@Suite struct ExampleTests {
  @Test(arguments: ["scrubber", "router", "bump"])
  func `an example is right, without so much as a warning`(name: String) throws {
    let report = ConfigurationFile.read(Example.path(name))
    #expect(report.problems == [])
    let configuration = try #require(report.configuration)
    _ = try configuration.compiledRules()
    _ = try configuration.prefixSets()
  }

  /// The schema's objects: the root, and the definitions of mappings whose keys are known.
  private func schema() throws -> [String: [String: Any]] {
    let data = try Data(contentsOf: Example.root.appendingPathComponent("packaging/xskfwd.schema.json"))
    let root = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    var objects = try #require(root["$defs"] as? [String: [String: Any]]).filter { $0.value["properties"] != nil }
    objects["file"] = root
    return objects
  }

  @Test func `the schema has the parser's keys, and no others`() throws {
    let objects = try schema()
    #expect(Set(objects.keys) == Set(Section.all.map(\.name)))
    for section in Section.all {
      let object = try #require(objects[section.name])
      let properties = try #require(object["properties"] as? [String: Any])
      #expect(Set(properties.keys) == Set(section.keys), "\(section.name)")
      #expect(Set(object["required"] as? [String] ?? []) == Set(section.required), "\(section.name)")
      #expect(object["additionalProperties"] as? Bool == false, "\(section.name)")
    }
  }

  @Test(
    arguments: [
      ("engine", "mode", ["auto", "zerocopy", "copy", "generic"]), ("engine", "hugepages", Words.pages),
      ("engine", "gro", Words.gro), ("engine", "idle", ["spin", "busy-poll", "sleep", "adaptive"]),
      ("limiter", "per", Words.per), ("route", "type", Words.routeTypes),
    ])
  func `the schema's words are the parser's`(section: String, key: String, words: [String]) throws {
    let properties = try #require(try schema()[section]?["properties"] as? [String: [String: Any]])
    #expect(properties[key]?["enum"] as? [String] == words)
  }

  @Test func `the documentation has a row for each key`() throws {
    let text = try String(contentsOf: Example.root.appendingPathComponent("docs/configuration.md"), encoding: .utf8)
    var parts: [String: Substring] = [:]
    for part in text.components(separatedBy: "<!-- ").dropFirst() {
      guard let end = part.range(of: " -->") else { continue }
      parts[String(part[..<end.lowerBound])] = part[end.upperBound...]
    }
    for section in Section.all {
      let part = try #require(parts[section.name], "no part <!-- \(section.name) -->")
      for key in section.keys { #expect(part.contains("\n| `\(key)` |"), "\(section.name): \(key)") }
    }
  }

  @Test func `the documentation's examples are right`() throws {
    let text = try String(contentsOf: Example.root.appendingPathComponent("docs/configuration.md"), encoding: .utf8)
    let blocks = text.components(separatedBy: "```yaml\n").dropFirst().compactMap {
      $0.components(separatedBy: "```").first
    }
    #expect(blocks.count >= 5)
    for block in blocks {
      let whole = block.contains("version: 1") ? block : BadFile.ports + block
      #expect(ConfigurationFile.parse(whole, file: "docs").errors == [], "\(block)")
    }
  }
}
