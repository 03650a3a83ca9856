import FoundationEssentials
import Measuring
import XSKEngine

extension ResultPage {
  /// The page as Markdown, for a repository: plots as files beside it, tables, and the same captions.
  ///
  /// - Parameter plots: the folder of the plots as the page sees it, with a slash at its end.
  public func markdown(plots folder: String) -> String {
    var lines = [
      "# Results", "",
      "Made by `sudo scripts/results` from the files in [results](results); every figure can be had again with the command below",
      "it. What is measured and how is in [xskbench.md](xskbench.md), the format in [results-format.md](results-format.md). At the end",
      "are all runs, each with the exact commands of what was measured, their versions, and what was looked at meanwhile.",
      "",
    ]
    lines += documents.map(\.place).unique.map { "- \($0)" }
    if let first = documents.first?.date, let last = documents.last?.date {
      lines.append("- \(documents.count) runs, \(first == last ? first : "\(first) to \(last)")")
    }
    let broken = documents.count { !$0.allIrregular.isEmpty }
    if broken > 0 {
      lines += [
        "",
        "**† \(broken) of \(documents.count) runs broke a precondition.** Their marks are hollow and the reasons stand below each plot."
          + " Don't quote them.",
      ]
    }
    var heading = ""
    for (figure, plot) in zip(figures, self.plots) {
      if figure.kind.heading != heading {
        heading = figure.kind.heading
        lines += ["", "## \(heading)"]
      }
      lines += [
        "", "### \(figure.title)", "", "![\(figure.title)](\(folder)\(plot.name))", "",
        "\(figure.note) \(source(of: figure))",
      ]
      if let reason = figure.reason { lines += ["", reason] }
      lines += [""] + Self.table(figure.table)
    }
    lines += ["", "## Runs"]
    for document in documents { lines += run(document) }
    return lines.map(Self.withoutTrailingSpace).joined(separator: "\n") + "\n"
  }

  /// What a reader needs who does not believe a figure.
  private func run(_ document: ResultDocument) -> [String] {
    var lines = ["", "### `xskbench \(document.command)`", "", Self.facts(of: document) + ".", ""]
    lines += document.peers.map { "- command: `\($0)`" }
    lines += document.checks.filter { $0.status != .unavailable }.map { check in
      "- \(check.status == .irregular ? "† " : "")\(check.name): \(check.text)"
    }
    let told = Set(document.checks.map(\.text))
    lines += document.irregular.filter { !told.contains($0) }.map { "- † \($0)" }
    for result in document.results { lines += (result.irregular ?? []).map { "- † \(result.name): \($0)" } }
    return lines
  }

  private func source(of figure: Figure) -> String {
    let commands = figure.sources.map(\.command).unique
    let shown = commands.prefix(3).map { "`xskbench \($0)`" }.joined(separator: ", ")
    let more = commands.count > 3 ? " and \(commands.count - 3) more" : ""
    return "\(shown)\(more), \(figure.sources.map(\.date).max() ?? "")."
  }

  static func table(_ rows: [[String]]) -> [String] {
    guard let head = rows.first else { return [] }
    func line(_ cells: [String]) -> String {
      "| "
        + cells.map { $0.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|") }
        .joined(separator: " | ") + " |"
    }
    return [line(head), "|" + String(repeating: "---|", count: head.count)] + rows.dropFirst().map(line)
  }

  static func withoutTrailingSpace(_ line: String) -> String {
    var line = line
    while line.last == " " { line.removeLast() }
    return line
  }
}

/// The part of a Markdown file that is made from results, between two comments.
public enum GeneratedPart {
  public static let begin = "<!-- results: scripts/results replaces what is between -->"
  public static let end = "<!-- end of results -->"

  /// The file with another text between the comments.
  ///
  /// - Throws: `XSKError` if they aren't there, in this order and once.
  public static func replacing(in text: String, of file: String, with part: String) throws(XSKError) -> String {
    var lines: [Substring] = []
    var (begins, ends) = (0, 0)
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line == end { ends += 1 }
      if begins == ends { lines.append(line) }
      if line == begin {
        begins += 1
        lines += ["", Substring(part), ""]
      }
      if line == end && begins == 0 { break }
    }
    guard begins == 1, ends == 1 else {
      throw XSKError(
        file, "does not have the lines \(begin) and \(end), once each", remedy: "put them where the figures are to go")
    }
    return lines.joined(separator: "\n")
  }
}
