public import GROLite
public import XSKEngine

/// What the engine takes.
extension ForwarderConfiguration {
  /// The engine's part, drop reasons' names included. Counter page, tool, version and command are the program's to fill in.
  ///
  /// - Throws: more drop reasons than there can be.
  public func engineConfiguration() throws(XSKError) -> EngineConfiguration {
    var configuration = EngineConfiguration(
      ports: ports.map { port in
        var engines = PortConfiguration(port.device, queues: port.queues, punt: punt(of: port))
        engines.isPromiscuous = isPromiscuous(port)
        return engines
      })
    configuration.localPort = Self.localPort
    configuration.cores = engine.cores
    configuration.worker.batch = engine.batch
    configuration.worker.idle = engine.idle
    configuration.socket.mode = engine.mode
    configuration.umem.chunkSize = engine.chunk
    configuration.umem.pages = engine.hugepages
    configuration.heldPerQueue = heldPerQueue
    configuration.metadata = metadata
    if rules.offloads { configuration.offload = OffloadConfiguration(flows: offload.flows, sources: offload.sources) }
    configuration.reasonNames = DropReason.pipelineNames.merging(DropReason.hostNames) { first, _ in first }
    for (number, name) in try checkedReasonNames().enumerated() { configuration.reasonNames[.custom(number)] = name }
    return configuration
  }

  /// The engine's name for what the forwarder itself sends: answers, and what the host sends.
  public static var localPort: String { "local" }

  func punt(of port: ForwarderPort) -> PuntConfiguration {
    switch port.punt {
    case .given(let punt): return punt
    case .auto:
      guard port.tap == nil else { return .none }
      // A bridge lets questions for others through; a router answers for itself only.
      return rules.routes ? .host : PuntConfiguration(addresses: .kernel, neighbours: .own)
    }
  }

  /// Whether a port takes packets to other stations: a bridge needs them, a router or a host must not have them.
  public func isPromiscuous(_ port: ForwarderPort) -> Bool {
    port.promiscuous ?? (rules.forwards && !rules.routes && port.tap == nil)
  }

  /// GRO ahead of the pipeline; nil: none.
  ///
  /// - Parameter seed: a secret, new at each start.
  public func groConfiguration(seed: UInt64 = .random(in: .min ... .max)) -> GROConfiguration? {
    engine.gro.map {
      GROConfiguration(
        mode: $0, holdTime: UInt64(engine.groHold) * 1000, holdLimit: heldPerQueue, seed: seed)
    }
  }

  /// Packets that GRO may hold for each queue: a quarter of a burst would be little, more than a burst helps nobody.
  private var heldPerQueue: Int { engine.gro == nil || engine.groHold == 0 ? 0 : 64 }
}

/// What the rules take.
extension ForwarderConfiguration {
  /// What the rules may refer to.
  public var ruleEnvironment: RuleEnvironment {
    RuleEnvironment(ports: ports.count, limiters: limiters.count, prefixSets: Set(sets.map(\.name)))
  }

  /// - Throws: the first problem of the rules, or too much memory.
  public func compiledRules() throws(XSKError) -> CompiledRules { try CompiledRules(rules, in: ruleEnvironment) }

  /// The prefix sets that rules name, by their numbers in `RuleSet.prefixSets`.
  ///
  /// - Throws: a set that is not there, or takes too much memory.
  public func prefixSets() throws(XSKError) -> [PrefixSet] { try prefixSets(rules.prefixSets, having: [:]) }

  /// Prefix sets by their names, of which some are there already.
  func prefixSets(_ names: [String], having: [String: PrefixSet]) throws(XSKError) -> [PrefixSet] {
    var made: [PrefixSet] = []
    for name in names {
      if let set = having[name] {
        made.append(set)
        continue
      }
      guard let set = sets.first(where: { $0.name == name }) else {
        throw XSKError("prefix set \"\(name)\"", "not there", remedy: "define it, or correct the name")
      }
      made.append(try PrefixSet(ipv4: set.ipv4, ipv6: set.ipv6))
    }
    return made
  }

  /// The reason that packets are dropped under, by the name that an action has.
  ///
  /// - Throws: more than there can be.
  public var dropReasons: [String: DropReason] {
    get throws(XSKError) {
      var reasons: [String: DropReason] = ["policy": .policy, "rate_limit": .rateLimit]
      for (number, name) in try checkedReasonNames().enumerated() { reasons[name] = .custom(number) }
      return reasons
    }
  }

  private func checkedReasonNames() throws(XSKError) -> [String] {
    let names = dropReasonNames
    guard names.count <= DropReason.customCount else {
      throw XSKError(
        "drop reasons", "rules, access lists and their limiters name \(names.count)",
        remedy: "use at most \(DropReason.customCount): let some share a name")
    }
    return names
  }
}
