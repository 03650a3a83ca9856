import Measuring

/// One plot of the page: the drawing, what it shows in a sentence, where it comes from, and the numbers.
struct Figure {
  enum Kind: String, CaseIterable {
    case sideBySide = "side-by-side"
    case ratio = "ratio"
    case rateBySize = "rate-by-size"
    case loss
    case latency
    case stages
    case cycles
    case history

    var heading: String {
      switch self {
      case .sideBySide, .ratio: "Side by side"
      case .rateBySize: "Rate against frame size"
      case .loss: "Loss against offered rate"
      case .latency: "Latency"
      case .stages: "Where a packet's cycles go"
      case .cycles: "Cycles a packet"
      case .history: "History"
      }
    }
  }

  let kind: Kind
  let title: String
  /// How to read it.
  let note: String
  let drawing: Drawing
  /// The documents that it is drawn from.
  let sources: [ResultDocument]
  /// First the heads of the columns.
  let table: [[String]]

  /// Why figures in it should not be quoted.
  var irregular: [String] {
    sources.flatMap(\.allIrregular).unique
  }

  /// The first of them, in a sentence; nil if there are none.
  var reason: String? {
    let reasons = irregular
    guard !reasons.isEmpty else { return nil }
    let rest = reasons.count - 2
    let more = rest > 0 ? "; and \(rest) more reason\(rest == 1 ? "" : "s"), listed with the runs" : ""
    return "† irregular: \(reasons.prefix(2).joined(separator: "; "))\(more)"
  }
}

extension ResultDocument {
  /// The machine in few words.
  var place: String {
    "\(machine.cpu), \(machine.cpus) CPUs\(machine.isVirtual ? " (virtual)" : ""), Linux \(machine.kernel)"
  }

  /// `2026-11-21 17:30 UTC`; as it is if it isn't such a date.
  var date: String {
    let parts = started.split(separator: "T")
    guard parts.count == 2, parts[1].count >= 5 else { return started }
    return "\(parts[0]) \(parts[1].prefix(5)) UTC"
  }
}

extension ResultDocument.Result {
  var curve: String { subject ?? name }

  func isIrregular(in document: ResultDocument) -> Bool { document.isIrregular || irregular?.isEmpty == false }

  /// The spread of the figure that `min` and `max` belong to.
  var spread: ClosedRange<Double>? { repeats > 1 && min <= max ? min...max : nil }
}

extension ResultDocument {
  /// What was wrong with the run, and with single results of it.
  var allIrregular: [String] {
    irregular + results.flatMap { result in (result.irregular ?? []).map { "\(result.name): \($0)" } }
  }
}
