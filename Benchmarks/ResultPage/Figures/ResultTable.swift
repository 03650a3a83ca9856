import Measuring

extension FigureMaker {
  /// Results as rows, with the columns that any of them has. On devices the spread is that of the rate, on simulated rings that of
  /// the cycles.
  static func resultTable(_ results: [ResultDocument.Result], withSets: Bool = false) -> [[String]] {
    // First what it is about.
    let isDevices = results.contains(where: isOnDevice)
    let columns = (names + (isDevices ? rates + cycles : cycles + rates) + rest).filter { column in
      (withSets || column.name != "set") && (column.isAlways || results.contains { column.value($0) != nil })
    }
    return [columns.map(\.name)] + results.map { result in columns.map { $0.value(result) ?? "–" } }
  }

  private struct Column: Sendable {
    let name: String
    var isAlways = false
    let value: @Sendable (ResultDocument.Result) -> String?
  }

  private static func isOnDevice(_ result: ResultDocument.Result) -> Bool { result.driver != "simulated" }

  private static func median(
    of result: ResultDocument.Result, _ value: (ResultDocument.Trial) -> Double?
  ) -> String? {
    let values = (result.trials ?? []).compactMap(value)
    return values.isEmpty ? nil : values.median.label
  }

  private static let names = [
    Column(name: "what", isAlways: true) { $0.name },
    Column(name: "set") { isOnDevice($0) ? nil : $0.set },
    Column(name: "bytes") { $0.frameBytes.map { "\($0)" } },
  ]
  private static let rates = [
    Column(name: "M packets/s", isAlways: true) { $0.mpps.label },
    Column(name: "smallest … largest M/s") { result in
      isOnDevice(result) ? spread(of: result).map { "\($0.lowerBound.label) … \($0.upperBound.label)" } : nil
    },
    Column(name: "sent to it, M/s") { median(of: $0, \.sentMpps) },
    Column(name: "Gbit/s") { $0.gigabits?.label },
  ]
  private static let cycles = [
    Column(name: "cycles a packet") { $0.cyclesPerPacket?.label },
    Column(name: "smallest … largest cycles") { result in
      guard result.cyclesPerPacket != nil, !isOnDevice(result), let range = result.spread else { return nil }
      return "\(range.lowerBound.label) … \(range.upperBound.label)"
    },
  ]
  private static let rest = [
    Column(name: "user ns a packet") { median(of: $0, \.userNanoseconds) },
    Column(name: "system ns a packet") { median(of: $0, \.systemNanoseconds) },
    Column(name: "trials", isAlways: true) { "\($0.repeats)" },
  ]
}
