import ArgumentParser
import Measuring
import ResultPage
import XSKEngine

/// Result files as a page with plots.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "A self-contained page with plots from result files.",
    discussion: """
      Reads files that xskbench commands wrote with --output. Writes DIR/index.html, which needs nothing else, and each plot \
      as an SVG file. Of each command the newest result is drawn; several of one command make a history.
      """)

  @Argument(help: ArgumentHelp("Result files.", valueName: "result.json")) var files: [String]
  @Option(help: ArgumentHelp("The folder to write to; it is made if needed.", valueName: "dir")) var output: String
  @Flag(help: "Also a PNG of each plot; needs chromium.") var png = false

  func run() throws {
    let documents = try files.map { try ResultDocument(file: $0) }
    let page = ResultPage(documents)
    guard !page.plots.isEmpty else {
      throw XSKError(
        files.joined(separator: " "), "has nothing to draw",
        remedy: "give results of wire, search, engine, gro or stages")
    }
    let browser = try png ? found(Browser.find()) : nil
    try page.write(to: output)
    for plot in page.plots {
      print("\(output)/\(plot.name)  \(plot.title)")
      guard let browser else { continue }
      let name = plot.name.dropLast(4)
      try browser.picture(
        of: "\(output)/\(plot.name)", width: plot.width, height: plot.height, to: "\(output)/\(name).png")
    }
    print(
      "\(output)/index.html  \(page.plots.count) plots of \(documents.count) result\(documents.count == 1 ? "" : "s")")
  }

  private func found(_ browser: Browser?) throws(XSKError) -> Browser {
    guard let browser else {
      throw XSKError(
        "--png", "there is no chromium on the PATH", remedy: "apt-get install chromium, or leave --png out")
    }
    return browser
  }
}
