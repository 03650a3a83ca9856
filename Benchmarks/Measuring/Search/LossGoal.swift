import XSKEngine

/// A loss ratio to find the highest load for, and how sure to be of it (draft-ietf-bmwg-mlrsearch: Search Goal).
public struct LossGoal: Codable, Hashable, Sendable {
  public var name: String
  /// A trial that loses a larger share of its frames than this is a bad one, 0…1.
  public var lossRatio: Double
  /// The share of bad trials, by time, that a load may have and still meet the goal, 0…1. 0: none, as RFC 2544 wants it.
  public var exceedRatio: Double
  /// Seconds of the trials that decide.
  public var finalSeconds: Double
  /// Seconds of such trials that a load needs for a decision.
  public var sumSeconds: Double
  /// Seconds of the trials that the search begins with.
  public var initialSeconds: Double
  /// How far apart, relatively, the bounds may be in the end, 0…1.
  public var width: Double

  public init(
    name: String, lossRatio: Double, exceedRatio: Double = 0.5, finalSeconds: Double = 60, sumSeconds: Double? = nil,
    initialSeconds: Double = 1, width: Double = 0.005
  ) {
    (self.name, self.lossRatio, self.exceedRatio) = (name, lossRatio, exceedRatio)
    (self.finalSeconds, self.sumSeconds) = (finalSeconds, max(finalSeconds, sumSeconds ?? finalSeconds))
    (self.initialSeconds, self.width) = (min(initialSeconds, finalSeconds), width)
  }

  /// What the search looks for on its way: first coarsely with short trials, in the end as the goal says.
  struct Phase: Hashable, Sendable {
    var seconds: Double
    var sum: Double
    var width: Double
  }

  var phases: [Phase] {
    guard initialSeconds < finalSeconds else { return [Phase(seconds: finalSeconds, sum: sumSeconds, width: width)] }
    let middle = (initialSeconds * finalSeconds).squareRoot()
    return [
      Phase(seconds: initialSeconds, sum: initialSeconds, width: min(0.5, width * 4)),
      Phase(seconds: middle, sum: middle, width: min(0.5, width * 2)),
      Phase(seconds: finalSeconds, sum: sumSeconds, width: width),
    ]
  }
}

/// What the trials at one load say of it (draft-ietf-bmwg-mlrsearch, appendix: Load Classification).
enum LoadClass: Hashable {
  /// Whatever further trials would bring, it meets the goal, …
  case lower
  /// … it doesn't, …
  case upper
  /// … or they will tell.
  case undecided

  init(_ trials: [TrialOutcome], _ goal: LossGoal, _ phase: LossGoal.Phase) {
    var (goodLong, badLong, goodShort, badShort) = (0.0, 0.0, 0.0, 0.0)
    for trial in trials {
      // Lengths are compared as they were asked for; a little tolerance for what became of them in a file.
      let isLong = trial.seconds >= phase.seconds * 0.999
      switch (trial.lossRatio <= goal.lossRatio, isLong) {
      case (true, true): goodLong += trial.seconds
      case (false, true): badLong += trial.seconds
      case (true, false): goodShort += trial.seconds
      case (false, false): badShort += trial.seconds
      }
    }
    // Short bad trials count only as far as short good ones don't outweigh them; short good ones prove nothing.
    let balance = goal.exceedRatio < 1 ? goodShort * goal.exceedRatio / (1 - goal.exceedRatio) : .infinity
    let bad = badLong + max(0, badShort - balance)
    let whole = max(goodLong + bad, phase.sum)
    let allowed = whole * goal.exceedRatio
    if whole - goodLong <= allowed {
      self = .lower
    } else if bad > allowed {
      self = .upper
    } else {
      self = .undecided
    }
  }
}
