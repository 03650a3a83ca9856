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
    let isCurve = { (result: ResultDocument.Result) in
      (result.trials ?? []).count { $0.offeredMpps != nil && $0.lossRatio != nil } > 1
    }
    return groups { $0.results.contains(where: isCurve) }.map { documents in
      let results = documents.flatMap { document in document.results.filter(isCurve).map { (document, $0) } }
      let shown = results.prefix(Self.most)
      let severalSizes = Set(results.map(\.1.frameBytes)).count > 1
      // A search begins with as much as the generator can: beside that the bounds would lie on each other.
      let highest = shown.flatMap { $0.1.bounds ?? [] }.map(\.upperMpps).max().map { $0 * 2 } ?? .infinity
      var beyond = 0
      let series = shown.enumerated().map { index, one in
        let (document, result) = one
        return LinePlot.Series(
          name: result.curve + (severalSizes ? result.frameBytes.map { " \($0) B" } ?? "" : ""),
          points: (result.trials ?? []).compactMap { trial in
            guard let offered = trial.offeredMpps, let loss = trial.lossRatio else { return nil }
            guard offered <= highest else {
              beyond += 1
              return nil
            }
            return LinePlot.Point(
              x: offered, y: loss * 100,
              isIrregular: result.isIrregular(in: document) || trial.irregular?.isEmpty == false)
          }, colour: Style.colour(index))
      }
      let marks = shown.enumerated().flatMap { index, one in
        (one.1.bounds ?? []).prefix(shown.count > 2 ? 1 : 2).map {
          LinePlot.Mark(x: $0.lowerMpps, name: "\($0.goal) \($0.lowerMpps.label)", colour: Style.colour(index))
        }
      }
      return Figure(
        kind: .loss, title: "\(documents[0].benchmark): loss against offered rate",
        note: "Each dot is one trial; what the generator could not send counts as lost. Dashed: lower bounds found."
          + (beyond > 0 ? " Left out: \(beyond) trial\(beyond == 1 ? "" : "s") above \(highest.label) M/s." : "")
          + Self.more(results.count),
        drawing: LinePlot(
          series: series, horizontal: .numbers, horizontalTitle: "offered, million packets a second",
          verticalTitle: "lost, percent", marks: marks
        ).drawing(), sources: documents, table: Self.lossTable(results.map(\.1)))
    }
  }

  private func latency() -> [Figure] {
    groups { $0.results.contains { $0.latency != nil } }.compactMap { documents in
      let results = documents.flatMap { document in
        document.results.filter { $0.latency != nil }.map { (document, $0) }
      }
      let percents = Set(results.flatMap { $0.1.latency?.percentiles.map(\.percent) ?? [] }).sorted()
      guard !results.isEmpty, percents.count > 1 else { return nil }
      let places = Dictionary(uniqueKeysWithValues: percents.enumerated().map { ($1, Double($0)) })
      let severalSizes = Set(results.map(\.1.frameBytes)).count > 1
      let series = results.prefix(Self.most).enumerated().map { index, one in
        let (document, result) = one
        return LinePlot.Series(
          name: result.curve + (severalSizes ? result.frameBytes.map { " \($0) B" } ?? "" : "")
            + (result.latency?.offeredMpps.map { " at \($0.label) M/s" } ?? ""),
          points: (result.latency?.percentiles ?? []).map {
            LinePlot.Point(
              x: places[$0.percent] ?? 0, y: $0.nanoseconds / 1000, isIrregular: result.isIrregular(in: document))
          }, colour: Style.colour(index))
      }
      return Figure(
        kind: .latency, title: "\(documents[0].benchmark): latency",
        note: "So many percent of the packets took no longer. Logarithmic." + Self.more(results.count),
        drawing: LinePlot(
          series: series, horizontal: .names(percents.map(Double.decimal)), horizontalTitle: "percent of the packets",
          verticalTitle: "microseconds", isLogarithmic: true
        ).drawing(), sources: documents, table: Self.latencyTable(results.map(\.1), percents))
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
