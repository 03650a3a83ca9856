import XSKEngine

/// All access lists, compiled: lists that ask the same are compiled once, so that many ports with one policy cost no more than one.
struct AccessPlan: Sendable {
  /// A list, and where its rules stand.
  struct List: Sendable {
    var port: Int
    var isLeaving: Bool
    /// Its rules among the compiled ones.
    var range: RuleRange
    /// Of its first rule, among all lists' rules in the order of `ForwarderConfiguration.accessLists`.
    var firstRule: Int
    /// Numbers of limiters.
    var packets, bits: Int?
    /// Rules look at no more than the flow; at no more than protocol and ports.
    var asksForFlowOnly, asksForServiceOnly: Bool
    /// Packets of a unit may meet different rules.
    var looksBeyondFlow: Bool
  }

  private(set) var lists: [List] = []
  /// All lists' rules, in their order.
  private(set) var rules: [AccessList.Rule] = []
  let compiled: CompiledRules

  /// - Throws: the first thing that is wrong with the lists, or too much memory.
  init(_ configuration: ForwarderConfiguration) throws(XSKError) {
    try Self.check(configuration)
    var ranges: [[RuleMatch]: RuleRange] = [:]
    var distinct: [Rule] = []
    for (port, isLeaving, list) in configuration.accessLists {
      let matches = list.rules.map(\.match)
      let range = ranges[matches] ?? RuleRange(distinct.count..<distinct.count + matches.count)
      if ranges[matches] == nil {
        ranges[matches] = range
        distinct += list.rules.map { Rule($0.name, $0.match, $0.drop.map { .drop($0) } ?? .route) }
      }
      lists.append(
        List(
          port: port, isLeaving: isLeaving, range: range, firstRule: rules.count, packets: list.packets,
          bits: list.bits, asksForFlowOnly: matches.allSatisfy(\.asksForFlowOnly),
          asksForServiceOnly: !matches.isEmpty && matches.allSatisfy(\.asksForServiceOnly),
          looksBeyondFlow: matches.contains(where: \.looksBeyondFlow)))
      rules += list.rules
    }
    guard distinct.count <= RuleSet.maximumRules else {
      throw XSKError(
        "access lists", "they have \(distinct.count) rules that ask for different things",
        remedy: "use at most \(RuleSet.maximumRules)")
    }
    compiled = try CompiledRules(
      RuleSet(distinct), in: configuration.ruleEnvironment, keepsOrder: true,
      hasServices: lists.contains(where: \.asksForServiceOnly))
  }

  /// What is wrong beyond the rules' conditions, which are checked as they are compiled.
  private static func check(_ configuration: ForwarderConfiguration) throws(XSKError) {
    let count = configuration.accessLists.reduce(0) { $0 + $1.list.rules.count }
    guard count <= ForwarderConfiguration.maximumAccessRules else {
      throw XSKError(
        "access lists", "they have \(count) rules together",
        remedy: "use at most \(ForwarderConfiguration.maximumAccessRules): shorter lists, or fewer ports with lists")
    }
    var names = Set(configuration.rules.rules.map(\.name))
    var used = Set(configuration.rules.allActions.compactMap(\.limiter))
    for (port, isLeaving, list) in configuration.accessLists {
      let subject = "access list of port \(port), \(isLeaving ? "leaving" : "arriving")"
      guard configuration.ports.indices.contains(port) else {
        throw XSKError(subject, "there is no such port", remedy: "use 0 to \(configuration.ports.count - 1)")
      }
      for rule in list.rules where !names.insert(rule.name).inserted {
        throw XSKError(
          subject, "another rule is called \"\(rule.name)\" too", remedy: "give each rule a name of its own")
      }
      for (number, unit) in [(list.packets, RateLimit.Unit.packets), (list.bits, .bits)] {
        guard let number else { continue }
        guard configuration.limiters.indices.contains(number) else {
          throw XSKError(subject, "there is no limiter \(number)", remedy: "configure it first")
        }
        let limiter = configuration.limiters[number]
        guard limiter.key == nil, limiter.limit.unit == unit else {
          throw XSKError(
            subject, "limiter \"\(limiter.name)\" is not for all packets together, in \(unit)",
            remedy: "name one without a key, in \(unit)")
        }
        guard used.insert(number).inserted else {
          throw XSKError(subject, "limiter \"\(limiter.name)\" has another use", remedy: "configure one for each list")
        }
      }
    }
  }
}

extension RuleAction {
  fileprivate var limiter: Int? {
    if case .rateLimit(let limiter, _) = self { limiter } else { nil }
  }
}
