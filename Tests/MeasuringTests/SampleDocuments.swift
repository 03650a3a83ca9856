@testable import Measuring

/// Documents as commands write them, with every kind of result.
enum Sample {
  static func document(
    _ command: String, started: String = "2026-11-21T17:30:00Z", irregular: [String] = []
  ) -> ResultDocument {
    var document = ResultDocument(command: command)
    document.started = started
    document.durationSeconds = 12.5
    document.machine = Machine(
      cpu: "Model <X> & \"Y\"", cpus: 2, architecture: "x86_64", kernel: "6.18.1", tscHertz: 2.6e9, isVirtual: true)
    document.checks = irregular.map { SelfCheck("steal", .irregular, $0, value: 3, limit: 1, unit: "percent") }
    document.irregular = irregular
    return document
  }

  /// Three sizes of two subjects with trials, bounds and latency.
  static func search() -> ResultDocument {
    var document = document("search --peer testpmd")
    for (place, subject) in ["xskfwd forward", "testpmd io"].enumerated() {
      for size in [64, 512, 1518] {
        let rate = 1 - Double(place) / 10 - Double(size) / 10000
        var result = ResultDocument.Result(
          name: "\(subject), \(size) B", set: "veth", mpps: [rate, rate * 0.99, rate * 1.01], packets: 1000)
        (result.subject, result.frameBytes, result.frameIncludesFCS) = (subject, size, true)
        (result.driver, result.mode) = ("veth", "copy")
        result.trials = (1...5).map { step in
          let offered = rate * (0.8 + Double(step) / 10)
          var trial = ResultDocument.Trial(
            seconds: 2, packets: 1000, mpps: min(rate, offered), offeredMpps: offered,
            lossRatio: max(0, 1 - rate / offered)
          )
          (trial.sentMpps, trial.duplicated, trial.reordered, trial.stealPercent) = (offered, 0, 0, 0.1)
          (trial.userNanoseconds, trial.systemNanoseconds) = (100, 200)
          (trial.heldPercent, trial.waitedPercent, trial.attempts) = (0.2, 0.1, 2)
          trial.irregular = step == 5 ? ["the generator could not send that much"] : nil
          return trial
        }
        result.bounds = [
          .init(goal: "NDR", lossRatio: 0, lowerMpps: rate, upperMpps: rate * 1.01),
          .init(goal: "PDR", lossRatio: 0.005, lowerMpps: rate * 1.01, upperMpps: rate * 1.02),
        ]
        document.results.append(result)
      }
      var latency = ResultDocument.Result(
        name: "latency, \(subject)", set: "veth", cyclesPerPacket: nil, mpps: 0.5, packets: 1000, repeats: 1, min: 0.5,
        max: 0.5)
      latency.subject = subject
      latency.latency = .init(
        samples: 1000,
        percentiles: [(50.0, 8000.0), (99, 20000), (99.9, 90000)].map { .init(percent: $0.0, nanoseconds: $0.1) },
        offeredMpps: 0.5)
      document.results.append(latency)
    }
    document.versions = ["dpdk-testpmd": "22.11"]
    document.peers = ["dpdk-testpmd -l 0,1"]
    return document
  }

  /// Two rates that were measured in turn, and their ratio.
  static func wire() -> ResultDocument {
    var document = document("wire --pairs 3")
    for (name, rates) in [("drop, xskfwd", [4.7, 4.8, 4.6]), ("drop, testpmd rxonly", [4.4, 4.3, 4.5])] {
      var result = ResultDocument.Result(name: name, set: "veth", mpps: rates, packets: 1000)
      (result.subject, result.frameBytes, result.frameIncludesFCS) = (name, 64, false)
      (result.driver, result.mode) = ("veth", "copy")
      document.results.append(result)
    }
    document.ratios = [.init(name: "drop, xskfwd / testpmd", of: [1.07, 1.1, 1.02])]
    return document
  }

  static func stages() -> ResultDocument {
    var document = document("stages")
    var result = ResultDocument.Result(
      name: "forwarding", set: "hot", cycles: [101, 100, 102], packets: 1000, ticksPerSecond: 2.6e9)
    (result.driver, result.mode) = ("simulated", "simulated")
    result.stages = [
      .init(name: "rings", totalCycles: 20, addedCycles: 20, lowAdded: 19, highAdded: 21),
      .init(name: "parse", totalCycles: 50, addedCycles: 30, lowAdded: 29, highAdded: 33),
      .init(name: "GRO", totalCycles: 101, addedCycles: 51, lowAdded: 49, highAdded: 53),
    ]
    document.results = [result]
    return document
  }

  static func engine(started: String, cycles: Double, irregular: [String] = []) -> ResultDocument {
    var document = document("engine --packets 1000", started: started, irregular: irregular)
    for (place, name) in ["drop", "reflect"].enumerated() {
      var result = ResultDocument.Result(
        name: name, set: "hot", cycles: [cycles, cycles + 1, cycles + 2].map { $0 * Double(place + 1) }, packets: 1000,
        ticksPerSecond: 2.6e9)
      (result.driver, result.mode, result.packetsPerUnit, result.gigabits) = ("simulated", "simulated", 1, 10)
      document.results.append(result)
    }
    document.ratios = [.init(name: "reflect / drop", of: [2.0, 2.1, 1.9], metric: "cycles")]
    return document
  }
}
