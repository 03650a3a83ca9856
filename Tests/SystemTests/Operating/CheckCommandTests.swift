import Foundation
import Testing

/// `xskfwd check` as an operator calls it. It needs no privileges and no devices.
@Suite("xskfwd check") struct CheckCommandTests {
  private struct Outcome {
    let status: Int32
    let output: String
    let errors: String
  }

  private func check(_ arguments: String...) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: BuiltPrograms.xskfwd)
    process.arguments = ["check"] + arguments
    let (output, errors) = (Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (output, errors)
    try process.run()
    let (text, complaints) = (output.fileHandleForReading.readDataToEndOfFile(), errors.fileHandleForReading)
    let rest = complaints.readDataToEndOfFile()
    process.waitUntilExit()
    return Outcome(
      status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
      errors: String(decoding: rest, as: UTF8.self))
  }

  private func write(_ text: String) throws -> String {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("xsk-\(UUID().uuidString).yaml").path
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    return path
  }

  @Test("an example is good, in one line", arguments: ["scrubber", "router", "bump"])
  func good(name: String) throws {
    let path = BuiltPrograms.package.appendingPathComponent("Examples/config/\(name).yaml").path
    let outcome = try check("--config", path)
    #expect(outcome.status == 0 && outcome.errors == "")
    #expect(outcome.output.hasPrefix("\(path): good; 2 ports, "))
  }

  @Test("all errors are on standard error, and the status is 2")
  func bad() throws {
    let path = try write("version: 1\nports: {a: {device: eth0, mtu: 1}}\nengine: {bach: 1}\n")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let outcome = try check("--config", path)
    #expect(outcome.status == 2 && outcome.output == "")
    #expect(
      outcome.errors == """
        \(path):2:32: ports.a.mtu: value "1": out of range; use 576 to 65535
        \(path):3:10: engine.bach: unknown key; did you mean "batch"?

        """)
    let object = try check("--config", path, "--json")
    #expect(object.status == 2 && object.errors == "")
    let result = try #require(try JSONSerialization.jsonObject(with: Data(object.output.utf8)) as? [String: Any])
    #expect(result["good"] as? Bool == false && (result["errors"] as? [[String: Any]])?.count == 2)
  }

  @Test("a warning is told, and the file is good")
  func warned() throws {
    let path = try write("version: 1\nports: {a: {device: eth0}}\ndefault: route\n")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let outcome = try check("--config", path)
    #expect(outcome.status == 0)
    #expect(
      outcome.errors
        == "\(path):1:1: warning: packets are routed, but there are no routes; add routes, or addresses of ports\n")
    #expect(outcome.output == "\(path): good; 1 port, 0 rules, 0 limiters, 0 sets, 0 routes, 0 neighbours\n")
  }
}
