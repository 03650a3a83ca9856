public import XSKEngine

/// Numbers for the operator's drop reasons, which stay the same as long as a program runs: a counter that had a meaning once
/// keeps it over all reloads.
public struct ReasonNumbers: Sendable {
  private var numbers: [String: Int] = [:]

  public init() {}

  /// The reasons of a configuration, by the names that its rules and access lists have. New ones get new numbers.
  ///
  /// - Throws: if there are no numbers left; then none is given.
  public mutating func reasons(of configuration: ForwarderConfiguration) throws(XSKError) -> [String: DropReason] {
    let names = configuration.dropReasonNames
    let new = names.filter { numbers[$0] == nil }
    guard numbers.count + new.count <= DropReason.customCount else {
      throw XSKError(
        "drop reasons", "\(numbers.count + new.count) names since the start, \(DropReason.customCount) are possible",
        remedy: "use names that were in use before, or restart")
    }
    for name in new { numbers[name] = numbers.count }
    var reasons: [String: DropReason] = ["policy": .policy, "rate_limit": .rateLimit]
    for name in names { reasons[name] = numbers[name].map { .custom($0) } }
    return reasons
  }

  /// For `EngineConfiguration.reasonNames`.
  public var names: [DropReason: String] {
    Dictionary(uniqueKeysWithValues: numbers.map { (.custom($0.value), $0.key) })
  }
}
