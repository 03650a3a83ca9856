import XSKEngine

extension NodeSettings {
  /// What a configuration says to the daemon.
  public init(_ node: NodeConfiguration) {
    self.init(
      capacity: node.capacity, uplinks: node.uplinks.map(\.device), quota: node.quota, policies: Set(node.policies.keys)
    )
    queues = node.queuesPerTenant
    queuePools = node.queuePools
    directions = node.policies.mapValues { (ingress: .init($0.ingress), egress: .init($0.egress)) }
    accept = { state throws(XSKError) in _ = try NodePolicy(node, tenants: state.tenants) }
  }

  /// Reads a configuration file.
  ///
  /// - Throws: the first thing that is wrong with it; `report` is told of all, and of warnings.
  public init(file: String, report: (String) -> Void = { _ in }) throws(XSKError) {
    let read = NodeConfigurationFile.read(file)
    for problem in read.problems { report(problem.description) }
    guard let node = read.configuration else {
      let problem = read.problems.first { $0.severity == .error }
      throw XSKError(
        file, problem.map { "not right: \($0.description)" } ?? "not right", remedy: "see: xskd check --config \(file)")
    }
    self.init(node)
  }
}

extension PolicyReport.Direction {
  init(_ direction: TenantPolicy.Direction) {
    let limits = [direction.packets, direction.bits].compactMap { $0 }
    self.init(
      rules: direction.rules.map(\.name), otherwise: direction.accepts ? "accept" : "drop",
      limits: limits.map { "\($0.perSecond) \($0.unit.rawValue)/s" })
  }
}
