import ConfigurationFile
import Forwarder
import KernelRoutes
import Operations
import ProgramSupport
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
  /// nil: all routes are in the file.
  private let follower: RouteFollowing?

  /// - Parameter taps: for each port the TAP device that stands in its place, if one does.
  init(
    path: String, _ configuration: ForwarderConfiguration, _ devices: [NetworkDevice], taps: [TapDevice?]
  ) throws(XSKError) {
    self.path = path
    self.configuration = configuration
    self.devices = devices
    let numbers = try reasons.reasons(of: configuration)
    let facts = devices.map(PortFacts.init)
    let follower = try configuration.kernelRoutes.map { _ throws(XSKError) in
      try RouteFollowing(configuration) { Console.error("xskfwd: routes: \($0)") }
    }
    let routes = try follower?.first()
    let policy = try Policy(configuration, facts: facts, routes: routes, reasons: numbers)
    let pipeline = Pipeline(policy, taps: taps, resolve: follower?.resolve)
    self.follower = follower
    desk = PolicyDesk(pipeline)
  }

  /// The engine runs: its workers take routes from now on.
  func begin(_ engine: Engine) { follower?.begin(desk.pipeline, engine) }

  /// Now and then, while the engine runs.
  func tend() { follower?.retry() }

  /// Before the engine is stopped.
  func end() { follower?.end() }

  /// Reads the file again. A file that is not right as a whole changes nothing.
  func reload(_ engine: Engine) {
    let report = desk.serve {
      do throws(XSKError) {
        return try replace(engine)
      } catch {
        return .refused(["\(error)"])
      }
    }
    guard report.state == .loaded else {
      for line in report.problems { Console.error(line) }
      return Console.error("xskfwd: \(path): not reloaded, nothing has changed")
    }
    Console.error("xskfwd: \(path): reloaded, policy \(report.generation)")
    for worker in report.silentWorkers {
      Console.error("xskfwd: worker \(worker) has not taken it yet, and will once it goes on")
    }
  }

  private func replace(_ engine: Engine) throws(XSKError) -> ReloadOutcome {
    let file = ConfigurationFile.read(path)
    guard let changed = file.configuration else { return .refused(file.errors.map(\.description)) }
    let obstacles = configuration.obstacles(to: changed)
    guard obstacles.isEmpty else { return .refused(obstacles.map { "\(path): \($0)" }) }
    // What the devices are like now: a MAC address or MTU may have changed.
    let facts = engine.portStatus.map { PortFacts($0.device) }
    var reasons = reasons
    let numbers = try reasons.reasons(of: changed)
    // Verdicts in the kernel that follow from the old policy go, and those that follow from the new one count from then on.
    let generation = engine.verdicts.map { $0.generation &+ 1 } ?? 0
    var routes = follower == nil ? try changed.makeRoutes(facts) : nil
    try engine.add(reasonNames: reasons.names)
    self.reasons = reasons
    let replacement = try desk.pipeline.replace(wake: engine.wakeWorkers) { policy throws(XSKError) in
      // The kernel's routes go on, until the follower has looked at the file's.
      try Policy(
        changed, facts: facts, routes: routes.take() ?? policy.routes, verdictGeneration: generation, reasons: numbers)
    }
    engine.verdicts?.removeAll()
    for (number, port) in changed.ports.enumerated() {
      engine.setPromiscuous(changed.isPromiscuous(port), port: number)
    }
    follower?.reconfigure(changed)
    return .loaded(replacement)
  }
}
