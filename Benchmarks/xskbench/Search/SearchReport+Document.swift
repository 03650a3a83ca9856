import Measuring

extension SearchReport {
  /// The search as a document: for each frame length a result with the bounds and every trial, one with the loss curve, and one for
  /// each load that delays were measured at; and the search itself with all of its numbers.
  func document(label: String, driver: String?, mode: String?) -> BenchmarkReport {
    var document = BenchmarkReport(command: typedCommand)
    if let command { document.peers = [command] }
    for size in sizes {
      var results: [BenchmarkReport.Result] = []
      if !size.trials.isEmpty { results.append(Self.throughput(size, label, settings.goals)) }
      if !size.loss.isEmpty { results.append(Self.loss(size, label)) }
      for load in Set(size.latency.map(\.load)).sorted() { results.append(Self.latency(size, load, label)) }
      for place in results.indices {
        if let driver { results[place].set = driver }
        (results[place].driver, results[place].mode, results[place].subject) = (driver, mode, label)
        (results[place].frameBytes, results[place].frameIncludesFCS) = (Int(size.size), true)
      }
      document.results += results
      document.irregular += size.irregular.map { "\(size.size) bytes: \($0)" }
    }
    document.irregular += shortcuts
    if isInterrupted { document.irregular.append("interrupted: trials are missing") }
    document.search = self
    return document
  }

  private static func throughput(_ size: SizeReport, _ label: String, _ goals: [LossGoal]) -> BenchmarkReport.Result {
    let first = size.throughput.first
    let lower = (first?.lower ?? 0) / 1e6
    var result = BenchmarkReport.Result(
      name: "\(first?.goal.name ?? "search"), \(label), \(size.size) bytes", set: "veth", cyclesPerPacket: nil,
      mpps: lower.short, packets: size.trials.reduce(0) { $0 + Int($1.received) }, repeats: size.trials.count,
      min: lower.short, max: ((first?.upper ?? size.maximum) / 1e6).short)
    result.bounds = size.throughput.map { found in
      var bound = BenchmarkReport.Bound(
        goal: found.goal.name, lossRatio: found.goal.lossRatio, lowerMpps: ((found.lower ?? 0) / 1e6).short,
        upperMpps: ((found.upper ?? size.maximum) / 1e6).short)
      if !found.irregular.isEmpty { bound.irregular = found.irregular }
      return bound
    }
    result.trials = size.trials.map { BenchmarkReport.Trial($0) }
    let notes = size.throughput.flatMap(\.irregular)
    if !notes.isEmpty { result.irregular = notes }
    return result
  }

  private static func loss(_ size: SizeReport, _ label: String) -> BenchmarkReport.Result {
    let rates = size.loss.map { $0.forwardingRate / 1e6 }
    var result = BenchmarkReport.Result(
      name: "loss curve, \(label), \(size.size) bytes", set: "veth", mpps: rates,
      packets: size.loss.reduce(0) { $0 + Int($1.received) })
    result.trials = size.loss.map { BenchmarkReport.Trial($0) }
    return result
  }

  private static func latency(_ size: SizeReport, _ load: Double, _ label: String) -> BenchmarkReport.Result {
    let trials = size.latency.filter { $0.load == load }
    let rates = trials.map { Double($0.received) / $0.seconds / 1e6 }
    var result = BenchmarkReport.Result(
      name: "latency, \(label), \(size.size) bytes at \(FrameRate.text(load))", set: "veth", mpps: rates,
      packets: trials.reduce(0) { $0 + Int($1.received) })
    result.trials = trials.map { trial in
      var made = BenchmarkReport.Trial(
        seconds: trial.seconds, packets: Int(trial.received), offeredMpps: (load / 1e6).short)
      made.lossRatio = max(0, 1 - Double(trial.received) / (load * trial.seconds))
      (made.duplicated, made.reordered) = (Int(trial.duplicated), Int(trial.reordered))
      return made
    }
    // The middle trial stands for all; each one's numbers are in the search itself.
    let known = trials.compactMap(\.latency).sorted { $0.median < $1.median }
    if !known.isEmpty {
      let middle = known[known.count / 2]
      let values: [(Double, UInt64)] = [
        (0, middle.minimum), (50, middle.median), (90, middle.p90), (99, middle.p99), (99.9, middle.p999),
        (100, middle.maximum),
      ]
      result.latency = BenchmarkReport.Latency(
        samples: Int(middle.samples),
        percentiles: values.map { .init(percent: $0.0, nanoseconds: Double($0.1)) }, offeredMpps: (load / 1e6).short)
    }
    return result
  }
}

extension BenchmarkReport.Trial {
  init(_ trial: TrialOutcome) {
    self.init(
      seconds: trial.seconds.short, packets: Int(trial.received), mpps: (trial.forwardingRate / 1e6).short,
      offeredMpps: (trial.load / 1e6).short, lossRatio: trial.lossRatio)
    sentMpps = trial.seconds > 0 ? (Double(trial.sent) / trial.seconds / 1e6).short : nil
    if trial.held > 0, trial.seconds > 0 { heldPercent = (trial.held / trial.seconds * 100).short }
    if let waited = trial.deviceWaited, trial.seconds > 0 { waitedPercent = (waited / trial.seconds * 100).short }
    if trial.attempts > 1 { attempts = trial.attempts }
    if !trial.irregular.isEmpty { irregular = trial.irregular }
  }
}
