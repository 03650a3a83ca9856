import Foundation
import Glibc
import TenantAPI
import Testing
import XSKEngine
import XSKLab

@testable import ContainerDataplane

/// `xskd serve` in a node's namespace, asked over its socket.
final class ServeLab {
  let node: DaemonLab
  let configuration: String
  private(set) var process: ChildProcess
  private let options: [String]
  private let kernel: LabKernel

  /// - Parameters:
  ///   - configuration: its file's text.
  ///   - options: further options; by default no dataplane is started.
  ///   - kernel: what the daemon finds.
  ///   - prepare: makes what has to be there before the daemon is started.
  init(
    _ configuration: String = "version: 1\n", options: [String] = ["--dataplane", "external"],
    kernel: LabKernel = .own, prepare: (DaemonLab) throws -> Void = { _ in }
  ) throws {
    node = try DaemonLab()
    try prepare(node)
    self.configuration = "\(node.directory)/xskd.yaml"
    self.options = options
    self.kernel = kernel
    try Data(configuration.utf8).write(to: URL(filePath: self.configuration))
    process = try Self.start(node, self.configuration, options, kernel)
    try awaitAnswer()
  }

  var client: DaemonClient { DaemonClient(path: node.places.socket) }

  private static func start(
    _ node: DaemonLab, _ configuration: String, _ options: [String], _ kernel: LabKernel
  ) throws -> ChildProcess {
    try node.host.start(
      kernel.entrance + [BuiltPrograms.xskd, "serve", "--config", configuration] + directories(node) + options)
  }

  static func directories(_ node: DaemonLab) -> [String] {
    ["--run-directory", node.places.runDirectory, "--bpf-directory", node.places.bpfDirectory]
  }

  private func awaitAnswer() throws {
    let answers = eventually { !process.isRunning || (try? client.availability()) != nil }
    try #require(answers && process.isRunning, "\(process.errors)")
  }

  /// Kills it, and starts it again.
  func killAndRestart() throws {
    process.kill()
    process = try Self.start(node, configuration, options, kernel)
    try awaitAnswer()
  }

  func stop() throws { #expect(try process.terminate(grace: .seconds(20)) == .exited(0), "\(process.errors)") }

  /// The program itself, as an operator runs it.
  func xskd(_ arguments: String...) throws -> CommandResult {
    try node.host.run(
      kernel.entrance + [BuiltPrograms.xskd] + arguments + ["--run-directory", node.places.runDirectory])
  }

  /// A number of /proc/PID/status, in KiB.
  func memory() throws -> Int {
    let text = try String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
    return try #require(Int(line.filter(\.isNumber)))
  }

  func descriptors() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.pid)/fd").count
  }
}
