import FoundationEssentials
import Measuring

extension FigureMaker {
  // MARK: Cycles

  func stages() -> [Figure] {
    latest.flatMap { document in
      document.results.compactMap { result -> Figure? in
        guard let stages = result.stages, !stages.isEmpty else { return nil }
        let rows = stages.map { stage in
          RowPlot.Row(
            name: stage.name, value: stage.totalCycles, start: stage.totalCycles - stage.addedCycles,
            label: (stage.addedCycles < 0 ? "−" : "+") + abs(stage.addedCycles).label,
            colour: Style.colour(stage.addedCycles < 0 ? 2 : 0), isIrregular: result.isIrregular(in: document))
        }
        return Figure(
          kind: .stages, title: "\(result.name): \(result.cyclesPerPacket?.label ?? "–") cycles a packet",
          note:
            "Stages switched on one by one, in this order; each bar is what a stage adds to those above it, by medians"
            + " over rounds in which every stage was measured in turn.",
          drawing: RowPlot(rows: rows, title: "TSC cycles a packet").drawing(), sources: [document],
          table: [["stage", "total", "added", "quarter added less than", "quarter added more than"]]
            + stages.map {
              [$0.name, $0.totalCycles.label, $0.addedCycles.label, $0.lowAdded.label, $0.highAdded.label]
            })
      }
    }
  }

  func cycles() -> [Figure] {
    families.compactMap(\.first).flatMap { document in
      let results = document.results.filter { $0.cyclesPerPacket != nil && $0.stages == nil && $0.latency == nil }
      return results.map(\.set).unique.map { set in
        let shown = results.filter { $0.set == set }
        let rows = shown.map { result in
          RowPlot.Row(
            name: result.name, value: result.cyclesPerPacket ?? 0, spread: result.spread,
            colour: Self.colour(of: result),
            isIrregular: result.isIrregular(in: document))
        }
        return Figure(
          kind: .cycles, title: "\(document.benchmark), \(set)",
          note: "Bars: median of the repeats. Whiskers: smallest and largest, an arrow where that is far off."
            + Self.explanation(of: set),
          drawing: RowPlot(rows: rows, title: "TSC cycles a packet").drawing(), sources: [document],
          table: Self.resultTable(shown))
      }
    }
  }

  private static func explanation(of set: String) -> String {
    switch set {
    case "hot": " Hot: few frames in turn, everything in the first two cache levels."
    case "cold-header": " Cold-header: headers have left the second cache level, or every one."
    case "veth": " On veth: turns of the engine's worker that found packets."
    default: ""
    }
  }

  // MARK: History

  /// For each benchmark that was run more than once on a machine, its results over time.
  func history() -> [Figure] {
    let runs = all.map { "\($0.command)\n\($0.machine.cpu)" }.unique.map { key in
      all.filter { "\($0.command)\n\($0.machine.cpu)" == key }
    }
    return runs.filter { Set($0.map(\.started)).count > 1 }.flatMap { documents -> [Figure] in
      [true, false].compactMap { inCycles -> Figure? in
        func value(_ result: ResultDocument.Result) -> Double? {
          inCycles ? result.cyclesPerPacket : result.cyclesPerPacket == nil ? result.mpps : nil
        }
        let keys = documents.flatMap { $0.results.filter { value($0) != nil }.map(\.identity) }.unique
        guard !keys.isEmpty else { return nil }
        let series = keys.prefix(Self.most).enumerated().map { index, key in
          LinePlot.Series(
            name: key,
            points: documents.compactMap { document in
              guard let result = document.results.first(where: { $0.identity == key }), let value = value(result)
              else { return nil }
              return LinePlot.Point(x: document.time, y: value, isIrregular: result.isIrregular(in: document))
            }, colour: Style.colour(index))
        }
        let unit = inCycles ? "TSC cycles a packet" : "million packets a second"
        return Figure(
          kind: .history, title: "\(documents[0].benchmark) over time",
          note: "\(documents.count) runs of the same command on the same kind of machine." + Self.more(keys.count),
          drawing: LinePlot(
            series: series, horizontal: .ends(documents[0].shortDate, documents[documents.count - 1].shortDate),
            horizontalTitle: "when, UTC", verticalTitle: unit
          ).drawing(), sources: documents,
          table: [["run"] + keys]
            + documents.map { document in
              [document.date + (document.isIrregular ? Style.irregularMark : "")]
                + keys.map { key in
                  document.results.first { $0.identity == key }.flatMap(value)?.label ?? "–"
                }
            })
      }
    }
  }

  // MARK: What they share

  /// Documents of one benchmark on one kind of machine belong together.
  func groups(_ isWanted: (ResultDocument) -> Bool) -> [[ResultDocument]] {
    let wanted = latest.filter(isWanted)
    func key(_ document: ResultDocument) -> String { "\(document.benchmark)\n\(document.machine.cpu)" }
    return wanted.map(key).unique.map { one in wanted.filter { key($0) == one } }
  }

  static func more(_ count: Int) -> String {
    count > most ? " \(count - most) more are in the table only." : ""
  }

  static func lossTable(_ results: [ResultDocument.Result]) -> [[String]] {
    var rows = [["what", "bytes", "goal", "lower bound, M/s", "upper bound, M/s", "trials"]]
    for result in results {
      for bound in result.bounds ?? [] {
        rows.append([
          result.curve, result.frameBytes.map { "\($0)" } ?? "–", "\(bound.goal) (\((bound.lossRatio * 100).label) %)",
          bound.lowerMpps.label, bound.upperMpps.label, "\(result.trials?.count ?? 0)",
        ])
      }
    }
    return rows
  }

  static func latencyTable(_ results: [ResultDocument.Result], _ percents: [Double]) -> [[String]] {
    var rows = [["what", "samples"] + percents.map { "P\(Double.decimal($0)), µs" }]
    for result in results {
      let load = result.latency?.offeredMpps.map { " at \($0.label) M/s" } ?? ""
      var cells: [String] = [result.curve + load, "\(result.latency?.samples ?? 0)"]
      for percent in percents {
        let found = result.latency?.percentiles.first { $0.percent == percent }
        cells.append(found.map { ($0.nanoseconds / 1000).label } ?? "–")
      }
      rows.append(cells)
    }
    return rows
  }
}

extension ResultDocument {
  /// Seconds since 1970; 0 if the date can't be read.
  var time: Double { (try? Date(started, strategy: .iso8601))?.timeIntervalSince1970 ?? 0 }

  /// `21 Nov 17:30` would need a calendar; this is what the date has.
  var shortDate: String { String(date.dropLast(4)) }
}
