import Measuring

/// Decides what can be drawn from a heap of result documents.
struct FigureMaker {
  /// Of each command on each machine the newest.
  let latest: [ResultDocument]
  /// All, oldest first.
  let all: [ResultDocument]

  init(_ documents: [ResultDocument]) {
    all = documents.sorted { $0.started < $1.started }
    var newest: [String: Int] = [:]
    for (index, document) in all.enumerated() { newest["\(document.command)\n\(document.machine.cpu)"] = index }
    let kept = Set(newest.values)
    let order = Self.order
    latest = all.indices.filter(kept.contains).map { [all] in all[$0] }.enumerated().sorted { one, other in
      let (first, second) = (order[one.element.benchmark] ?? order.count, order[other.element.benchmark] ?? order.count)
      return (first, one.offset) < (second, other.offset)
    }.map(\.element)
  }

  /// What was measured on devices and beside others comes first.
  private static let order = Dictionary(
    uniqueKeysWithValues: ["wire", "search", "compare", "offload", "host", "gro", "stages", "engine", "pipeline"]
      .enumerated().map { ($1, $0) })

  /// In the order of the page.
  func figures() -> [Figure] {
    sideBySide() + rateBySize() + loss() + latency() + stages() + cycles() + history()
  }

  /// So many curves are still told apart.
  static let most = 6

  // MARK: Peers

  /// Rates in turn as bars, and the ratios that compare them.
  private func sideBySide() -> [Figure] {
    latest.flatMap { document -> [Figure] in
      var figures: [Figure] = []
      let rates = document.results.filter { $0.driver != "simulated" && $0.latency == nil && $0.bounds == nil }
      let inBits = rates.allSatisfy { $0.gigabits != nil }
      if rates.count > 1 {
        let rows = rates.enumerated().map { index, result in
          RowPlot.Row(
            name: result.name + (result.frameBytes.map { ", \($0) B" } ?? ""),
            value: (inBits ? result.gigabits : nil) ?? result.mpps, spread: spread(of: result, inBits: inBits),
            colour: Self.colour(of: result), isIrregular: result.isIrregular(in: document))
        }
        figures.append(
          Figure(
            kind: .sideBySide, title: "\(document.benchmark): rates",
            note: "Bars: median of the trials. Whiskers: smallest and largest.",
            drawing: RowPlot(rows: rows, title: inBits ? "Gbit a second" : "million packets a second").drawing(),
            sources: [document], table: Self.resultTable(rates)))
      }
      let ratios = document.ratios
      if !ratios.isEmpty {
        let rows = ratios.map {
          RowPlot.Row(
            name: $0.name, value: $0.median, spread: $0.min <= $0.max ? $0.min...$0.max : nil,
            label: "\($0.median.label)×", colour: Style.colour(0), isIrregular: document.isIrregular)
        }
        figures.append(
          Figure(
            kind: .ratio, title: "\(document.benchmark): ratio of pairs measured in turn",
            note: "Dots: median of the pairs. Lines: smallest and largest pair. Above 1 the first name has more.",
            drawing: RowPlot(rows: rows, title: "ratio; the line is equality", form: .dots, reference: 1).drawing(),
            sources: [document],
            table: [["comparison", "median", "smallest", "largest", "pairs"]]
              + ratios.map { [$0.name, $0.median.label, $0.min.label, $0.max.label, "\($0.pairs)"] }))
      }
      return figures
    }
  }

  /// Of the rate itself: a result whose spread is that of cycles has it in its trials.
  private func spread(of result: ResultDocument.Result, inBits: Bool) -> ClosedRange<Double>? {
    let trials = result.trials ?? []
    let values = trials.compactMap { inBits ? $0.gigabits : $0.mpps }
    if let low = values.min(), let high = values.max(), values.count > 1 { return low...high }
    return result.cyclesPerPacket == nil && !inBits ? result.spread : nil
  }

  /// Ours has one colour on the whole page, whatever it is compared with.
  private static func colour(of result: ResultDocument.Result) -> String {
    isPeer(result.name) ? Style.colour(1) : Style.colour(0)
  }

  static func isPeer(_ name: String) -> Bool {
    ["testpmd", "kernel", "librte", "bridge", "routing", "program that only", "GRO off"].contains { name.contains($0) }
  }

  // MARK: Frame sizes

