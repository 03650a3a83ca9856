import Glibc
import XSKEngine

/// Searches for the highest loads that meet several loss ratios, between bounds (multiple loss ratio search, MLRsearch).
///
/// It asks for trials and is told what became of them; what it asks for next follows from these alone, so a search goes on
/// where it was left by telling it the trials that are known:
///
///     while let trial = search.next() { search.record(try tester.trial(…)) }
public struct LossRatioSearch {
  public struct Request: Hashable, Sendable {
    /// Frames a second.
    public var load: Double
    public var seconds: Double
    /// Which goal it is for.
    public var goal: String
  }

  /// What was found for one goal.
  public struct Result: Codable, Hashable, Sendable {
    public var goal: LossGoal
    /// The highest load that meets the goal, below the lowest that doesn't; null: none was found.
    public var lower: Double?
    /// The lowest load that doesn't meet it; null: none was found.
    public var upper: Double?
    /// Frames a second that arrive at the lower bound in the worst trial that still counts (Conditional Throughput).
    public var throughput: Double?
    public var irregular: [String]
  }

  public let goals: [LossGoal]
  public let minimum: Double
  public let maximum: Double
  public private(set) var trials: [TrialOutcome] = []
  /// Trials after which it gives up: a device that behaves differently each time must not keep it for ever.
  public let limit: Int
  /// The phase that each goal is in. Later trials don't lead back: a search on a machine that has moods would go round in circles.
  private var reached: [Int]

  /// - Parameters:
  ///   - goals: one or more; the first is searched for first.
  ///   - minimum: the lowest load that is tried, frames a second, more than 0.
  ///   - maximum: the highest; what the generator can do.
  public init(goals: [LossGoal], minimum: Double, maximum: Double, limit: Int = 500) {
    self.goals = goals
    self.minimum = min(minimum, maximum)
    self.maximum = maximum
    self.limit = limit
    reached = goals.map { _ in 0 }
  }

  public mutating func record(_ outcome: TrialOutcome) {
    trials.append(outcome)
    for (place, goal) in goals.enumerated() {
      while reached[place] < goal.phases.count, step(goal, reached[place]) == nil { reached[place] += 1 }
      if reached[place] < goal.phases.count { return }
    }
  }

  /// The trial that it needs next; nil: it is done.
  public func next() -> Request? {
    guard trials.count < limit else { return nil }
    for (place, goal) in goals.enumerated() where reached[place] < goal.phases.count {
      guard let load = step(goal, reached[place]) else { continue }
      return Request(load: load, seconds: goal.phases[reached[place]].seconds, goal: goal.name)
    }
    return nil
  }

  /// The load to try next in a phase, by what the phases before it found; nil: it is done.
  private func step(_ goal: LossGoal, _ number: Int) -> Double? {
    var hint = Bounds(lower: nil, upper: maximum)
    for phase in goal.phases[..<number] {
      let found = bounds(goal, phase)
      hint = Bounds(lower: found.lower ?? hint.lower, upper: found.upper ?? hint.upper)
    }
    return step(goal, goal.phases[number], hint)
  }

  /// What is known so far.
  public var results: [Result] { goals.map { result($0) } }

  /// Seconds of trials that are still to come, about.
  public var secondsLeft: Double {
    var left = 0.0
    for (place, goal) in goals.enumerated() {
      for phase in goal.phases.dropFirst(reached[place]) {
        let found = bounds(goal, phase)
        var width = 0.5
        if let lower = found.lower, let upper = found.upper { width = max(0, 1 - lower / upper) }
        if found.upper == nil, found.lower == maximum { continue }
        let hasBoth = found.lower != nil && found.upper != nil
        let halvings = width > phase.width ? log2(width / phase.width).rounded(.up) : 0
        // Without bounds of its own a phase confirms those of the one before, which are a few halvings apart.
        left += (hasBoth ? halvings : phase == goal.phases.first ? halvings + 2 : 3) * phase.sum
      }
    }
    return left
  }

  struct Bounds: Hashable {
    var lower: Double?
    var upper: Double?
  }

  /// The lowest load that fails, and the highest below it that passes.
  func bounds(_ goal: LossGoal, _ phase: LossGoal.Phase) -> Bounds {
    let classes = classes(goal, phase)
    let upper = classes.filter { $0.value == .upper }.keys.min()
    let lower = classes.filter { $0.value == .lower && $0.key < upper ?? .infinity }.keys.max()
    return Bounds(lower: lower, upper: upper)
  }

  private func classes(_ goal: LossGoal, _ phase: LossGoal.Phase) -> [Double: LoadClass] {
    Dictionary(grouping: trials, by: \.load).mapValues { LoadClass($0, goal, phase) }
  }

