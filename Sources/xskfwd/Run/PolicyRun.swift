import ConfigurationFile
import Forwarder
import Operations
import Synchronization
import XSKEngine

/// A configuration file in force: read at the start, and again whenever somebody asks for it.
final class PolicyRun {
  let path: String
  let desk: PolicyDesk
  /// What the engine was started with.
  let configuration: ForwarderConfiguration
  private let devices: [NetworkDevice]
  private var reasons = ReasonNumbers()

  /// - Parameter taps: for each port the TAP device that stands in its place, if one does.
  init(
    path: String, _ configuration: ForwarderConfiguration, _ devices: [NetworkDevice], taps: [TapDevice?]
  ) throws(XSKError) {
    self.path = path
    self.configuration = configuration
    self.devices = devices
    let numbers = try reasons.reasons(of: configuration.rules)
    let policy = try Policy(configuration, facts: devices.map(PortFacts.init), reasons: numbers)
    desk = PolicyDesk(Pipeline(policy, taps: taps))
  }

  /// Reads the file again. A file that is not right as a whole changes nothing.
  func reload(_ engine: Engine) {
    let report = desk.serve {
      do throws(XSKError) {
        return try replace(engine)
      } catch {
        return ["\(error)"]
      }
    }
    guard report.state == .loaded else {
      for line in report.problems { Console.error(line) }
      return Console.error("xskfwd: \(path): not reloaded, nothing has changed")
    }
    Console.error("xskfwd: \(path): reloaded, policy \(report.generation)")
  }

  /// What is wrong; nothing: the new policy is in force.
  private func replace(_ engine: Engine) throws(XSKError) -> [String] {
    let file = ConfigurationFile.read(path)
    guard let changed = file.configuration else { return file.errors.map(\.description) }
    let obstacles = configuration.obstacles(to: changed)
    guard obstacles.isEmpty else { return obstacles.map { "\(path): \($0)" } }
    // What the devices are like now: a MAC address or MTU may have changed.
    let facts = engine.portStatus.map { PortFacts($0.device) }
    var reasons = reasons
    let numbers = try reasons.reasons(of: changed.rules)
    // Verdicts in the kernel that follow from the old policy go, and those that follow from the new one count from then on.
    let generation = engine.verdicts.map { $0.generation &+ 1 } ?? 0
    let policy = try Policy(changed, facts: facts, verdictGeneration: generation, reasons: numbers)
    try engine.add(reasonNames: reasons.names)
    self.reasons = reasons
    defer { engine.verdicts?.removeAll() }
    try desk.pipeline.replace(with: policy) { engine.wakeWorkers() }
    return []
  }
}
