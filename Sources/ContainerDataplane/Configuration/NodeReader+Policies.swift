import ConfigurationFile
import Forwarder
import XSKEngine

extension Section {
  static let policy = Section("policy", ["ingress", "egress"])
  static let direction = Section("direction", ["default", "rules", "limit"])
  static let policyRule = Section("policy-rule", ["name", "match", "then"], required: ["name", "then"])
  static let limit = Section("limit", ["packets", "bits", "packets-burst", "bits-burst"])
}

extension ConfigurationReader {
  mutating func readPolicies(_ element: Element, _ node: inout NodeConfiguration) {
    guard let entries = entries(element, "a policy's name, and its ingress and egress below it") else { return }
    for entry in entries {
      check(word: entry)
      if entry.key.utf8.count > 48 {
        report(entry.keyElement, value: entry.key, "too long for counters' names", "use at most 48 characters")
      }
      guard let fields = fields(entry.element, .policy) else { continue }
      node.policies[entry.key] = TenantPolicy(
        ingress: readDirection(fields["ingress"]), egress: readDirection(fields["egress"]))
    }
  }

  private static let verdicts = ["accept", "drop"]

  private mutating func readDirection(_ element: Element?) -> TenantPolicy.Direction {
    var direction = TenantPolicy.Direction()
    guard let element, let fields = fields(element, .direction) else { return direction }
    direction.accepts = choice(fields["default"], Self.verdicts) != 1
    if let rules = fields["rules"] {
      let before = problems.count
      var names: Set<String> = []
      var elements: [Element] = []
      for element in list(rules, "rules, each with name, match and then") {
        guard let rule = readPolicyRule(element, &names) else { continue }
        direction.rules.append(rule)
        elements.append(element)
      }
      if problems.count == before {
        tellOddities(of: direction.rules.map { Forwarder.Rule($0.name, $0.match, .route) }, elements)
      }
    }
    guard let limit = fields["limit"].flatMap({ self.fields($0, .limit) }) else { return direction }
    direction.packets = readLimit(limit, .packets)
    direction.bits = readLimit(limit, .bits)
    return direction
  }

  private mutating func readPolicyRule(_ element: Element, _ names: inout Set<String>) -> TenantPolicy.Rule? {
    let before = problems.count
    guard let fields = fields(element, .policyRule) else { return nil }
    let name = value(fields["name"], "a name") { text throws(ValueFault) in
      let word = try PacketValue.word(text)
      guard word != "default" else { throw ValueFault("what no rule matched is counted under it", "name it otherwise") }
      guard word.utf8.count <= 32 else { throw ValueFault("too long for counters' names", "use at most 32 characters") }
      return word
    }
    if let name, let given = fields["name"], !names.insert(name).inserted {
      report(given, value: name, "another rule has this name", "give each rule of a direction a name of its own")
    }
    let accepts = choice(fields["then"], Self.verdicts).map { $0 == 0 }
    let match = fields["match"].map { readPolicyMatch($0) } ?? RuleMatch()
    if problems.count == before { checkPolicyRule(match, fields["match"] ?? element) }
    guard let name, let accepts else { return nil }
    return TenantPolicy.Rule(name, match, accepts: accepts)
  }

  /// Which port, link and VLAN it is follows from the tenant.
  private mutating func readPolicyMatch(_ element: Element) -> RuleMatch {
    let match = readMatch(element)
    for key in ["iif", "ether-saddr", "ether-daddr", "vlan", "vlan-pcp", "metadata"] {
      let field = fieldElement(element, key)
      guard field.path != element.path else { continue }
      report(field, value: field.text, "not a policy's to ask: the tenant says it", "take it out")
    }
    return match
  }

  private mutating func checkPolicyRule(_ match: RuleMatch, _ element: Element) {
    let environment = RuleEnvironment(ports: 1, prefixSets: Set(setNames))
    for problem in RuleSet([Forwarder.Rule("rule", match, .route)]).problems(in: environment) {
      report(element, problem.problem, problem.remedy)
    }
  }

  private mutating func readLimit(_ fields: Fields, _ unit: RateLimit.Unit) -> RateLimit? {
    let burstKey = "\(unit)-burst"
    guard let element = fields["\(unit)"] else {
      if let burst = fields[burstKey] {
        report(burst, value: burst.text, "a burst without its rate", "add \(unit), or take it out")
      }
      return nil
    }
    let parse = { (text: String) throws(ValueFault) -> Int in try AmountValue.rate(text, unit) }
    guard let rate = value(element, "a number of \(unit) a second, 100k", parse) else { return nil }
    let burst = value(fields[burstKey], "a number of \(unit), 100k", parse)
    do throws(XSKError) { return try RateLimit(unit, perSecond: rate, burst: burst) } catch {
      report(fields[burstKey] ?? element, value: (fields[burstKey] ?? element).text, error.problem, error.remedy)
      return nil
    }
  }
}
