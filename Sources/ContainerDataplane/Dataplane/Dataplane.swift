public import ConfigurationFile
import Forwarder
import Glibc
import KernelRoutes
public import Operations
import Synchronization
public import XSKEngine

/// The process that has the packets of all tenants: an engine with their policy, which follows the node's state file.
///
/// It holds nothing that is not on disk. Killed and started again it is as it was, but for its counters.
public final class Dataplane {
  public let engine: Engine
  private let options: DataplaneOptions
  private let desk: PolicyDesk
  /// What the engine was started with.
  private let node: NodeConfiguration
  /// What is in force.
  private var inForce: NodeConfiguration
  private var reasons: ReasonNumbers
  private let follower: RouteFollowing?
  private let roster: TenantRoster
  private let current: CurrentPolicy
  private var service: OperatorService?
  private var told = 0
  /// What the uplinks were like when the policy was made.
  private var facts: [PortFacts]

  /// Starts with the tenants that the state file has.
  ///
  /// A state file that is not right is told, and the start goes on without tenants: who writes it is told to by the next
  /// reload.
  ///
  /// - Parameters:
  ///   - requestStop: has the main thread stop, from any thread.
  ///   - requestReload: has the main thread call `reload`, from any thread.
  /// - Throws: whatever stands in the way; nothing is left behind.
  public static func start(
    _ options: DataplaneOptions, _ node: NodeConfiguration, manager: ServiceManager? = nil,
    requestStop: @escaping @Sendable () -> Void, requestReload: @escaping @Sendable () -> Void
  ) throws(XSKError) -> Dataplane {
    let dataplane = try Dataplane(options, node)
    do throws(XSKError) {
      dataplane.desk.signal(with: requestReload)
      let roster = dataplane.roster
      dataplane.service = try OperatorService.start(
        dataplane.engine, control: .path(options.controlPath), metrics: options.metrics, manager: manager,
        policy: dataplane.desk, additions: { roster.add(to: &$0) }, requestStop: requestStop)
    } catch {
      dataplane.engine.stop()
      throw error
    }
    dataplane.follower?.begin(dataplane.desk.pipeline, dataplane.engine)
    // Who writes the state has it read again once this runs.
    dataplane.roster.plug(generation: 0)
    return dataplane
  }

  private init(_ options: DataplaneOptions, _ node: NodeConfiguration) throws(XSKError) {
    self.options = options
    (self.node, inForce) = (node, node)
    var devices: [NetworkDevice] = []
    for uplink in node.uplinks { devices.append(try NetworkDevice(named: uplink.device)) }
    let facts = devices.map(PortFacts.init)
    let policy = Self.firstPolicy(options, node, facts)
    var reasons = ReasonNumbers()
    let numbers = try reasons.reasons(of: policy.configuration)
    self.facts = facts
    let current = CurrentPolicy(policy)
    self.current = current
    var follower: RouteFollowing?
    if policy.configuration.kernelRoutes != nil {
      follower = try RouteFollowing(policy.configuration) { plan in
        current.policy.adapt(&plan)
      } onProblem: { [log = options.log] in
        log("routes: \($0)")
      }
    }
    let routes = if let follower { try follower.first() } else { try policy.makeRoutes(uplinks: facts) }
    let pipeline = Pipeline(
      try Policy(policy.configuration, facts: [], routes: routes, reasons: numbers), resolve: follower?.resolve)
    self.follower = follower
    self.reasons = reasons
    desk = PolicyDesk(pipeline)
    var configuration = try node.engineConfiguration()
    if !node.uplinks.isEmpty { configuration.ports[0].isPromiscuous = policy.hasBridgedTenants }
    configuration.reasonNames.merge(reasons.names) { first, _ in first }
    (configuration.tool, configuration.version) = (options.tool, options.version)
    configuration.command = "dataplane --run-directory \(options.runDirectory) --config \(options.configuration)"
    let settings = configuration
    engine = try Engine.start(settings) { placement throws(XSKError) in try pipeline.handler(for: placement) }
    engine.keepOffWorkerCores()
    roster = TenantRoster(engine, pipeline, current)
  }