  private func rateBySize() -> [Figure] {
    groups { $0.results.contains { $0.frameBytes != nil && $0.driver != "simulated" && $0.latency == nil } }
      .compactMap { documents -> Figure? in
        let results = documents.flatMap { document in
          document.results.filter { $0.frameBytes != nil && $0.driver != "simulated" && $0.latency == nil }
            .map { (document, $0) }
        }
        let sizes = Set(results.compactMap(\.1.frameBytes)).sorted()
        guard sizes.count > 1 else { return nil }
        let places = Dictionary(uniqueKeysWithValues: sizes.enumerated().map { ($1, Double($0)) })
        let names = results.map(\.1.curve).unique
        let series = names.prefix(Self.most).enumerated().map { index, name in
          LinePlot.Series(
            name: name,
            points: results.filter { $0.1.curve == name }.map { document, result in
              LinePlot.Point(
                x: places[result.frameBytes ?? 0] ?? 0, y: result.mpps, isIrregular: result.isIrregular(in: document))
            }, colour: Style.colour(index))
        }
        let counted = results.contains { $0.1.frameIncludesFCS == true } ? "with FCS" : "without FCS"
        return Figure(
          kind: .rateBySize, title: "\(documents[0].benchmark): rate against frame size",
          note: "Frame sizes at equal distances." + Self.more(names.count),
          drawing: LinePlot(
            series: series, horizontal: .names(sizes.map { "\($0)" }), horizontalTitle: "bytes of a frame, \(counted)",
            verticalTitle: "million packets a second"
          ).drawing(), sources: documents, table: Self.resultTable(results.map(\.1)))
      }
  }

  // MARK: Loss and latency

  private func loss() -> [Figure] {
    latest.compactMap { document in
      let results = document.results.filter { result in
        (result.trials ?? []).count { $0.offeredMpps != nil && $0.lossRatio != nil } > 1
      }
      guard !results.isEmpty else { return nil }
      let shown = results.prefix(Self.most)
      let severalSizes = Set(results.map(\.frameBytes)).count > 1
      let series = shown.enumerated().map { index, result in
        LinePlot.Series(
          name: result.curve + (severalSizes ? result.frameBytes.map { " \($0) B" } ?? "" : ""),
          points: (result.trials ?? []).compactMap { trial in
            guard let offered = trial.offeredMpps, let loss = trial.lossRatio else { return nil }
            return LinePlot.Point(
              x: offered, y: loss * 100,
              isIrregular: result.isIrregular(in: document) || trial.irregular?.isEmpty == false)
          }, colour: Style.colour(index))
      }
      let marks = shown.enumerated().flatMap { index, result in
        (result.bounds ?? []).prefix(shown.count > 2 ? 1 : 2).map {
          LinePlot.Mark(x: $0.lowerMpps, name: "\($0.goal) \($0.lowerMpps.label)", colour: Style.colour(index))
        }
      }
      return Figure(
        kind: .loss, title: "\(document.benchmark): loss against offered rate",
        note: "Each dot is one trial; what the generator could not send counts as lost. Dashed: lower bounds found."
          + Self.more(results.count),
        drawing: LinePlot(
          series: series, horizontal: .numbers, horizontalTitle: "offered, million packets a second",
          verticalTitle: "lost, percent", marks: marks
        ).drawing(), sources: [document], table: Self.lossTable(results))
    }
  }

  private func latency() -> [Figure] {
    latest.compactMap { document in
      let results = document.results.filter { $0.latency != nil }
      let percents = Set(results.flatMap { $0.latency?.percentiles.map(\.percent) ?? [] }).sorted()
      guard !results.isEmpty, percents.count > 1 else { return nil }
      let places = Dictionary(uniqueKeysWithValues: percents.enumerated().map { ($1, Double($0)) })
      let severalSizes = Set(results.map(\.frameBytes)).count > 1
      let series = results.prefix(Self.most).enumerated().map { index, result in
        LinePlot.Series(
          name: result.curve + (severalSizes ? result.frameBytes.map { " \($0) B" } ?? "" : "")
            + (result.latency?.offeredMpps.map { " at \($0.label) M/s" } ?? ""),
          points: (result.latency?.percentiles ?? []).map {
            LinePlot.Point(
              x: places[$0.percent] ?? 0, y: $0.nanoseconds / 1000, isIrregular: result.isIrregular(in: document))
          }, colour: Style.colour(index))
      }
      return Figure(
        kind: .latency, title: "\(document.benchmark): latency",
        note: "So many percent of the packets took no longer. Logarithmic." + Self.more(results.count),
        drawing: LinePlot(
          series: series, horizontal: .names(percents.map(Double.decimal)), horizontalTitle: "percent of the packets",
          verticalTitle: "microseconds", isLogarithmic: true
        ).drawing(), sources: [document], table: Self.latencyTable(results, percents))
    }
  }
}

extension Sequence where Element: Hashable {
  /// Without repeats, in the order of first appearance.
  var unique: [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}
