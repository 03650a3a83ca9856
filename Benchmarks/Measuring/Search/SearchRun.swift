import XSKEngine

/// Carries a search out: all tests for all sizes, each trial kept in the record.
public final class SearchRun {
  private let settings: SearchSettings
  private let record: SearchRecord
  private let tester: any LoadTester
  private let maximumLoad: (SizeMix) throws -> Double
  private let tell: (String) -> Void
  /// Trials in a row that were disturbed each time they were made, and how many of them there may be before it stops trying.
  private var disturbed = 0
  private static let patience = 4

  /// - Parameters:
  ///   - maximumLoad: what the generator alone can offer.
  ///   - tell: takes lines of progress.
  public init(
    _ settings: SearchSettings, _ tester: any LoadTester, record: SearchRecord,
    maximumLoad: @escaping (SizeMix) throws -> Double, tell: @escaping (String) -> Void
  ) {
    (self.settings, self.tester, self.record) = (settings, tester, record)
    (self.maximumLoad, self.tell) = (maximumLoad, tell)
  }

  /// Runs all that is left to run.
  ///
  /// - Parameter report: has what was found also when an error ends it.
  public func run(_ report: inout SearchReport) throws {
    for (place, size) in settings.sizes.enumerated() {
      let mix = try SearchSettings.mix(size)
      let alone =
        try record.entry(size, "maximum") {
          .init(size: size, test: "maximum", rate: try maximumLoad(mix))
        }.rate ?? settings.minimum
      // A little below what it can do, so that the generator is not what is measured.
      let maximum = min(settings.maximum ?? .infinity, (alone * 0.98).rounded(.down))
      report.sizes.append(SizeReport(size: size, generator: alone, maximum: maximum))
      if let wanted = settings.maximum, wanted > alone {
        report.sizes[place].irregular.append(
          "asked for up to \(FrameRate.text(wanted)), the generator alone offers \(FrameRate.text(alone))")
      }
      var throughput: Double?
      for test in SearchTest.allCases where settings.tests.contains(test) {
        try run(test, mix, &report.sizes[place], &throughput, sizesLeft: settings.sizes.count - place - 1)
      }
    }
  }

  private func run(
    _ test: SearchTest, _ mix: SizeMix, _ report: inout SizeReport, _ throughput: inout Double?, sizesLeft: Int
  ) throws {
    let size = report.size
    // Loads of the other tests go by the throughput; without it by what the generator can do.
    let base = throughput ?? report.maximum
    switch test {
    case .throughput:
      var search = LossRatioSearch(goals: settings.goals, minimum: settings.minimum, maximum: report.maximum)
      defer {
        report.throughput = search.results
        report.trials = search.trials
      }
      while let request = search.next() {
        let what = "\(size) bytes, \(request.goal): \(FrameRate.text(request.load)) for \(request.seconds.short) s"
        let outcome = try trial(size, "throughput", what, secondsLeft: search.secondsLeft, sizesLeft) {
          try undisturbed { try tester.trial(load: request.load, seconds: request.seconds, size: mix) }
        }
        guard outcome.load == request.load else {
          throw XSKError("search", "its file has other trials than it makes", remedy: "remove the file")
        }
        search.record(outcome)
      }
      throughput = search.results.compactMap { $0.throughput ?? $0.lower }.first
      if throughput == nil {
        report.irregular.append("no throughput was found: other tests go by the generator's maximum")
      }
    case .loss:
      var curve = LossCurve(maximum: report.maximum)
      defer { report.loss = curve.trials }
      while let load = curve.next() {
        curve.record(
          try trial(
            size, "loss", "\(size) bytes, loss: \(FrameRate.text(load))", secondsLeft: settings.seconds * 5, sizesLeft
          ) { try undisturbed { try tester.trial(load: load, seconds: settings.seconds, size: mix) } })
      }
    case .burst:
      let limit = UInt64(max(1, report.generator * settings.burstSeconds))
      var search = BurstSearch(limit: limit, repeats: settings.repeats)
      while let frames = search.next() {
        search.record(
          try trial(
            size, "burst", "\(size) bytes, burst of \(frames) frames", secondsLeft: Double(settings.repeats), sizesLeft
          ) { try tester.burst(frames: frames, size: mix) })
      }
      report.burst = search.result(rate: report.generator, throughput: throughput)
    case .latency:
      try measureLatency(mix, base, &report, sizesLeft)
    case .recovery:
      let overload = min(report.maximum, base * 1.1)
      report.recovery = try recovery(size, "recovery", sizesLeft) {
        try tester.recovery(overload: overload, load: base / 2, seconds: settings.seconds, size: mix)
      }
      if overload < base * 1.1 {
        report.irregular.append("recovery: the generator does not reach 110 % of the throughput")
      }
    case .reset:
      report.reset = try recovery(size, "reset", sizesLeft) {
        try tester.reset(load: base / 2, seconds: min(settings.seconds, 10), size: mix)
      }
    }
  }

