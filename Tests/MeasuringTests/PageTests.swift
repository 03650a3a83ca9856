import Foundation
import Testing

@testable import Measuring
@testable import ResultPage

/// The page in a real browser: what is drawn, and how it fits.
@Suite struct PageTests {
  private static let documents = [
    Sample.search(), Sample.wire(), Sample.stages(), Sample.engine(started: "2026-11-20T10:00:00Z", cycles: 10),
    Sample.engine(started: "2026-11-21T10:00:00Z", cycles: 9, irregular: ["the hypervisor took 3 % <of> it"]),
  ]

  /// Kind and names of curves, bars or dots of each plot, in the order of the page.
  private static let drawn: [(kind: String, names: [String])] = [
    ("side-by-side", ["drop, xskfwd, 64 B", "drop, testpmd rxonly, 64 B"]), ("ratio", ["drop, xskfwd / testpmd"]),
    ("ratio", ["reflect / drop"]), ("rate-by-size", ["xskfwd forward", "testpmd io"]),
    (
      "loss",
      ["xskfwd forward 64 B", "xskfwd forward 512 B", "xskfwd forward 1518 B", "testpmd io 64 B", "testpmd io 512 B"]
        + ["testpmd io 1518 B"]
    ),
    ("latency", ["xskfwd forward at 0.5 M/s", "testpmd io at 0.5 M/s"]),
    ("stages", ["rings", "parse", "GRO"]), ("cycles", ["drop", "reflect"]),
    ("history", ["drop, hot", "reflect, hot"]),
  ]

  private struct Folder: ~Copyable {
    let path = NSTemporaryDirectory() + "xskbench-page-" + UUID().uuidString
    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  private func browser() throws -> Browser {
    try #require(Browser.find(), "there is no chromium; run: scripts/setup --tests")
  }

  @Test func `a browser shows every plot with its series, and where figures are irregular`() throws {
    let folder = Folder()
    let files = try ResultPage(Self.documents).write(to: folder.path)
    #expect(files.first == "index.html")
    let shown = try browser().document(of: "\(folder.path)/index.html")
    let figures = shown.components(separatedBy: "<figure ").dropFirst()
    #expect(figures.count == files.count - 1)
    #expect(figures.map { Self.attributes("data-kind", of: $0).first } == Self.drawn.map(\.kind))
    for (figure, expected) in zip(figures, Self.drawn) {
      #expect(Self.attributes("data-name", of: figure) == expected.names, "\(expected.kind)")
    }
    let sizes = try #require(figures.first { $0.contains("data-kind=\"rate-by-size\"") })
    #expect(Self.attributes("data-points", of: sizes) == ["3", "3"])
    #expect(sizes.components(separatedBy: "<circle").count == 7)
    let loss = try #require(figures.first { $0.contains("data-kind=\"loss\"") })
    #expect(Self.attributes("data-points", of: loss) == Array(repeating: "5", count: 6))
    let cycles = try #require(figures.first { $0.contains("data-kind=\"cycles\"") })
    #expect(Self.attributes("data-value", of: cycles) == ["10.0", "20.0"])
    #expect(cycles.contains("irregular: the hypervisor took 3 % &lt;of&gt; it"))
    #expect(cycles.contains("10 †"))
    #expect(!sizes.contains("†"))
    #expect(shown.contains("1 of 5 runs broke a precondition"))
    // Names out of files are text, whatever is in them.
    #expect(shown.contains("Model &lt;X&gt; &amp; \"Y\""))
    #expect(!shown.contains("<script") && !shown.contains("http:") || shown.contains("http://www.w3.org/2000/svg"))
  }

  @Test func `everything is within its plot and the page within a telephone, and no names lie on each other`() throws {
    let folder = Folder()
    let page = ResultPage(Self.documents)
    try page.write(to: folder.path)
    let report = try measured(page.html(), width: 390, in: folder.path)
    #expect(report["wider"] == "0")
    #expect(report["plots"] == "\(page.plots.count)")
    #expect(Int(report["texts"] ?? "") ?? 0 > 90)
    #expect(report["outside"] == "")
    #expect(report["overlapping"] == "")
  }

  @Test func `each plot's file is a picture that is not blank`() throws {
    let folder = Folder()
    let page = ResultPage(Self.documents)
    try page.write(to: folder.path)
    for plot in page.plots {
      let svg = try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/\(plot.name)"))
      let pixels = try pixels(of: svg, plot.width, plot.height, in: folder.path)
      // White paper with text, grid and at least one mark in a series' colour.
      #expect(pixels.white > 0.5 && pixels.white < 0.99, "\(plot.name) \(pixels)")
      #expect(pixels.coloured > 0.001, "\(plot.name) \(pixels)")
    }
    let picture = "\(folder.path)/plot.png"
    try browser().picture(
      of: "\(folder.path)/\(page.plots[0].name)", width: page.plots[0].width, height: page.plots[0].height, to: picture)
    #expect(try Data(contentsOf: URL(fileURLWithPath: picture)).starts(with: [0x89, 0x50, 0x4E, 0x47]))
  }

