import Foundation
import Testing

@testable import Measuring

/// xskbench as it was built beside the tests.
enum BenchmarkProgram {
  struct Outcome {
    let status: Int32
    let output: String
    let errors: String

    func document() throws -> ResultDocument {
      try ResultDocument(
        json: Data(output.utf8), name: "output of xskbench: \(output.prefix(200)) \(errors.suffix(400))")
    }
  }

  static let path: String = {
    var folder = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
    // In an .xctest bundle the test binary lies deeper.
    while folder.path.count > 1 {
      let candidate = folder.appendingPathComponent("xskbench").path
      if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
      folder = folder.deletingLastPathComponent()
    }
    return "xskbench"
  }()

  /// Runs it to its end, at most two minutes.
  static func run(_ arguments: String...) throws -> Outcome { try run(arguments) }

  static func run(_ arguments: [String]) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    // Files: neither stream waits for the other to be read.
    let folder = NSTemporaryDirectory() + "xskbench-run-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let files = try ["output", "errors"].map { name in
      _ = FileManager.default.createFile(atPath: "\(folder)/\(name)", contents: nil)
      return try #require(FileHandle(forWritingAtPath: "\(folder)/\(name)"))
    }
    (process.standardOutput, process.standardError) = (files[0], files[1])
    try process.run()
    let guardian = DispatchWorkItem { process.terminate() }
    DispatchQueue.global().asyncAfter(deadline: .now() + 300, execute: guardian)
    process.waitUntilExit()
    guardian.cancel()
    let texts = try ["output", "errors"].map { try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8) }
    return Outcome(status: process.terminationStatus, output: texts[0], errors: texts[1])
  }
}

/// Files for one test, gone with it.
final class ScratchFolder {
  let path = NSTemporaryDirectory() + "xskbench-test-" + UUID().uuidString

  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ document: ResultDocument, _ name: String) throws -> String {
    try document.write(to: "\(path)/\(name)")
    return "\(path)/\(name)"
  }
}
