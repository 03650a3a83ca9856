/// One thing that can spoil a figure, and how it was during the run.
public struct SelfCheck: Codable, Hashable, Sendable {
  public enum Status: String, Codable, Hashable, Sendable {
    /// Looked at and in order.
    case ok
    /// Worth knowing; the figures stand.
    case note
    /// A precondition is broken: the figures should not be quoted.
    case irregular
    /// This machine does not tell, or there was nothing to look at.
    case unavailable
  }

  /// `build`, `steal`, `governor`, `shared-cores`, `waiting`, `clock`, `siblings`, `generator-headroom`, `empty-trials`, or of a command's own.
  public var name: String
  public var status: Status
  /// A sentence without a full stop.
  public var text: String
  public var value: Double?
  public var limit: Double?
  public var unit: String?

  public init(
    _ name: String, _ status: Status, _ text: String, value: Double? = nil, limit: Double? = nil, unit: String? = nil
  ) {
    (self.name, self.status, self.text) = (name, status, text)
    (self.value, self.limit, self.unit) = (value?.short, limit, unit)
  }

  /// A value that must not be above a limit.
  static func atMost(_ limit: Double, _ name: String, _ value: Double, _ unit: String, _ text: String) -> SelfCheck {
    SelfCheck(name, value > limit ? .irregular : .ok, text, value: value, limit: limit, unit: unit)
  }
}

extension ResultDocument {
  /// How much more the generator alone can send than was asked of it, as a ratio: below 1.1 a result may be the generator's.
  public mutating func noteGenerator(alone: Double, offered: Double) {
    let ratio = offered > 0 ? alone / offered : 0
    checks.append(
      SelfCheck(
        "generator-headroom", ratio < 1.1 ? .irregular : .ok,
        "the generator alone reaches \(alone.short) M/s, asked for were \(offered.short)", value: ratio, limit: 1.1,
        unit: "ratio"))
  }

  /// How much of the trials' time the harness's own work took on a CPU, of each its share: the most counts.
  public mutating func noteHarness(_ shares: [Double]) {
    guard let most = shares.max() else { return }
    checks.append(
      .atMost(
        1, "harness-overhead", most * 100, "percent",
        "the harness's own work took at most \((most * 100).short) % of a trial's time on a CPU"))
  }

  /// Adds checks, and what they found broken to `irregular`.
  public mutating func finish(_ found: [SelfCheck], seconds: Double) {
    durationSeconds = seconds.short
    checks += found
    let empty = results.flatMap { $0.trials ?? [] }.count { $0.mpps == 0 || $0.cyclesPerPacket == 0 }
    if empty > 0 { checks.append(SelfCheck("empty-trials", .irregular, "\(empty) trials counted no packet at all")) }
    irregular += checks.filter { $0.status == .irregular }.map(\.text)
  }
}
