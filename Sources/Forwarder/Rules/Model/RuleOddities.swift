/// Conditions of a rule that no packet meets.
package struct RuleContradiction: Hashable, Sendable {
  /// A condition, called as in `RuleMatch`.
  package enum Part: Hashable, Sendable {
    case ingressPort, vlan, vlanPriority, etherType, ipVersion, ipProtocol, source, destination, sourceSet
    case destinationSet, sourcePort, destinationPort, icmpType, icmpCode, tcpFlags, isFragment, length

    static var fields: [(RuleField, Part)] {
      [
        (.destinationPort, .destinationPort), (.sourcePort, .sourcePort), (.ipProtocol, .ipProtocol),
        (.tcpFlags, .tcpFlags), (.icmpType, .icmpType), (.icmpCode, .icmpCode), (.length, .length),
        (.ingressPort, .ingressPort), (.vlan, .vlan), (.vlanPriority, .vlanPriority), (.etherType, .etherType),
      ]
    }
  }

  package enum Reason: Hashable, Sendable {
    /// It excludes everything.
    case empty
    /// TCP flags are TCP's.
    case onlyTCP
    /// Ports are TCP's and UDP's.
    case onlyPorts
    /// Fragments don't have it.
    case onlyWhole
    /// Untagged packets don't have it.
    case onlyTagged
    /// Only IP packets have it.
    case onlyIP
    /// They are of different IP versions.
    case versions
  }

  package let part: Part
  /// The condition that it goes with least; nil: by itself.
  package let other: Part?
  package let reason: Reason
}

/// A rule that does nothing, and why: only what is sure by the rules alone.
package enum RuleOddity: Hashable, Sendable {
  case contradiction(RuleContradiction)
  /// An earlier rule, by its place, takes all of its packets, and decides.
  case hidden(by: Int)
}

extension RuleSet {
  /// Rules that are compared with each other; of more only those with the same conditions.
  private static var comparedRules: Int { 1024 }

  /// The rules that do nothing, by their places. Behind one that takes every packet no more are looked for.
  package var oddities: [(rule: Int, oddity: RuleOddity)] {
    var found: [(rule: Int, oddity: RuleOddity)] = []
    var deciding: [(place: Int, reach: RuleReach)] = []
    var places: [RuleMatch: Int] = [:]
    for (place, rule) in rules.enumerated() where rule.match != RuleMatch() {
      let reach = RuleReach(rule.match)
      if let contradiction = reach.contradiction {
        found.append((place, .contradiction(contradiction)))
        continue
      }
      // What rules before may have changed of the metadata is not followed.
      let other =
        rule.match.metadata.isEmpty
        ? places[rule.match] ?? deciding.first { $0.reach.covers(reach) }?.place : nil
      if let other { found.append((place, .hidden(by: other))) }
      guard rule.isTerminal, other == nil else { continue }
      places[rule.match] = place
      if rules.count <= Self.comparedRules { deciding.append((place, reach)) }
    }
    return found
  }
}
