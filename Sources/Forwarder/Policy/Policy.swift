public import XSKEngine

/// A configuration's rules, sets and routes as tables: made off the packet path, never changed, and shared by all workers.
public final class Policy: Sendable {
  public let configuration: ForwarderConfiguration
  let rules: CompiledRules
  /// Of plain packets on ports that may have some: the same, or none (`hasNoRules`).
  let plainRules: CompiledRules
  /// By port, 0…255: no rule is for what comes in there without a VLAN tag.
  let hasNoRules: [Bool]
  let sets: [PrefixSet]
  let access: AccessPlan
  /// The prefix sets that access lists name, by their numbers there.
  let accessSets: [PrefixSet]
  public let routes: Routes
  let program: PipelineProgram
  /// The drop reasons of the operator's, by the names that rules have.
  let reasons: [String: DropReason]
  /// The generation of verdicts in the kernel that follow from it (`VerdictTable.generation`).
  let verdictGeneration: UInt32

  /// - Parameters:
  ///   - configuration: a consistent one.
  ///   - routes: nil: those of the configuration, for ports of which `facts` says what routing must know.
  ///   - verdictGeneration: of verdicts in the kernel that follow from it.
  ///   - reasons: numbers for the operator's reasons; nil: as the rules name them first.
  /// - Throws: what the tables refuse: rules that don't compile, too many of access lists' or drop reasons, too much memory, a
  ///   gateway that is no neighbour.
  public init(
    _ configuration: ForwarderConfiguration, facts: [PortFacts], routes: Routes? = nil,
    verdictGeneration: UInt32 = 0, reasons: [String: DropReason]? = nil
  ) throws(XSKError) {
    self.configuration = configuration
    self.verdictGeneration = verdictGeneration
    if let reasons { self.reasons = reasons } else { self.reasons = try configuration.dropReasons }
    rules = try configuration.compiledRules()
    plainRules = rules.view.asksForFlowOnly ? rules : try CompiledRules(RuleSet())
    hasNoRules = configuration.rules.hasNoRules
    sets = try configuration.prefixSets()
    access = try AccessPlan(configuration)
    let made = Dictionary(uniqueKeysWithValues: zip(configuration.rules.prefixSets, sets))
    accessSets = try configuration.prefixSets(access.compiled.ruleSet.prefixSets, having: made)
    if let routes { self.routes = routes } else { self.routes = try configuration.makeRoutes(facts) }
    program = PipelineProgram(configuration.rules, access: access.rules, reasons: self.reasons)
  }

  /// The same policy with other routes: rules and sets are not made anew.
  init(_ policy: Policy, routes: Routes) {
    configuration = policy.configuration
    (rules, plainRules, hasNoRules) = (policy.rules, policy.plainRules, policy.hasNoRules)
    sets = policy.sets
    (access, accessSets) = (policy.access, policy.accessSets)
    program = policy.program
    reasons = policy.reasons
    verdictGeneration = policy.verdictGeneration
    self.routes = routes
  }

  /// Where a worker counts what.
  var places: PolicyPlaces { PolicyPlaces(self) }

  /// Which rules' sets hold sources, and which destinations: bits of the sets' numbers.
  var setsInUse: (sources: UInt64, destinations: UInt64) {
    let numbers = Dictionary(uniqueKeysWithValues: configuration.rules.prefixSets.enumerated().map { ($1, $0) })
    func bits(_ condition: (RuleMatch) -> Condition<String>?) -> UInt64 {
      configuration.rules.rules.flatMap { condition($0.match)?.values ?? [] }
        .reduce(0) { $0 | 1 << UInt64(numbers[$1] ?? 0) }
    }
    return (bits(\.sourceSet), bits(\.destinationSet))
  }

  /// Whether rules ask for metadata, or set marks that later ones may ask for.
  var usesMetadata: Bool {
    (configuration.rules.rules.map(\.match) + access.rules.map(\.match)).contains { !$0.metadata.isEmpty }
  }

  /// What is dropped under for being more than a limit.
  func reason(ofLimiter number: Int) -> DropReason { reasons[configuration.limiters[number].excess] ?? .rateLimit }

  /// Whether any packet can be routed.
  var usesRoutes: Bool { program.steps.contains { $0.kind == .route } }
}

extension RuleSet {
  /// By port, 0…255: no rule is for what comes in there without a VLAN tag.
  var hasNoRules: [Bool] {
    (0...UInt8.max).map { port in !rules.contains { $0.match.isForUntagged(on: port) } }
  }
}

/// The order of what a worker counts: rules, default, malformed, access lists' rules, named counters, and three for each limiter.
struct PolicyPlaces: Sendable {
  let rules: Int
  let accessRules: Int
  let counters: Int
  let limiters: Int

  init(_ policy: Policy) {
    rules = policy.configuration.rules.rules.count
    accessRules = policy.access.rules.count
    counters = policy.program.counterNames.count
    limiters = policy.configuration.limiters.count
  }

  var defaultAction: Int { rules }
  var malformed: Int { rules + 1 }
  var firstAccessRule: Int { rules + 2 }
  var firstCounter: Int { firstAccessRule + accessRules }
  var firstLimiter: Int { firstCounter + counters }
  /// What conformed; what exceeded the limit is behind it, and what met a full table behind that.
  func limiter(_ number: Int) -> Int { firstLimiter + number * 3 }
  var count: Int { limiter(limiters) }
}
