import Foundation
import Testing
import XSKEngine

@testable import Measuring
@testable import ResultPage

@Suite struct MarkdownTests {
  @Test func `the Markdown page shows each plot's file with its numbers and its command`() {
    let page = ResultPage([
      Sample.wire(), Sample.engine(started: "2026-11-21T10:00:00Z", cycles: 10, irregular: ["stolen"]),
    ])
    let text = page.markdown(plots: "results/")
    for plot in page.plots { #expect(text.contains("![\(plot.title)](results/\(plot.name))")) }
    #expect(text.contains("`xskbench wire --pairs 3`, 2026-11-21 17:30 UTC."))
    #expect(text.contains("| drop, xskfwd / testpmd | 1.07 | 1.02 | 1.1 | 3 |"))
    #expect(text.contains("† irregular: stolen"))
    #expect(text.contains("**† 1 of 2 runs broke a precondition.**"))
  }

  @Test func `a README gets the tables between its comments, and nothing else changes`() throws {
    let page = ResultPage([Sample.wire()])
    let before = "# Title\n\n\(GeneratedPart.begin)\nold\n\(GeneratedPart.end)\n\nrest\n"
    let after = try GeneratedPart.replacing(in: before, of: "README", with: page.readme())
    #expect(
      after.hasPrefix(
        "# Title\n\n\(GeneratedPart.begin)\n\nMeasured on Model <X> & \"Y\", 2 CPUs (virtual), Linux 6.18.1, TSC 2.6 GHz.\n\n"
          + "`xskbench wire --pairs 3`, 2026-11-21 17:30 UTC: Real veth devices, "))
    #expect(after.hasSuffix(" |\n\n\(GeneratedPart.end)\n\nrest\n"))
    #expect(after.contains("| drop, xskfwd | 64 | 4.7 | 4.6 … 4.8 | 3 |"))
    #expect(!after.contains("old"))
    // Every benchmark that has tables has a sentence of what was measured.
    let all = ResultPage([
      Sample.wire(), Sample.search(), Sample.stages(), Sample.engine(started: "2026-11-21T10:00:00Z", cycles: 10),
    ]).readme()
    let heads = all.split(separator: "\n").filter { $0.hasPrefix("`xskbench ") }
    #expect(heads.count == 4 && heads.allSatisfy { $0.hasSuffix(".") && $0.contains(" UTC: ") }, "\(heads)")
    #expect(all.contains("| goal | lower bound, M/s | upper bound, M/s |") && all.contains("P99.9, µs"))
    // Once more changes nothing.
    #expect(try GeneratedPart.replacing(in: after, of: "README", with: page.readme()) == after)
  }

  @Test(
    arguments: [
      "", "nothing", GeneratedPart.begin, GeneratedPart.end, "\(GeneratedPart.end)\n\(GeneratedPart.begin)",
      "\(GeneratedPart.begin)\n\(GeneratedPart.begin)\n\(GeneratedPart.end)",
    ])
  func `a file without the comments is refused`(text: String) {
    #expect(throws: XSKError.self) { try GeneratedPart.replacing(in: text, of: "README", with: "x") }
  }
}

@Suite struct FigureTests {
  /// The same benchmark at three frame sizes.
  private static let sizes = [1514, 64, 512].map { size in
    var document = Sample.wire()
    document.command += " --size \(size)"
    for index in document.results.indices {
      document.results[index].frameBytes = size
      document.results[index].mpps -= Double(size) / 1000
    }
    return document
  }

  @Test func `documents that differ in frame size share their plots`() throws {
    let figures = FigureMaker(Self.sizes).figures()
    #expect(figures.map(\.kind) == [.sideBySide, .ratio, .rateBySize])
    // Bars show the smallest size, ratios all of them in order.
    #expect(figures[0].table.dropFirst().map { $0[1] } == ["64", "64"])
    #expect(
      figures[1].table.dropFirst().map(\.first) == [64, 512, 1514].map { "drop, xskfwd / testpmd, \($0) B" })
    #expect(figures[2].sources.count == 3)
  }

  @Test func `of one command the newest is drawn, and all make its history`() throws {
    let days = (1...3).map { Sample.engine(started: "2026-11-0\($0)T10:00:00Z", cycles: Double($0)) }
    let figures = FigureMaker([days[2], days[0], days[1]]).figures()
    #expect(figures.map(\.kind) == [.ratio, .cycles, .history])
    #expect(figures[1].table[1][1] == "4")
    #expect(figures[2].table.dropFirst().map { $0[1] } == ["2", "3", "4"])
  }
}
