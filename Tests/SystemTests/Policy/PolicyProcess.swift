import Forwarder
import Foundation
import Operations
import PacketSamples
import Reporting
import Testing
import XSKEngine
import XSKLab

/// An `xskfwd run` on a configuration file of its own.
final class PolicyProcess {
  let namespace: NetworkNamespace
  let process: ChildProcess
  let control: String
  let path: String
  private let folder: ScratchFolder

  /// Starts it, and waits until it runs.
  ///
  /// - Parameters:
  ///   - control: where it listens; nil: at a place of its own.
  ///   - around: a command that starts the command behind it, as env(1) does.
  init(
    in namespace: NetworkNamespace, _ text: String, control: String? = nil, around: [String] = [],
    _ options: [String] = [],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let folder = try ScratchFolder()
    let control = control ?? OperatedRun.freshPath
    path = try folder.write(Array(text.utf8), to: "policy.yaml")
    let words = around + [BuiltPrograms.xskfwd, "run", "--config", path, "--control", control, "--json"]
    let process = try namespace.start(words + options)
    (self.folder, self.control, self.namespace, self.process) = (folder, control, namespace, process)
    let client = ControlClient(path: control)
    try #require(
      eventually { !process.isRunning || client.isAnswered } && process.isRunning, "\(process.errors)",
      sourceLocation: sourceLocation)
  }

  var client: ControlClient { ControlClient(path: control) }
  func counts() throws -> PipelineCounts { try client.report("/v1/rules", as: PipelineCounts.self) }
  func totals() throws -> CountersReport.Totals { try client.report("/v1/counters", as: CountersReport.self).totals }

  /// A rule's packets.
  func packets(_ rule: String) throws -> UInt64 {
    try #require(try counts().rules.first { $0.name == rule }, "\(rule)").packets
  }

  func dropped(_ reason: String) throws -> UInt64 { try totals().packets.dropped[reason] ?? 0 }

  func write(_ text: String) throws { _ = try folder.write(Array(text.utf8), to: "policy.yaml") }

  /// Changes the file, and has it read by `xskfwd reload`.
  func reload(_ text: String) throws -> CommandResult {
    try write(text)
    return try namespace.run([BuiltPrograms.xskfwd, "reload", "--control", control])
  }

  /// The same without another program; false if it is refused.
  func reloadAtOnce(_ text: String) throws -> Bool {
    try write(text)
    var report = try client.report("/v1/reload", method: "POST", as: ReloadReport.self)
    let number = report.number
    _ = try eventually {
      report = try client.report("/v1/reload?number=\(number)", as: ReloadReport.self)
      return report.state != .pending
    }
    return report.state == .loaded
  }

  /// Ends it; both invariants hold, and nothing is left of it.
  @discardableResult
  func stop(devices: [String] = ["m0", "m1"], sourceLocation: SourceLocation = #_sourceLocation) throws -> RunSummary {
    _ = try client.request("/v1/stop", method: "POST")
    #expect(try process.wait() == .exited(0), "\(process.errors)", sourceLocation: sourceLocation)
    let summary = try JSONDecoder().decode(RunSummary.self, from: Data(process.output.utf8))
    #expect(summary.conservationHolds && summary.ledgerHolds, "\(summary)", sourceLocation: sourceLocation)
    #expect(!FileManager.default.fileExists(atPath: control), sourceLocation: sourceLocation)
    try expectDetached(devices, sourceLocation: sourceLocation)
    return summary
  }

  /// No program is left on devices.
  func expectDetached(_ devices: [String] = ["m0", "m1"], sourceLocation: SourceLocation = #_sourceLocation) throws {
    for device in devices {
      let isBare = try eventually { try namespace.run { try NetworkDevice(named: device).program == nil } }
      #expect(isBare, "\(device)", sourceLocation: sourceLocation)
    }
  }
}
