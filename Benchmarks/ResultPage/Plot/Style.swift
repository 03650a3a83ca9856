/// How plots look. They are drawn 440 units wide: as text that is still read on a telephone, and side by side on a screen.
enum Style {
  static let width = 440.0
  static let text = 12.0
  static let small = 11.0
  static let ink = "#1f2933"
  static let faint = "#5b6773"
  static let grid = "#e3e8ed"
  static let font = "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif"
  /// Told apart by people who see colours differently, and on paper by their lightness.
  static let colours = ["#0b5fa5", "#c4540a", "#22794c", "#7b4397", "#b0263c", "#0f7c86", "#8a6d1a", "#56616c"]
  /// Behind the names of what broke a precondition.
  static let irregularMark = " †"

  static func colour(_ index: Int) -> String { colours[index % colours.count] }

  /// About how wide a text is: no font is known when the drawing is made, so that of a wide one.
  static func width(of text: String, size: Double = Style.text) -> Double { Double(text.count) * size * 0.6 }

  /// The text in lines of at most `room` units, cut at spaces.
  static func lines(_ text: String, room: Double, size: Double = Style.small) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, width(of: last + " " + word, size: size) <= room {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }
}

/// One drawing, complete in itself.
struct Drawing {
  let width: Double
  let height: Double
  private(set) var body = Markup()

  init(height: Double, _ draw: (inout Markup) -> Void) {
    (width, self.height) = (Style.width, height)
    draw(&body)
  }

  /// The svg element: for a page, or with `isFile` to stand alone.
  func svg(title: String, id: String, isFile: Bool = false) -> String {
    var markup = Markup()
    if isFile { markup.markup("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") }
    markup.element(
      "svg",
      [
        "xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 \(width.coordinate) \(height.coordinate)",
        "width": width.coordinate, "height": height.coordinate, "role": "img", "aria-labelledby": "\(id)-title",
        "class": "plot", "id": id, "font-family": Style.font, "font-size": Style.text.coordinate, "fill": Style.ink,
      ]
    ) { svg in
      svg.element("title", ["id": "\(id)-title"], text: title)
      if isFile {
        svg.empty("rect", ["width": width.coordinate, "height": height.coordinate, "fill": "#ffffff"])
      }
      svg.markup(body.text)
    }
    return markup.text
  }
}

extension Markup {
  mutating func label(
    _ words: String, x: Double, y: Double, anchor: String = "start", size: Double = Style.text,
    fill: String = Style.ink,
    weight: String = "400"
  ) {
    // A white rim, so that lines behind do not run through the letters.
    element(
      "text",
      [
        "x": x.coordinate, "y": y.coordinate, "text-anchor": anchor, "font-size": size.coordinate, "fill": fill,
        "font-weight": weight, "stroke": "#ffffff", "stroke-width": "3", "stroke-linejoin": "round",
        "paint-order": "stroke",
      ], text: words)
  }

  mutating func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, stroke: String = Style.grid, width: Double = 1,
    dashes: String = "none"
  ) {
    empty(
      "line",
      [
        "x1": x1.coordinate, "y1": y1.coordinate, "x2": x2.coordinate, "y2": y2.coordinate, "stroke": stroke,
        "stroke-width": width.coordinate, "stroke-dasharray": dashes,
      ])
  }
}
