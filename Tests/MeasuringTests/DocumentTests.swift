import Foundation
import Testing
import XSKEngine

@testable import Measuring

@Suite struct DocumentTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private static var documents: [ResultDocument] {
    var bare = ResultDocument(command: "wire")
    RunWatch().finish(&bare)
    return [
      Sample.search(), Sample.stages(), Sample.engine(started: "2026-11-20T01:02:03Z", cycles: 8, irregular: ["steal"]),
      bare,
    ]
  }

  static func schema() throws -> [String: Any] {
    let data = try Data(contentsOf: root.appendingPathComponent("packaging/xskbench-result.schema.json"))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  @Test(arguments: documents)
  func `what is written can be read, and is the same`(document: ResultDocument) throws {
    let json = try document.json()
    #expect(try ResultDocument(json: Data(json.utf8), name: "memory") == document)
  }

  @Test(arguments: documents)
  func `what is written follows the schema`(document: ResultDocument) throws {
    let value = try JSONSerialization.jsonObject(with: Data(try document.json().utf8))
    #expect(SchemaCheck(root: try Self.schema()).faults(of: value) == [])
  }

  @Test func `the schema's check finds faults`() throws {
    let check = SchemaCheck(root: try Self.schema())
    var value = try #require(
      try JSONSerialization.jsonObject(with: Data(try Sample.stages().json().utf8)) as? [String: Any])
    value["surprise"] = 1
    value["format_version"] = 7
    value["peers"] = nil
    value["results"] = [["name": 5]]
    let faults = check.faults(of: value)
    #expect(faults.contains("$: surprise is unknown"))
    #expect(faults.contains("$: peers is missing"))
    #expect(faults.contains("$.format_version: is not 1"))
    #expect(faults.contains("$.results[0].name: is no string"))
    #expect(faults.contains("$.results[0]: mpps is missing"))
  }

  @Test func `the schema has no field that is never written`() throws {
    var seen: Set<String> = []
    func collect(_ value: Any) {
      if let object = value as? [String: Any] {
        seen.formUnion(object.keys)
        object.values.forEach(collect)
      } else if let list = value as? [Any] {
        list.forEach(collect)
      }
    }
    var full = Sample.search()
    full.results[0].irregular = ["x"]
    full.results[0].bounds?[0].irregular = ["x"]
    full.results[0].trials?[0].cyclesPerPacket = 1
    full.results[0].trials?[0].gigabits = 1
    full.search = SearchReport(settings: SearchSettings(subject: "x", sizes: ["64"], tests: [.throughput], goals: []))
    for document in [full, Sample.stages(), Sample.engine(started: "", cycles: 8, irregular: ["x"])] {
      collect(try JSONSerialization.jsonObject(with: Data(try document.json().utf8)))
    }
    var known: Set<String> = []
    func properties(_ value: Any) {
      if let object = value as? [String: Any] {
        if let properties = object["properties"] as? [String: Any] { known.formUnion(properties.keys) }
        object.values.forEach(properties)
      }
    }
    properties(try Self.schema())
    #expect(known.subtracting(seen) == [])
  }

  @Test(
    arguments: [
      ("", "x: not readable as JSON"), ("[]", "x: not a result of xskbench"), ("{}", "x: not a result of xskbench"),
      (#"{"format": "xskbench-result", "format_version": 2}"#, "x: format_version 2 is not known"),
      (#"{"format": "xskbench-result", "format_version": 1}"#, "x: not a result of xskbench: the document has no"),
    ])
  func `what is no result is refused with a sentence`(text: String, message: String) throws {
    let error = #expect(throws: XSKError.self) { try ResultDocument(json: Data(text.utf8), name: "x") }
    let words = error.map { "\($0)" } ?? ""
    #expect(words.hasPrefix(message) || (text.isEmpty && words.hasPrefix("x: not a result")), "\(words)")
  }

  @Test func `a field of a later program is skipped`() throws {
    let json = try Sample.stages().json().replacingOccurrences(
      of: #""peers" :"#, with: #""later" : {"a": [1]}, "peers" :"#)
    #expect(json.contains("later"))
    #expect(try ResultDocument(json: Data(json.utf8), name: "x") == Sample.stages())
  }
}

/// As much of JSON Schema as the one in packaging uses.
struct SchemaCheck {
  let root: [String: Any]

  func faults(of value: Any) -> [String] { faults(of: value, root, "$") }

  private func faults(of value: Any, _ schema: [String: Any], _ path: String) -> [String] {
    if let reference = schema["$ref"] as? String {
      let name = String(reference.split(separator: "/").last ?? "")
      guard let other = (root["$defs"] as? [String: [String: Any]])?[name] else { return ["\(path): \(reference)?"] }
      return faults(of: value, other, path)
    }
    var faults: [String] = []
    if let constant = schema["const"], "\(constant)" != "\(value)" { faults.append("\(path): is not \(constant)") }
    if let words = schema["enum"] as? [String], !words.contains("\(value)") {
      faults.append("\(path): is none of \(words)")
    }
    if let pattern = schema["pattern"] as? String, "\(value)".range(of: pattern, options: .regularExpression) == nil {
      faults.append("\(path): does not match")
    }
    let number = (value as? NSNumber)?.doubleValue
    if let least = (schema["minimum"] as? NSNumber)?.doubleValue, number ?? least < least {
      faults.append("\(path): too small")
    }
    if let most = (schema["maximum"] as? NSNumber)?.doubleValue, number ?? most > most {
      faults.append("\(path): too large")
    }
    switch schema["type"] as? String {
    case "string": if !(value is String) { faults.append("\(path): is no string") }
    case "number": if number == nil || value is String { faults.append("\(path): is no number") }
    case "integer": if number.map({ $0 != $0.rounded() }) ?? true { faults.append("\(path): is no whole number") }
    case "boolean": if !(value is Bool) { faults.append("\(path): is no boolean") }
    case "array":
      guard let list = value as? [Any] else { return faults + ["\(path): is no list"] }
      guard let items = schema["items"] as? [String: Any] else { break }
      for (index, item) in list.enumerated() { faults += self.faults(of: item, items, "\(path)[\(index)]") }
    case "object":
      guard let object = value as? [String: Any] else { return faults + ["\(path): is no object"] }
      let properties = schema["properties"] as? [String: [String: Any]] ?? [:]
      for key in schema["required"] as? [String] ?? [] where object[key] == nil {
        faults.append("\(path): \(key) is missing")
      }
      for (key, item) in object {
        if let property = properties[key] {
          faults += self.faults(of: item, property, "\(path).\(key)")
        } else if let others = schema["additionalProperties"] as? [String: Any] {
          faults += self.faults(of: item, others, "\(path).\(key)")
        } else if schema["additionalProperties"] as? Bool == false {
          faults.append("\(path): \(key) is unknown")
        }
      }
    default: break
    }
    return faults
  }
}
