import FoundationEssentials
import Measuring
import XSKEngine

/// Result documents as one HTML page that needs nothing else: no scripts, no network, plots inline. It prints, and it is read
/// on a telephone.
public struct ResultPage {
  let documents: [ResultDocument]
  let figures: [Figure]

  /// - Parameter documents: in any order. Of each command the newest is drawn; all are in the history and in the list of runs.
  public init(_ documents: [ResultDocument]) {
    let maker = FigureMaker(documents)
    self.documents = maker.all
    figures = maker.figures()
  }

  /// The page, and each plot as a file that stands alone.
  ///
  /// - Returns: the files' names, the page's first.
  /// - Throws: `XSKError` if the folder can't be made or written to.
  @discardableResult
  public func write(to folder: String) throws(XSKError) -> [String] {
    var files = [("index.html", html())]
    for (index, figure) in figures.enumerated() {
      files.append((name(of: index) + ".svg", figure.drawing.svg(title: figure.title, id: id(of: index), isFile: true)))
    }
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      for (name, text) in files {
        try Data(text.utf8).write(to: URL(filePath: folder).appending(path: name), options: .atomic)
      }
    } catch {
      throw XSKError("--output \(folder)", "can't be written", remedy: "name a folder that is yours to write")
    }
    return files.map(\.0)
  }

  /// Plots by the name of their file.
  public var plots: [Plot] {
    figures.indices.map { index in
      let drawing = figures[index].drawing
      return Plot(
        name: name(of: index) + ".svg", title: figures[index].title, width: Int(drawing.width.rounded(.up)),
        height: Int(drawing.height.rounded(.up)))
    }
  }

  public struct Plot: Sendable {
    /// Of its file.
    public let name: String
    public let title: String
    public let width: Int
    public let height: Int
  }

  private func id(of index: Int) -> String { "figure-\(index + 1)" }

  /// From kind and title, so that a plot keeps its name when others are added: `cycles-engine-hot`.
  private func name(of index: Int) -> String {
    func word(_ figure: Figure) -> String {
      let title = figure.title.prefix { $0 != ":" || figure.kind == .stages }
      let letters = "\(figure.kind.rawValue) \(title)".lowercased().map {
        $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-"
      }
      return String(letters).split(separator: "-").joined(separator: "-")
    }
    let name = word(figures[index])
    let before = figures.prefix(index).count { word($0) == name }
    return before == 0 ? name : "\(name)-\(before + 1)"
  }

  // MARK: The page

  func html() -> String {
    var page = Markup()
    page.markup("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
    page.markup("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
    page.element("title", text: "xskbench results")
    page.markup("<style>\(PageStyle.css)</style>\n</head>\n<body>\n")
    page.element("main") { main in
      header(&main)
      main.element("div", ["class": "sections"]) { sections in
        for kind in Figure.Kind.allCases where kind != .ratio { section(kind, &sections) }
      }
      runs(&main)
      footer(&main)
    }
    page.markup("</body>\n</html>\n")
    return page.text
  }

  private func header(_ main: inout Markup) {
    main.element("header") { header in
      header.element("h1", text: "xskbench results")
      for place in documents.map(\.place).unique.prefix(4) { header.element("p", ["class": "machine"], text: place) }
      let dates = documents.map(\.date)
      if let first = dates.first, let last = dates.last {
        let span = first == last ? first : "\(first) to \(last)"
        header.element(
          "p", ["class": "machine"], text: "\(documents.count) run\(documents.count == 1 ? "" : "s"), \(span)")
      }
      let broken = documents.filter { !$0.allIrregular.isEmpty }
      if broken.isEmpty {
        header.element("p", ["class": "verdict"], text: "No run broke a precondition.")
      } else {
        header.element(
          "p", ["class": "verdict irregular"],
          text:
            "† \(broken.count) of \(documents.count) runs broke a precondition: their marks are hollow, their figures"
            + " carry a †, and the reasons stand below each plot. Don't quote them.")
      }
    }
  }

  private func section(_ kind: Figure.Kind, _ main: inout Markup) {
    let shown = figures.indices.filter {
      figures[$0].kind == kind || (kind == .sideBySide && figures[$0].kind == .ratio)
    }
    guard !shown.isEmpty else { return }
    main.element("section", ["id": kind.rawValue, "class": shown.count == 1 ? "single" : "many"]) { section in
      section.element("h2", text: kind.heading)
      section.element("div", ["class": "plots"]) { plots in
        for index in shown { plot(index, &plots) }
      }
    }
  }

  private func plot(_ index: Int, _ plots: inout Markup) {
    let figure = figures[index]
    plots.element(
      "figure", ["class": figure.irregular.isEmpty ? "regular" : "irregular", "data-kind": figure.kind.rawValue]
    ) {
      $0.element("h3", text: figure.title)
      $0.markup(figure.drawing.svg(title: figure.title, id: id(of: index)))
      $0.element("figcaption") { caption in
        caption.element("p", text: figure.note)
        caption.element("p", ["class": "source"]) { source in
          let commands = figure.sources.map(\.command).unique
          for command in commands.prefix(3) { source.element("code", text: "xskbench \(command)") }
          if commands.count > 3 { source.words(" and \(commands.count - 3) more, below") }
          source.words(" · \(figure.sources.map(\.place).unique.joined(separator: "; ")) · ")
          source.words(figure.sources.map(\.date).max() ?? "")
        }
        if let reason = figure.reason { caption.element("p", ["class": "reason"], text: reason) }
      }
      $0.element("details") { details in
        details.element("summary", text: "Numbers")
        details.element("div", ["class": "scroll"]) { table(figure.table, &$0) }
      }
    }
  }

  private func table(_ rows: [[String]], _ markup: inout Markup) {
    markup.element("table") { table in
      table.element("thead") { head in
        head.element("tr") { row in for cell in rows.first ?? [] { row.element("th", text: cell) } }
      }
      table.element("tbody") { body in
        for cells in rows.dropFirst() {
          body.element("tr") { row in for cell in cells { row.element("td", text: cell) } }
        }
      }
    }
  }

  // MARK: Runs

  private func runs(_ main: inout Markup) {
    main.element("section", ["id": "runs"]) { section in
      section.element("h2", text: "Runs")
      for document in documents.reversed() {
        section.element("div", ["class": document.isIrregular ? "run irregular" : "run"]) { run in
          run.element("p") { line in
            line.element("code", text: "xskbench \(document.command)")
            if document.isIrregular { line.element("span", ["class": "tag"], text: "irregular") }
          }
          run.element("p", ["class": "source"], text: Self.facts(of: document))
          for peer in document.peers {
            run.element("p", ["class": "source"]) { line in
              line.words("command: ")
              line.element("code", text: peer)
            }
          }
          run.element("ul", ["class": "checks"]) { list in
            for check in document.checks {
              list.element("li", ["class": check.status.rawValue]) { item in
                item.element("b", text: check.name)
                item.words(" \(check.text)")
                if let limit = check.limit, let unit = check.unit { item.words(" (limit \(limit.label) \(unit))") }
              }
            }
            for result in document.results {
              for reason in result.irregular ?? [] {
                list.element("li", ["class": "irregular"]) { item in
                  item.element("b", text: result.name)
                  item.words(" \(reason)")
                }
              }
            }
          }
        }
      }
    }
  }

  static func facts(of document: ResultDocument) -> String {
    var facts = [
      document.date, "took \(document.durationSeconds.label) s",
      "\(document.tool.name) \(document.tool.version), \(document.tool.build) build, Swift \(document.tool.swift)",
      document.place, "TSC \((document.machine.tscHertz / 1e9).label) GHz",
    ]
    facts += document.versions.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    let modes = document.results.compactMap { result in
      result.driver.map { $0 == result.mode || result.mode == nil ? $0 : "\($0), \(result.mode ?? "")" }
    }.unique
    if !modes.isEmpty { facts.append("devices: \(modes.joined(separator: "; "))") }
    return facts.joined(separator: " · ")
  }

  private func footer(_ main: inout Markup) {
    main.element(
      "p", ["class": "source"],
      text:
        "Cycles are ticks of the time-stamp counter, not of the core's own clock. Drawn by xskbench report from result"
        + " files, format version \(ResultDocument.currentVersion) (docs/results-format.md).")
  }
}
