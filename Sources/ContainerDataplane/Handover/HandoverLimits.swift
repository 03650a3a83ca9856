/// What the processes of one tenant may ask of the daemon. What is beyond has to wait, or is closed; no other tenant feels it.
public struct HandoverLimits: Hashable, Sendable {
  /// Connections at the same time; the oldest gives way.
  public var connections = 8
  /// Seconds that a connection may say nothing.
  public var idleSeconds = 30.0
  /// Seconds in which a process that was handed an unbound socket has to say that it has mapped the rings. Others of the tenant
  /// wait meanwhile.
  public var mapSeconds = 5.0
  /// Requests of one connection.
  public var requests = 256
  /// Units of work in a second; a connection or a message is one, a socket `socketCost`.
  public var workPerSecond = 1000.0
  /// Units that may be used at once after a rest.
  public var workAtOnce = 1000.0
  public var socketCost = 40.0

  public init() {}
}

/// A bucket of units of work, filled with time.
struct WorkBudget {
  private let perSecond: Double
  private let most: Double
  private var units: Double
  private var last: Double

  /// - Parameter now: seconds of a clock that only goes forward.
  init(_ limits: HandoverLimits, now: Double) {
    (perSecond, most, units, last) = (limits.workPerSecond, limits.workAtOnce, limits.workAtOnce, now)
  }

  /// Takes units, also more than there are: the debt is waited for.
  mutating func spend(_ count: Double) { units -= count }

  /// Seconds until there is anything in it; 0: now.
  mutating func wait(now: Double) -> Double {
    units = min(most, units + max(0, now - last) * perSecond)
    last = now
    return units >= 0 ? 0 : -units / perSecond
  }
}
