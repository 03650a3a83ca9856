import ArgumentParser
import FoundationEssentials
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
  @Option(
    help: ArgumentHelp("Write the page as Markdown, too, to this file; plots are found from there.", valueName: "file"))
  var markdown: String?
  @Option(
    help: ArgumentHelp(
      "Put tables into this file, between the comments made for them (docs/xskbench.md).", valueName: "file"))
  var readme: String?

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
    if let markdown { try write(page.markdown(plots: Self.path(to: output, from: markdown)), markdown) }
    if let readme {
      guard let text = try? String(contentsOfFile: readme, encoding: .utf8) else {
        throw XSKError("--readme \(readme)", "can't be read", remedy: "name a Markdown file")
      }
      try write(try GeneratedPart.replacing(in: text, of: readme, with: page.readme()), readme)
    }
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

  private func write(_ text: String, _ file: String) throws(XSKError) {
    do {
      try Data(text.utf8).write(to: URL(filePath: file), options: .atomic)
    } catch {
      throw XSKError(file, "can't be written", remedy: "name a file in a folder that exists and is yours to write")
    }
    print(file)
  }

  /// The way to a folder for links in a file; the whole path unless the folder is beside or below it.
  static func path(to folder: String, from file: String) -> String {
    let here = URL(filePath: file).deletingLastPathComponent().standardizedFileURL.path()
    let there = URL(filePath: folder).standardizedFileURL.path()
    let slash = there.hasSuffix("/") ? there : there + "/"
    return slash.hasPrefix(here) ? String(slash.dropFirst(here.count)) : slash
  }

  private func found(_ browser: Browser?) throws(XSKError) -> Browser {
    guard let browser else {
      throw XSKError(
        "--png", "there is no chromium on the PATH", remedy: "apt-get install chromium, or leave --png out")
    }
    return browser
  }
}
