/// What the pipeline has counted, in the order of the configuration.
public struct PipelineCounts: Hashable, Sendable, Codable {
  public struct Rule: Hashable, Sendable, Codable {
    public var name: String
    public var packets: UInt64
    public var bytes: UInt64

    public init(name: String, _ count: RuleCount) {
      (self.name, packets, bytes) = (name, count.packets, count.bytes)
    }
  }

  public struct Limiter: Hashable, Sendable, Codable {
    public var name: String
    /// What conformed.
    public var passed: RuleCount
    /// What was dropped for exceeding the limit.
    public var exceeded: RuleCount
    /// Packets that were counted against a shared bucket, the table being full.
    public var sharedPackets: UInt64

    enum CodingKeys: String, CodingKey {
      case name, passed, exceeded
      case sharedPackets = "shared_packets"
    }
  }

  /// Policies so far, the first included.
  public var generation: UInt64
  /// Of the rule set, and behind them those of access lists.
  public var rules: [Rule]
  /// What no rule decided about.
  public var defaultAction: RuleCount
  /// What was malformed, and no rule decided about.
  public var malformed: RuleCount
  public var counters: [Rule]
  public var limiters: [Limiter]

  enum CodingKeys: String, CodingKey {
    case generation, rules, malformed, counters, limiters
    case defaultAction = "default"
  }
}

/// What is counted, as it is known from one policy to the next.
enum CountedThing: Hashable, Sendable {
  case rule(String)
  case defaultAction, malformed
  case counter(String)
  case passed(String), exceeded(String), shared(String)

  /// What a policy's workers count, in the order of `PolicyPlaces`.
  static func all(of policy: Policy) -> [CountedThing] {
    let configuration = policy.configuration
    return configuration.rules.rules.map { .rule($0.name) } + [.defaultAction, .malformed]
      + policy.access.rules.map { .rule($0.name) }
      + policy.program.counterNames.map { .counter($0) }
      + configuration.limiters.flatMap { [.passed($0.name), .exceeded($0.name), .shared($0.name)] }
  }
}

extension [CountedThing: RuleCount] {
  /// Adds what one worker has counted under a policy.
  mutating func add(_ policy: Policy, _ counters: PolicyCounters) {
    for (place, thing) in CountedThing.all(of: policy).enumerated() {
      self[thing, default: RuleCount()] += counters.read(place)
    }
    // What passes an access list's two limits is counted once.
    for list in policy.access.lists {
      guard let packets = list.packets, let bits = list.bits else { continue }
      let thing = CountedThing.passed(policy.configuration.limiters[bits].name)
      self[thing, default: RuleCount()] += counters.read(policy.places.limiter(packets))
    }
  }

  /// Forgets what a policy doesn't have.
  mutating func keep(_ policy: Policy) {
    let things = Set(CountedThing.all(of: policy))
    self = filter { things.contains($0.key) }
  }
}

extension PipelineCounts {
  init(_ policy: Policy, _ sums: [CountedThing: RuleCount], generation: UInt64) {
    func sum(_ thing: CountedThing) -> RuleCount { sums[thing] ?? RuleCount() }
    func rule(_ name: String, _ thing: CountedThing) -> Rule { Rule(name: name, sum(thing)) }
    self.generation = generation
    let names = policy.configuration.rules.rules.map(\.name) + policy.access.rules.map(\.name)
    rules = names.map { rule($0, .rule($0)) }
    defaultAction = sum(.defaultAction)
    malformed = sum(.malformed)
    counters = policy.program.counterNames.map { rule($0, .counter($0)) }
    limiters = policy.configuration.limiters.map {
      Limiter(
        name: $0.name, passed: sum(.passed($0.name)), exceeded: sum(.exceeded($0.name)),
        sharedPackets: sum(.shared($0.name)).packets)
    }
  }
}
