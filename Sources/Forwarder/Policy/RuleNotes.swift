/// Numbers for rules and last resorts, by which captures know them: a number keeps its name as long as the program runs.
struct RuleNotes: Sendable {
  private(set) var names: [String] = []
  private var known: [String: UInt32] = [:]

  /// The numbers of a policy's entries, in their order.
  mutating func numbers(of policy: Policy) -> [UInt32] {
    (policy.configuration.rules.rules.map(\.name) + ["(default)", "(malformed)"]
      + policy.access.rules.map(\.name)).map { number(of: $0) }
  }

  private mutating func number(of name: String) -> UInt32 {
    if let number = known[name] { return number }
    let number = UInt32(names.count)
    names.append(name)
    known[name] = number
    return number
  }
}
