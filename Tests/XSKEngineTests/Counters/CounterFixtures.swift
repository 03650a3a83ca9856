import Foundation

@testable import XSKEngine

/// Two ports, two workers, three (device, queue) pairs.
let exampleDescription = CounterDescription(
  tool: "xskfwd", version: "1.2.3", command: "forward east west",
  ports: [
    .init(name: "east", device: "veth0", ifindex: 7, mode: "copy", queues: [0, 1], link: "up"),
    .init(name: "west", device: "veth1", ifindex: 9, mode: "generic", queues: [0], link: "down"),
  ],
  slots: [
    .init(worker: 0, cpu: 2, port: 0, queue: 0), .init(worker: 1, cpu: -1, port: 0, queue: 1),
    .init(worker: 1, cpu: -1, port: 1, queue: 0),
  ])

/// A directory that is removed with its contents when the test lets go of it.
final class TemporaryDirectory {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appending(path: "xsk-counters-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }
}

/// Runs a program to its end; its standard output.
func run(_ program: String, _ arguments: String...) throws -> String {
  let process = Process()
  let output = Pipe()
  process.executableURL = URL(fileURLWithPath: program)
  process.arguments = arguments
  process.standardOutput = output
  try process.run()
  let text = try output.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  return String(decoding: text, as: UTF8.self)
}

/// Reads one field of a page's file from another process, with od(1).
func wordSeenElsewhere(_ path: String, at offset: Int) throws -> UInt64? {
  let text = try run("/usr/bin/od", "-An", "-t", "u8", "-j", "\(offset)", "-N", "8", path)
  return UInt64(text.trimmingCharacters(in: .whitespacesAndNewlines))
}

/// The bytes of an intact page, with some counters set.
func examplePageBytes() throws -> [UInt8] {
  let directory = try TemporaryDirectory()
  let path = directory.file("page")
  let page = try CounterPage(exampleDescription, workers: 2, path: path)
  page.queue(slot: 2).add(.receivedPackets, 42)
  let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  page.close()
  return bytes
}
