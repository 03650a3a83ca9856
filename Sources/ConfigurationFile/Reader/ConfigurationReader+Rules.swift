import Forwarder
import XSKEngine

// The rules: names, order, and what becomes of packets that none decides about. Matches and actions have files of their own.

extension ConfigurationReader {
  mutating func readRules(_ fields: Fields) -> RuleSet {
    var set = RuleSet(default: .drop("policy"))
    var names: Set<String> = []
    for element in fields["rules"].map({ list($0, "rules, each with name, match and then") }) ?? [] {
      guard let (rule, element) = readRule(element, &names) else { continue }
      set.rules.append(rule)
      ruleElements.append(element)
    }
    if let action = fields["default"].flatMap({ readLastResort($0) }) { set.defaultAction = action }
    set.malformedAction = fields["malformed"].flatMap { readLastResort($0) }
    checkWhole(set, fields["rules"])
    return set
  }

  /// - Returns: nil if it has no shape at all.
  private mutating func readRule(_ element: Element, _ names: inout Set<String>) -> (Rule, Element)? {
    let before = problems.count
    // Its name is part of the path from the start.
    let name = fieldElement(element, "name").text ?? ""
    let isWord = element.isMapping && (try? PacketValue.word(name)) != nil
    let place = element.path
    let element = isWord ? element.renamed("rules.\(name)") : element
    guard let fields = fields(element, .rule) else { return nil }
    if !isWord, let given = fields["name"] { _ = value(given, "a name", PacketValue.word) }
    if isWord, !names.insert(name).inserted, let given = fields["name"] {
      report(
        given.renamed("\(place).name"), value: name, "another rule has this name", "give each rule a name of its own")
    }
    var match = RuleMatch()
    if let element = fields["match"] { match = readMatch(element) }
    var rule = Rule(name, match, fields["then"].map { readActions($0) } ?? [])
    rule.offload = choice(fields["offload"], Words.offload).map { RuleOffload.allCases[$0] }
    if problems.count == before { checkRule(rule, fields["match"] ?? element) }
    return (rule, element)
  }

  /// What rules may refer to: everything that was named, whether or not it is right.
  private var environment: RuleEnvironment {
    RuleEnvironment(ports: portNames.count, limiters: limiterNames.count, prefixSets: Set(setNames))
  }

  /// What is only wrong in combination is known where rules are.
  private mutating func checkRule(_ rule: Rule, _ element: Element) {
    var rule = rule
    rule.offload = nil  // Depends on the rules before.
    for problem in RuleSet([rule]).problems(in: environment) where problem.subject != "rules" {
      report(element, problem.problem, problem.remedy)
    }
  }

  /// What is too much of all rules together.
  private mutating func checkWhole(_ set: RuleSet, _ element: Element?) {
    guard let element else { return }
    for problem in set.offloadProblems {
      report(fieldElement(ruleElements[problem.rule], "offload"), problem.error.problem, problem.error.remedy)
    }
    for problem in set.problems(in: environment) where problem.subject == "rules" {
      report(element, problem.problem, problem.remedy)
    }
  }
}
