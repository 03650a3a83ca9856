import Forwarder

// Rules that do nothing, and conditions that restrict nothing.

extension ConfigurationReader {
  /// - Parameter elements: the rules' places.
  package mutating func tellOddities(of rules: [Rule], _ elements: [Element]) {
    let rules = rules.prefix(tellUnreachable(rules, elements))
    for (rule, oddity) in RuleSet(Array(rules)).oddities {
      switch oddity {
      case .contradiction(let contradiction): tell(contradiction, fieldElement(elements[rule], "match"))
      case .hidden(let other):
        warn(
          elements[rule], "never reached: \"\(rules[other].name)\" ahead of it takes all of its packets",
          "move it ahead of that rule, or take it out")
      }
    }
    for (rule, element) in zip(rules, elements) { tellEveryAddress(rule.match, fieldElement(element, "match")) }
  }

  /// Rules behind one that takes every packet.
  ///
  /// - Returns: how many there are up to that one.
  private mutating func tellUnreachable(_ rules: [Rule], _ elements: [Element]) -> Int {
    guard let last = rules.firstIndex(where: { $0.match == RuleMatch() && $0.isTerminal }), last + 1 < rules.count
    else { return rules.count }
    let subject = rules.count - last == 2 ? "this rule is" : "this rule and those behind it are"
    warn(
      elements[last + 1], "\(subject) never reached: \"\(rules[last].name)\" takes every packet",
      "move that rule to the end, or give it conditions")
    return last + 1
  }

  private mutating func tell(_ contradiction: RuleContradiction, _ match: Element) {
    let part = fieldElement(match, Self.key(contradiction.part))
    guard let other = contradiction.other, contradiction.reason != .empty else {
      return warn(part, "no packet meets it: it leaves nothing", "name less below not, or take the rule out")
    }
    let reason =
      switch contradiction.reason {
      case .empty, .versions: "they are of different IP versions"
      case .onlyTCP: "only TCP segments have flags"
      case .onlyPorts: "only TCP and UDP have ports"
      case .onlyWhole: "fragments are not asked for it"
      case .onlyTagged: "only a VLAN tag has a priority"
      case .onlyIP: "only IP packets have it"
      }
    warn(
      part, "no packet meets it together with \(Self.key(other)): \(reason)",
      "correct one of them, or take the rule out")
  }

  /// A prefix of length 0 looks like a condition, and is none but for the version.
  private mutating func tellEveryAddress(_ match: RuleMatch, _ element: Element) {
    for (condition, key) in [(match.source, "saddr"), (match.destination, "daddr")] {
      guard let condition, let all = condition.values.first(where: { $0.hasEveryAddress }) else { continue }
      let (version, other) = all.isIPv6 ? (6, 4) : (4, 6)
      let place = fieldElement(element, key)
      if condition.isNegated {
        warn(place, "every IPv\(version) address is excluded", "write ip-version: \(other) if that is meant")
      } else {
        warn(
          place, "every IPv\(version) address is in it",
          "write ip-version: \(version) if that is meant, or name the addresses")
      }
    }
  }

  private static func key(_ part: RuleContradiction.Part) -> String {
    switch part {
    case .ingressPort: "iif"
    case .vlan: "vlan"
    case .vlanPriority: "vlan-pcp"
    case .etherType: "ethertype"
    case .ipVersion: "ip-version"
    case .ipProtocol: "protocol"
    case .source: "saddr"
    case .destination: "daddr"
    case .sourceSet: "saddr-set"
    case .destinationSet: "daddr-set"
    case .sourcePort: "sport"
    case .destinationPort: "dport"
    case .icmpType: "icmp-type"
    case .icmpCode: "icmp-code"
    case .tcpFlags: "tcp-flags"
    case .isFragment: "fragment"
    case .length: "length"
    }
  }
}

extension RulePrefix {
  fileprivate var hasEveryAddress: Bool {
    switch self {
    case .ipv4(_, let length), .ipv6(_, let length): length == 0
    }
  }

  fileprivate var isIPv6: Bool {
    if case .ipv6 = self { return true }
    return false
  }
}
