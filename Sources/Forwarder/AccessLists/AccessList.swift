/// Who may be routed through a port in one direction, and how much: a router's access list.
///
/// The first rule that matches decides whether a packet passes; one that none matches passes. What passes is then limited.
public struct AccessList: Hashable, Sendable {
  public struct Rule: Hashable, Sendable {
    /// As `Forwarder.Rule.name`; neither a rule of the rule set nor of another list has it.
    public var name: String
    public var match: RuleMatch
    /// The reason that packets are dropped under; nil: they pass.
    public var drop: String?

    public init(_ name: String, _ match: RuleMatch = RuleMatch(), drop: String? = nil) {
      (self.name, self.match, self.drop) = (name, match, drop)
    }
  }

  public var rules: [Rule]
  /// Limiters for what passes, one in packets and one in bits, by their numbers in `ForwarderConfiguration.limiters`; nil: none.
  /// They are without a key, and nobody else's. A packet takes tokens from both or, if one of them has none, from neither.
  public var packets, bits: Int?

  public init(_ rules: [Rule] = [], packets: Int? = nil, bits: Int? = nil) {
    (self.rules, self.packets, self.bits) = (rules, packets, bits)
  }

  /// Both limiters, as far as they are there.
  var limiters: [Int] { [packets, bits].compactMap { $0 } }
}

/// The access lists of a port. They are asked of packets that are routed, whichever rule or last resort says so: first the list
/// of the port that they came in on, then that of the port that their route leads to, if it leads to one. What rules forward,
/// reflect or give to the host meets no list.
public struct PortAccess: Hashable, Sendable {
  /// Of packets that come in on the port.
  public var arriving: AccessList?
  /// Of packets that are routed out of it.
  public var leaving: AccessList?

  public init(arriving: AccessList? = nil, leaving: AccessList? = nil) {
    (self.arriving, self.leaving) = (arriving, leaving)
  }
}

extension ForwarderConfiguration {
  /// Rules that all access lists may have together: each has a name, an entry and a counter of its own, on every worker. Of those
  /// that ask for different things there may be `RuleSet.maximumRules`.
  public static var maximumAccessRules: Int { 262_144 }

  /// All access lists, in the order in which their rules are counted: by port, the arriving one first.
  var accessLists: [(port: Int, isLeaving: Bool, list: AccessList)] {
    var lists: [(port: Int, isLeaving: Bool, list: AccessList)] = []
    for (port, access) in access.sorted(by: { $0.key < $1.key }) {
      if let list = access.arriving { lists.append((port, false, list)) }
      if let list = access.leaving { lists.append((port, true, list)) }
    }
    return lists
  }

  /// The operator's drop reasons, of rules and of access lists, each once.
  var dropReasonNames: [String] {
    var seen = Set(rules.dropReasons).union(RuleSet.sharedReasons)
    let others = accessLists.flatMap { _, _, list in
      list.rules.compactMap(\.drop) + list.limiters.filter(limiters.indices.contains).map { limiters[$0].excess }
    }
    return rules.dropReasons + others.filter { seen.insert($0).inserted }
  }
}