  /// At the throughput, and at half of it, since queues are full at the throughput.
  private func measureLatency(
    _ mix: SizeMix, _ base: Double, _ report: inout SizeReport, _ sizesLeft: Int
  ) throws {
    let size = report.size
    for load in [base, base / 2].map({ $0.rounded() }) {
      for _ in 0..<settings.repeats {
        let line = "\(size) bytes, latency at \(FrameRate.text(load))"
        let entry = try record.entry(size, "latency") {
          say(line, settings.seconds * Double(settings.repeats), sizesLeft)
          return .init(
            size: size, test: "latency", latency: try tester.latency(load: load, seconds: settings.seconds, size: mix))
        }
        guard let outcome = entry.latency else { continue }
        report.latency.append(outcome)
        let wanted = load * settings.seconds
        if Double(outcome.sent) < wanted * 0.99 {
          report.irregular.append(
            "latency at \(FrameRate.text(load)): the tester sent \((Double(outcome.sent) / wanted * 100).short) % of it"
          )
        }
      }
    }
  }

  /// A trial that something else than the device disturbed is made again, a few times; the one that was disturbed least counts, and
  /// says by what.
  private func undisturbed(_ body: () throws -> TrialOutcome) throws -> TrialOutcome {
    var best = try body()
    var attempts = 1
    while best.disturbance > 1, attempts <= settings.retries, disturbed < Self.patience {
      // Far beyond what the device takes nothing else matters.
      guard best.received > best.sent / 2 else { break }
      tell("  \(best.irregular.first ?? "disturbed"); again, \(attempts) of \(settings.retries) times")
      let next = try body()
      attempts += 1
      if next.disturbance < best.disturbance { best = next }
    }
    best.attempts = attempts
    if best.disturbance <= 1 { disturbed = 0 } else if attempts > settings.retries { disturbed += 1 }
    if disturbed == Self.patience, attempts > 1 {
      tell("  this machine is busy: disturbed trials are not made again until one is not disturbed")
    }
    return best
  }

  private func trial(
    _ size: String, _ test: String, _ line: String, secondsLeft: Double, _ sizesLeft: Int,
    _ body: () throws -> TrialOutcome
  ) throws -> TrialOutcome {
    let entry = try record.entry(size, test) {
      say(line, secondsLeft, sizesLeft)
      return .init(size: size, test: test, trial: try body())
    }
    guard let outcome = entry.trial else {
      throw XSKError("search", "its file lacks a trial", remedy: "remove the file")
    }
    return outcome
  }

  private func recovery(
    _ size: String, _ test: String, _ sizesLeft: Int, _ body: () throws -> RecoveryOutcome
  ) throws -> RecoveryOutcome? {
    try record.entry(size, test) {
      say("\(size) bytes, \(test)", settings.seconds * 2, sizesLeft)
      return .init(size: size, test: test, recovery: try body())
    }.recovery
  }

  /// Says what is done, and how long everything will take: this test's rest, and a whole size's time for each that follows.
  private func say(_ line: String, _ secondsLeft: Double, _ sizesLeft: Int) {
    let whole = settings.goals.reduce(0) { $0 + $1.sumSeconds * 10 } + settings.seconds * Double(settings.tests.count)
    let seconds = secondsLeft + Double(sizesLeft) * whole
    tell("\(line); about \(Self.time(seconds)) left")
  }

  static func time(_ seconds: Double) -> String {
    if seconds < 90 { return "\(Int(seconds.rounded(.up))) s" }
    let minutes = Int((seconds / 60).rounded(.up))
    return minutes < 90 ? "\(minutes) min" : "\(minutes / 60) h \(minutes % 60) min"
  }
}