  /// The load to try next in a phase; nil: it is done.
  private func step(_ goal: LossGoal, _ phase: LossGoal.Phase, _ hint: Bounds) -> Double? {
    let classes = classes(goal, phase)
    let found = bounds(goal, phase)
    let open = classes.filter { load, what in
      what == .undecided && load < found.upper ?? .infinity && load > found.lower ?? 0
        && trials.contains { $0.load == load && $0.seconds >= phase.seconds * 0.999 }
    }
    // A load whose trials of this length have not decided yet is tried until they have.
    if let load = open.keys.max() { return load }
    switch (found.lower, found.upper) {
    case (nil, nil): return rounded(hint.lower ?? hint.upper ?? maximum)
    case (let lower?, nil): return up(from: lower, classes, phase, hint)
    case (nil, let upper?): return down(from: upper, classes, phase, hint, goal)
    case (let lower?, let upper?):
      guard 1 - lower / upper > phase.width else { return nil }
      let middle = rounded((lower * upper).squareRoot())
      // Loads are whole frames a second: where there is none between, the bounds can't come closer.
      return middle > lower && middle < upper ? middle : nil
    }
  }

  private func up(
    from lower: Double, _ classes: [Double: LoadClass], _ phase: LossGoal.Phase, _ hint: Bounds
  ) -> Double? {
    guard lower < maximum else { return nil }
    if let next = hint.upper.map(rounded), next > lower, classes[next] != .lower { return next }
    return min(maximum, rounded(lower * (1 + stride(classes, .lower, phase))))
  }

  private func down(
    from upper: Double, _ classes: [Double: LoadClass], _ phase: LossGoal.Phase, _ hint: Bounds, _ goal: LossGoal
  ) -> Double? {
    guard upper > minimum else { return nil }
    if let next = hint.lower.map(rounded), next < upper, classes[next] != .upper { return next }
    // What came through an overloaded device is a good guess of what it can do; the next ones go ever further down.
    let rates = trials.filter { $0.load == upper }.map(\.forwardingRate)
    if let rate = rates.min(), classes.values.filter({ $0 == .upper }).count <= 2 {
      let guess = rounded(rate / (1 - min(0.99, goal.lossRatio)))
      if guess < upper * (1 - phase.width), guess >= minimum, classes[guess] == nil { return guess }
    }
    return max(minimum, rounded(upper * (1 - min(0.5, stride(classes, .upper, phase)))))
  }

  /// Twice as far each time.
  private func stride(_ classes: [Double: LoadClass], _ what: LoadClass, _ phase: LossGoal.Phase) -> Double {
    let tries = classes.values.filter { $0 == what }.count
    return min(1, phase.width * Double(1 << min(10, tries)))
  }

  private func rounded(_ load: Double) -> Double { min(maximum, max(minimum, load.rounded())) }

  private func result(_ goal: LossGoal) -> Result {
    guard let phase = goal.phases.last else { return Result(goal: goal, irregular: []) }
    let found = bounds(goal, phase)
    var notes: [String] = []
    if found.lower == nil {
      notes.append(
        found.upper == minimum
          ? "even at the lowest load, \(FrameRate.text(minimum)), more is lost than \(percent(goal.lossRatio))"
          : "no load was found that loses at most \(percent(goal.lossRatio))")
    }
    if found.upper == nil, let lower = found.lower {
      notes.append(
        lower == maximum
          ? "met at the highest load that was tried, \(FrameRate.text(maximum)): the device may do more"
          : "no load was found that loses more than \(percent(goal.lossRatio))")
    }
    if let upper = found.upper {
      let above = classes(goal, phase).filter { $0.value == .lower && $0.key > upper }.keys.max()
      if let above {
        notes.append("loss inversion: \(FrameRate.text(upper)) fails, and \(FrameRate.text(above)) does not")
      }
      if let lower = found.lower, 1 - lower / upper > phase.width {
        notes.append("the bounds are \(percent(1 - lower / upper)) apart, not \(percent(phase.width))")
      }
    }
    if trials.count >= limit { notes.append("given up after \(trials.count) trials") }
    let atLower = trials.filter { $0.load == found.lower && $0.seconds >= phase.seconds * 0.999 }
    // Without a lower bound, what was odd where the search ended.
    let deciding = found.lower == nil ? trials.filter { $0.load == found.upper } : atLower
    notes += Set(deciding.flatMap(\.irregular)).sorted()
    return Result(
      goal: goal, lower: found.lower, upper: found.upper, throughput: throughput(atLower, goal), irregular: notes)
  }

  /// The forwarding rate of the trial with the highest loss that the exceed ratio does not leave out.
  private func throughput(_ trials: [TrialOutcome], _ goal: LossGoal) -> Double? {
    guard !trials.isEmpty else { return nil }
    var left = trials.reduce(0) { $0 + $1.seconds } * goal.exceedRatio
    for trial in trials.sorted(by: { $0.lossRatio > $1.lossRatio }) {
      left -= trial.seconds
      if left < 0 || goal.exceedRatio == 0 { return trial.load * (1 - trial.lossRatio) }
    }
    return trials.map { $0.load * (1 - $0.lossRatio) }.max()
  }

  private func percent(_ ratio: Double) -> String { "\((ratio * 1e5).rounded() / 1e3) %" }
}
