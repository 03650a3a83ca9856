import Foundation
import Glibc
import Testing
import XSKLab

/// What clears up behind labs.
@Suite struct JanitorTests {
  /// A process that is in no group and no namespace of the lab's, and its child, as a container's and its keeper's are.
  private func start(_ directory: String, in namespace: NetworkNamespace) throws -> ChildProcess {
    let process = try namespace.start(["sh", "-c", "sleep 600 & echo there; wait", "keeper", "\(directory)/x"])
    try #require(process.waitForOutput("there"))
    return process
  }

  private func makeDirectory() throws -> String {
    let directory = "/tmp/xskd-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: "\(directory)/run", withIntermediateDirectories: true)
    return directory
  }

  @Test func `a lab that is killed leaves no process and no directory`() throws {
    let (directory, namespace) = (try makeDirectory(), try NetworkNamespace("janitor"))
    let janitor = try LabJanitor(directory)
    let process = try start(directory, in: namespace)
    let child = try #require(
      try namespace.run(["ps", "-o", "pid=", "--ppid", "\(process.pid)"]).output.split(separator: "\n").first)
    let number = try #require(Int32(child.trimmingCharacters(in: .whitespaces)))
    janitor.abandon()
    #expect(try process.wait() == .killed(signal: SIGKILL))
    // Nobody waits for it here: init, or a subreaper above us, does.
    #expect(eventually { kill(number, 0) != 0 || Self.isZombie(number) })
    #expect(!FileManager.default.fileExists(atPath: directory))
  }

  private static func isZombie(_ number: Int32) -> Bool {
    let status = try? String(contentsOfFile: "/proc/\(number)/status", encoding: .utf8)
    return status?.contains("State:\tZ") ?? true
  }

  @Test func `a lab that ends in order is left as it is`() throws {
    let (directory, namespace) = (try makeDirectory(), try NetworkNamespace("janitor"))
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let janitor = try LabJanitor(directory)
    let process = try start(directory, in: namespace)
    janitor.dismiss()
    #expect(process.isRunning && FileManager.default.fileExists(atPath: directory))
  }
}
