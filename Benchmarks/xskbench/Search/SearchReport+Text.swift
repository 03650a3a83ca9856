import Measuring

extension SearchReport {
  /// Nothing speaks against the figures but shortness.
  var isRegular: Bool {
    sizes.allSatisfy { size in
      size.irregular.isEmpty && size.throughput.allSatisfy(\.irregular.isEmpty)
        && size.burst?.irregular.isEmpty != false
    }
  }

  /// There is something to tell of.
  var hasTrials: Bool {
    sizes.contains { size in
      !(size.trials.isEmpty && size.loss.isEmpty && size.latency.isEmpty)
        || size.burst != nil || (size.recovery ?? size.reset) != nil
    }
  }

  /// What the harness itself took of each trial's time.
  var harnessShares: [Double] {
    var shares: [Double] = []
    for size in sizes {
      for trial in size.trials + size.loss where trial.lasted > 0 { shares.append(trial.harness / trial.lasted) }
    }
    return shares
  }

  var text: String {
    var lines = ["\(settings.subject), sizes with FCS (a veth carries 4 bytes less)"]
    if let command { lines.append("command: \(command)") }
    lines += shortcuts.map { "label: \($0)" }
    if isInterrupted { lines.append("label: interrupted, incomplete") }
    for size in sizes { lines += size.lines }
    return lines.joined(separator: "\n")
  }
}

extension SizeReport {
  fileprivate var lines: [String] {
    var lines = [
      "",
      "\(size) bytes: the generator offers \(FrameRate.text(generator)), tried up to \(FrameRate.text(maximum))",
    ]
    for result in throughput {
      let lower = result.lower.map { FrameRate.text($0) } ?? "none",
        upper = result.upper.map { FrameRate.text($0) } ?? "none"
      lines.append(
        "  \(result.goal.name) (loss ≤ \((result.goal.lossRatio * 100).short) %): lower bound \(lower), upper bound \(upper)"
          + (result.throughput.map { ", throughput \(FrameRate.text($0))" } ?? ""))
      lines += result.irregular.map { "    irregular: \($0)" }
    }
    if !trials.isEmpty {
      let again = trials.count { $0.attempts > 1 }
      let odd = trials.count { $0.disturbance > 1 }
      lines.append(
        "  trials: \(trials.count)" + (again > 0 ? ", \(again) of them made again since something disturbed them" : "")
          + (odd > 0 ? ", \(odd) disturbed still" : ""))
    }
    for trial in loss {
      lines.append("  loss at \(FrameRate.text(trial.load)): \((trial.lossRatio * 100).short) %")
    }
    if let burst {
      lines.append(
        "  bursts: \(burst.mean.rounded()) frames (\(burst.minimum) … \(burst.maximum), \(burst.repeats) repeats), "
          + "\((burst.impliedSeconds * 1e3).short) ms, corrected "
          + (burst.correctedSeconds.map { "\(($0 * 1e3).short) ms" } ?? "unknown"))
      lines += burst.irregular.map { "    irregular: \($0)" }
    }
    for trial in latency {
      lines.append("  latency at \(FrameRate.text(trial.load)): \(trial.latency?.text ?? "nothing arrived")")
    }
    if let recovery { lines.append("  recovery: \(recovery.text)") }
    if let reset { lines.append("  reset: \(reset.text)") }
    return lines + irregular.map { "  irregular: \($0)" }
  }
}

extension RecoveryOutcome {
  fileprivate var text: String {
    let time = seconds.map { "\(($0 * 1e3).short) ms" } ?? "not within the trial"
    return "\(time), from \(FrameRate.text(before)) to \(FrameRate.text(after)); \(lost) frames lost, "
      + "\((lostSeconds * 1e3).short) ms of them"
  }
}
