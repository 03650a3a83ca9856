import Measuring

extension FigureMaker {
  /// Rates in turn as bars, and the ratios that compare them.
  func sideBySide() -> [Figure] {
    families.flatMap { family -> [Figure] in
      [rates(of: family[0])].compactMap(\.self) + ratios(of: family)
    }
  }

  /// Documents of one benchmark that differ in frame size, the smallest first: one plot has them all, or the first stands for
  /// them. Others are alone.
  var families: [[ResultDocument]] {
    var families: [[ResultDocument]] = []
    for group in groups({ _ in true }) {
      let sized = group.filter { Self.sizes(of: $0).count == 1 }.sorted {
        (Self.sizes(of: $0).first ?? 0) < (Self.sizes(of: $1).first ?? 0)
      }
      if Set(sized.flatMap(Self.sizes)).count > 1 { families.append(sized) } else { families += sized.map { [$0] } }
      families += group.filter { Self.sizes(of: $0).count != 1 }.map { [$0] }
    }
    return families
  }

  private static func sizes(of document: ResultDocument) -> Set<Int> {
    Set(document.results.filter { $0.driver != "simulated" }.compactMap(\.frameBytes))
  }

  private func rates(of document: ResultDocument) -> Figure? {
    let rates = document.results.filter {
      $0.driver != "simulated" && $0.latency == nil && $0.bounds == nil && $0.mpps > 0
    }
    guard rates.count > 1 else { return nil }
    let inBits = rates.allSatisfy { $0.gigabits != nil }
    let rows = rates.map { result in
      RowPlot.Row(
        name: result.name + (result.frameBytes.map { ", \($0) B" } ?? ""),
        value: (inBits ? result.gigabits : nil) ?? result.mpps, spread: spread(of: result, inBits: inBits),
        colour: Self.colour(of: result), isIrregular: result.isIrregular(in: document))
    }
    return Figure(
      kind: .sideBySide, title: "\(document.benchmark): rates",
      note: "Bars: median of the trials. Whiskers: smallest and largest.",
      drawing: RowPlot(rows: rows, title: inBits ? "Gbit a second" : "million packets a second").drawing(),
      sources: [document], table: Self.resultTable(rates))
  }

  /// Of rates and of costs apart: of the ones more is better, of the others less.
  private func ratios(of family: [ResultDocument]) -> [Figure] {
    let all = family.flatMap { document in
      document.ratios.filter { $0.pairs > 0 && $0.median > 0 }.map { (document, $0) }
    }
    return all.map { $0.1.metric ?? "rates" }.unique.map { metric in
      let shown = all.filter { ($0.1.metric ?? "rates") == metric }
      let rows = shown.map { document, ratio in
        RowPlot.Row(
          name: ratio.name + (family.count > 1 ? Self.sizes(of: document).first.map { ", \($0) B" } ?? "" : ""),
          value: ratio.median, spread: ratio.min <= ratio.max ? ratio.min...ratio.max : nil,
          label: "\(ratio.median.label)×", colour: Style.colour(0), isIrregular: document.isIrregular)
      }
      let reading =
        metric == "cycles" ? "Below 1 the first takes fewer cycles." : "Above 1 the first is the faster."
      return Figure(
        kind: .ratio, title: "\(family[0].benchmark): ratio of \(metric), pairs measured in turn",
        note: "Dots: median of the pairs. Lines: smallest and largest pair. \(reading)",
        drawing: RowPlot(rows: rows, title: "ratio of \(metric); the mark is equality", form: .dots, reference: 1)
          .drawing(),
        sources: family,
        table: [["comparison", "median", "smallest", "largest", "pairs"]]
          + zip(rows, shown).map { row, one in
            [row.name, one.1.median.label, one.1.min.label, one.1.max.label, "\(one.1.pairs)"]
          })
    }
  }

  /// Of the rate itself: a result whose spread is that of cycles has it in its trials.
  private func spread(of result: ResultDocument.Result, inBits: Bool) -> ClosedRange<Double>? {
    Self.spread(of: result, inBits: inBits)
  }

  static func spread(of result: ResultDocument.Result, inBits: Bool = false) -> ClosedRange<Double>? {
    let trials = result.trials ?? []
    let values = trials.compactMap { inBits ? $0.gigabits : $0.mpps }
    if let low = values.min(), let high = values.max(), values.count > 1 { return low...high }
    return result.cyclesPerPacket == nil && !inBits ? result.spread : nil
  }

  /// Ours has one colour on the whole page, whatever it is compared with.
  static func colour(of result: ResultDocument.Result) -> String {
    isPeer(result.name) ? Style.colour(1) : Style.colour(0)
  }

  static func isPeer(_ name: String) -> Bool {
    ["testpmd", "kernel", "librte", "bridge", "routing", "xdp-", "command:", "program that only", "GRO off"].contains {
      name.contains($0)
    }
  }
}
