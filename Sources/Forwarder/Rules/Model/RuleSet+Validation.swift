public import XSKEngine

/// What rules may refer to.
public struct RuleEnvironment: Sendable {
  /// Ports that packets can be forwarded to.
  public var ports: Int
  /// Rate limiters that are configured.
  public var limiters: Int
  /// Names of the prefix sets that are there.
  public var prefixSets: Set<String>

  public init(ports: Int = 256, limiters: Int = 0, prefixSets: Set<String> = []) {
    self.ports = ports
    self.limiters = limiters
    self.prefixSets = prefixSets
  }
}

extension RuleSet {
  /// Everything that is wrong with the rules, in their order. A set without problems compiles, unless it needs too much
  /// memory.
  public func problems(in environment: RuleEnvironment) -> [XSKError] {
    var problems: [XSKError] = []
    if rules.count > Self.maximumRules {
      problems.append(
        XSKError("rules", "there are \(rules.count)", remedy: "use at most \(Self.maximumRules)"))
    }
    if prefixSets.count > Self.maximumPrefixSets {
      problems.append(
        XSKError(
          "rules", "they name \(prefixSets.count) prefix sets",
          remedy: "use at most \(Self.maximumPrefixSets); one set may have any number of prefixes"))
    }
    if dropReasons.count > DropReason.customCount {
      problems.append(
        XSKError(
          "rules", "they name \(dropReasons.count) drop reasons", remedy: "use at most \(DropReason.customCount)"))
    }
    var places: [String: Int] = [:]
    for (place, rule) in rules.enumerated() {
      var check = RuleCheck(rule, place, environment)
      check.checkName(rule.name, takenBy: places[rule.name])
      check.checkMatch(rule.match)
      check.checkActions(rule.actions)
      check.checkSkips(rule.actions, from: place, of: rules.count)
      problems += check.problems
      places[rule.name] = places[rule.name] ?? place
    }
    problems += lastResortProblems(environment) + offloadProblems.map(\.error)
    return problems + RuleFields.problems(of: rules)
  }

  private func lastResortProblems(_ environment: RuleEnvironment) -> [XSKError] {
    var check = RuleCheck(subject: "default action", environment)
    check.checkLastResort(defaultAction)
    check.subject = "action for malformed packets"
    if let malformedAction { check.checkLastResort(malformedAction) }
    return check.problems
  }
}