  @Test func `the page prints`() throws {
    let folder = Folder()
    try ResultPage(Self.documents).write(to: folder.path)
    let document = "\(folder.path)/page.pdf"
    try browser().print("\(folder.path)/index.html", to: document)
    #expect(try Data(contentsOf: URL(fileURLWithPath: document)).starts(with: Array("%PDF".utf8)))
  }

  @Test func `a heap of nothing has no plots, and says nothing is irregular`() {
    let page = ResultPage([])
    #expect(page.plots.isEmpty)
    #expect(!page.html().contains("<figure"))
  }

  // MARK: Looking

  private static func attributes(_ name: String, of text: String) -> [String] {
    text.components(separatedBy: "\(name)=\"").dropFirst().map { String($0.prefix { $0 != "\"" }) }
  }

  /// What a browser says about the page in a window of this width: its script looks into a frame.
  private func measured(_ html: String, width: Int, in folder: String) throws -> [String: String] {
    let file = "\(folder)/look.html"
    let text = """
      <!DOCTYPE html><meta charset="utf-8"><body style="margin:0"><iframe id="f" style="width:\(width)px;height:2000px;border:0"
      srcdoc="\(Markup.escaped(html))"></iframe><script>
      document.getElementById("f").onload = function () {
        const page = this.contentDocument, out = {outside: [], overlapping: [], texts: 0, plots: 0};
        for (const svg of page.querySelectorAll("svg.plot")) {
          out.plots++;
          const box = svg.viewBox.baseVal, seen = [];
          for (const text of svg.querySelectorAll("text")) {
            const b = text.getBBox();
            out.texts++;
            if (b.x < -1 || b.y < -1 || b.x + b.width > box.width + 1 || b.y + b.height > box.height + 1)
              out.outside.push(svg.id + ": " + text.textContent + " at " + [b.x, b.y, b.width, b.height]);
            for (const [other, o] of seen)
              if (b.x + 1 < o.x + o.width && o.x + 1 < b.x + b.width && b.y + 3 < o.y + o.height && o.y + 3 < b.y + b.height)
                out.overlapping.push(svg.id + ": " + other + " / " + text.textContent);
            seen.push([text.textContent, b]);
          }
        }
        for (const [key, value] of Object.entries({...out, wider: page.documentElement.scrollWidth - page.documentElement.clientWidth}))
          document.body.setAttribute("data-" + key.toLowerCase(), Array.isArray(value) ? value.join("; ") : value);
      };
      </script></body>
      """
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    let shown = try browser().document(of: file)
    var answers: [String: String] = [:]
    for key in ["outside", "overlapping", "texts", "plots", "wider"] {
      answers[key] = Self.attributes("data-\(key.lowercased())", of: shown).last
    }
    return answers
  }

  /// Shares of white and of coloured pixels when the file is shown.
  private func pixels(
    of svg: Data, _ width: Int, _ height: Int, in folder: String
  ) throws -> (white: Double, coloured: Double) {
    let file = "\(folder)/count.html"
    let text = """
      <!DOCTYPE html><body><canvas id="c" width="\(width)" height="\(height)"></canvas><script>
      const image = new Image();
      image.onload = () => {
        const pen = document.getElementById("c").getContext("2d");
        pen.drawImage(image, 0, 0);
        const data = pen.getImageData(0, 0, \(width), \(height)).data;
        let white = 0, coloured = 0;
        for (let i = 0; i < data.length; i += 4) {
          const [r, g, b] = [data[i], data[i + 1], data[i + 2]];
          if (r > 250 && g > 250 && b > 250) white++;
          if (Math.max(r, g, b) - Math.min(r, g, b) > 60) coloured++;
        }
        document.body.setAttribute("data-white", white * 4 / data.length);
        document.body.setAttribute("data-coloured", coloured * 4 / data.length);
      };
      image.src = "data:image/svg+xml;base64,\(svg.base64EncodedString())";
      </script></body>
      """
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    let shown = try browser().document(of: file)
    func number(_ name: String) throws -> Double {
      let text = try #require(Self.attributes(name, of: shown).last)
      return try #require(Double(text))
    }
    return (try number("data-white"), try number("data-coloured"))
  }
}