  /// The policy of the state file's tenants, or of none. Tenants that a changed configuration has no place for are left out:
  /// the others are not cut off on their account.
  private static func firstPolicy(
    _ options: DataplaneOptions, _ node: NodeConfiguration, _ uplinks: [PortFacts]
  ) -> NodePolicy {
    var tenants: [Tenant] = []
    do throws(XSKError) {
      // Safe: the path is a C string for the call.
      if unsafe access(options.statePath, F_OK) == 0 { tenants = try NodeState.read(options.statePath).tenants }
      return try NodePolicy(node, tenants: tenants, uplinks: uplinks)
    } catch {
      options.log("\(error)")
    }
    tenants = NodePolicy.fitting(tenants, node)
    options.log("\(options.statePath): begins with \(tenants.count) of its tenants")
    if let policy = try? NodePolicy(node, tenants: tenants, uplinks: uplinks) { return policy }
    do throws(XSKError) { return try NodePolicy(node, tenants: [], uplinks: uplinks) } catch {
      preconditionFailure("a policy of no tenants can always be made: \(error)")
    }
  }

  /// Tells what there is to tell, and follows the uplinks' MAC addresses and MTUs. Some times a second.
  public func tend() {
    follower?.retry()
    if factsNow != facts { reload() }
    let messages = engine.messages(from: told)
    for line in messages.lines { options.log(line) }
    told = messages.count
  }

  /// Drains, and takes everything down. Tenants' devices are left as they were before.
  public func stop() {
    follower?.end()
    engine.stop()
    service?.stop()
    tend()
  }
}

// MARK: Following

extension Dataplane {
  /// Reads the state file and the configuration file again. A file that is not right as a whole changes nothing; with a
  /// configuration that can't be used tenants come and go under the one that is in force.
  public func reload() {
    let report = desk.serve {
      do throws(XSKError) {
        return try replace()
      } catch {
        return .refused(["\(error)"])
      }
    }
    guard report.state == .loaded else {
      for line in report.problems { options.log(line) }
      return options.log("what is in force stays")
    }
    for worker in report.silentWorkers {
      options.log("worker \(worker) has not taken the new policy yet, and will once it goes on")
    }
  }

  private var factsNow: [PortFacts] { engine.portStatus.prefix(node.uplinks.count).map { PortFacts($0.device) } }

  private func replace() throws(XSKError) -> ReloadOutcome {
    // Also if the rest is refused: that is not tried again some times a second.
    facts = factsNow
    let file = NodeConfigurationFile.read(options.configuration)
    var problems = file.configuration == nil ? file.errors.map(\.description) : []
    if let changed = file.configuration {
      problems = node.obstacles(to: changed).map { "\(options.configuration): \($0)" }
    }
    // Who edits the file keeps no container waiting.
    let changed = problems.isEmpty ? file.configuration ?? inForce : inForce
    let state = try NodeState.read(options.statePath)
    let next = try NodePolicy(changed, tenants: state.tenants, uplinks: facts)
    var reasons = reasons
    let numbers = try reasons.reasons(of: next.configuration)
    var routes = follower == nil ? try next.makeRoutes(uplinks: facts) : nil
    try engine.add(reasonNames: reasons.names)
    self.reasons = reasons
    // Who goes is gone before who comes has the same port.
    roster.unplug(all: next)
    let replacement = try desk.pipeline.replace(wake: engine.wakeWorkers) { policy throws(XSKError) in
      try Policy(next.configuration, facts: [], routes: routes.take() ?? policy.routes, reasons: numbers)
    }
    (current.policy, inForce) = (next, changed)
    if !node.uplinks.isEmpty { engine.setPromiscuous(next.hasBridgedTenants, port: 0) }
    follower?.reconfigure(next.configuration)
    roster.plug(generation: state.generation)
    return problems.isEmpty ? .loaded(replacement) : .refused(problems)
  }
}

/// The policy that is in force, or about to be.
final class CurrentPolicy: Sendable {
  private let state: Mutex<NodePolicy>

  init(_ policy: NodePolicy) { state = Mutex(policy) }

  var policy: NodePolicy {
    get { state.withLock { $0 } }
    set { state.withLock { $0 = newValue } }
  }
}

extension NodeConfigurationReport {
  public var errors: [ConfigurationProblem] { problems.filter { $0.severity == .error } }
}
