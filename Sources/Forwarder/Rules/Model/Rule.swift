/// A rule of the pipeline: what it asks of a packet, and what happens to packets that have it.
///
/// Rules are ordered. The first one that matches decides, unless its actions let the packet go on (`RuleAction.isTerminal`):
/// then the search continues with the rule behind it. What matches no further rule gets the set's default.
public struct Rule: Hashable, Sendable {
  /// The operator's name for it: 1…64 letters, digits, `_`, `-` and `.`; no other rule of the set has it.
  public var name: String
  /// All of its conditions must be met. None at all: every packet matches, malformed ones too.
  public var match: RuleMatch
  /// Carried out in order; only the last may be terminal. At least one.
  public var actions: [RuleAction]
  /// What the XDP program may decide about by itself once the rule has decided; nil: nothing.
  public var offload: RuleOffload?

  public init(_ name: String, _ match: RuleMatch = RuleMatch(), _ actions: RuleAction...) {
    self.init(name, match, actions)
  }

  public init(_ name: String, _ match: RuleMatch, _ actions: [RuleAction]) {
    self.name = name
    self.match = match
    self.actions = actions
  }

  /// Whether a packet that matches goes no further.
  public var isTerminal: Bool { actions.last?.isTerminal ?? false }
}

/// What a rule's decision holds for, so that the XDP program can carry it out for a while without asking.
public enum RuleOffload: String, Hashable, Sendable, CaseIterable {
  /// All packets of the source address, on the same port, with the same VLAN tags.
  case source
  /// All packets of the TCP or UDP flow in one direction, likewise.
  case flow
}

/// Ordered rules, and what happens to packets that none of them decides about.
public struct RuleSet: Hashable, Sendable {
  public var rules: [Rule]
  /// For well-formed packets that no rule decided about. Terminal.
  public var defaultAction: RuleAction
  /// For malformed packets that no rule decided about. Terminal. nil: dropped under the malformation's name
  /// (`Malformation.name`).
  public var malformedAction: RuleAction?

  public init(
    _ rules: [Rule] = [], default defaultAction: RuleAction = .drop("policy"), malformed: RuleAction? = nil
  ) {
    self.rules = rules
    self.defaultAction = defaultAction
    malformedAction = malformed
  }

  /// All actions, the last resorts' included.
  var allActions: [RuleAction] {
    rules.flatMap(\.actions) + [defaultAction] + (malformedAction.map { [$0] } ?? [])
  }

  /// Whether some packets are routed.
  public var routes: Bool { allActions.contains(.route) }
  /// Whether some packets leave by another port as they are.
  public var forwards: Bool {
    allActions.contains { action in
      if case .forward = action { true } else { false }
    }
  }
  /// Whether some packets go to the host's stack.
  public var deliversToHost: Bool { allActions.contains(.host) }

  /// Rules that a set may have.
  public static var maximumRules: Int { 65_535 }
  /// Prefix sets that the rules of a set may name.
  public static var maximumPrefixSets: Int { 64 }

  /// The prefix sets that rules refer to by name, each once, in the order of first mention. A set's place is its number in
  /// `RuleContext`.
  public var prefixSets: [String] {
    var seen: Set<String> = []
    return rules.flatMap(\.match.setNames).filter { seen.insert($0).inserted }
  }

  /// Reasons of the engine's (`DropReason.policy`) and the pipeline's (`DropReason.rateLimit`) that rules may name too.
  static let sharedReasons: Set<String> = ["policy", "rate_limit"]

  /// The operator's reasons that packets are dropped under, each once, in the order of first mention: at most
  /// `DropReason.customCount`. `policy` and `rate_limit` are the engine's, and malformations' names are not among them.
  public var dropReasons: [String] {
    var seen: Set<String> = []
    return allActions.compactMap(\.dropReason).filter { !Self.sharedReasons.contains($0) && seen.insert($0).inserted }
  }
}
