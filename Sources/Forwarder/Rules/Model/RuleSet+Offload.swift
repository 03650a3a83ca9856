public import XSKEngine

/// Why a rule's decision can't be handed to the XDP program, and the place of the rule.
public struct OffloadProblem: Sendable {
  public let rule: Int
  public let error: XSKError
}

extension RuleSet {
  /// Whether any rule's decision may be handed to the XDP program.
  public var offloads: Bool { rules.contains { $0.offload != nil } }

  /// What of the rules would have other effects if the XDP program carried a decision out: it would meet packets that an
  /// earlier rule wants, or the rule itself does not.
  ///
  /// A decision about a source or a flow is the same for all of its packets only if this rule, and all before it, ask for
  /// nothing else, and do nothing but decide.
  public var offloadProblems: [OffloadProblem] {
    var problems: [OffloadProblem] = []
    for (place, rule) in rules.enumerated() {
      guard let offload = rule.offload else { continue }
      let subject = "rule \(place + 1) \"\(rule.name)\""
      func report(_ problem: String, _ remedy: String) {
        problems.append(OffloadProblem(rule: place, error: XSKError(subject, problem, remedy: remedy)))
      }
      if !rule.isOffloadable {
        report("its decision can't be offloaded", "let it have one action, drop or forward")
        continue
      }
      if let asked = rule.match.firstBeyond(offload) {
        report(
          "its decision is not the same for the whole \(offload.rawValue): it asks for \(asked)",
          "take the condition out, or the offload")
        continue
      }
      for earlier in rules[..<place] {
        if let asked = earlier.match.firstBeyond(offload) {
          report(
            "rule \"\(earlier.name)\" ahead of it may want some packets of the \(offload.rawValue): it asks for \(asked)",
            "move it behind, or take the offload out")
          break
        }
        guard earlier.actions.allSatisfy(\.isTerminal) else {
          report(
            "rule \"\(earlier.name)\" ahead of it would miss packets that the kernel decides about",
            "move it behind, or take the offload out")
          break
        }
      }
    }
    return problems
  }
}

extension Rule {
  /// One action, which the XDP program knows.
  fileprivate var isOffloadable: Bool {
    guard actions.count == 1 else { return false }
    switch actions[0] {
    case .drop, .forward: return true
    default: return false
    }
  }
}

extension RuleMatch {
  /// What it asks for that packets of a source, or of a flow, may differ in; nil: nothing.
  fileprivate func firstBeyond(_ offload: RuleOffload) -> String? {
    let anyway: [(String, Bool)] = [
      ("MAC addresses", sourceMAC != nil || destinationMAC != nil), ("the VLAN priority", vlanPriority != nil),
      ("the EtherType", etherType != nil), ("ICMP types", icmpType != nil || icmpCode != nil),
      ("TCP flags", tcpFlags != nil), ("fragments", isFragment != nil), ("the length", length != nil),
      ("metadata", !metadata.isEmpty),
    ]
    let ofFlow: [(String, Bool)] = [
      ("the protocol", ipProtocol != nil), ("the destination", destination != nil || destinationSet != nil),
      ("ports", sourcePort != nil || destinationPort != nil),
    ]
    return (anyway + (offload == .source ? ofFlow : [])).first { $0.1 }?.0
  }
}
