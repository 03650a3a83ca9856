/// Curves over an axis, each named at its end.
struct LinePlot {
  struct Point {
    var x: Double
    var y: Double
    var isIrregular = false
  }

  struct Series {
    var name: String
    var points: [Point]
    var colour: String
  }

  /// A value of the horizontal axis that means something.
  struct Mark {
    var x: Double
    var name: String
    var colour: String
  }

  enum Horizontal {
    case names([String])
    case numbers
    /// Labels for the first and the last value.
    case ends(String, String)
  }

  var series: [Series]
  var horizontal: Horizontal
  var horizontalTitle: String
  var verticalTitle: String
  var isLogarithmic = false
  /// Whether the vertical axis begins at zero: what is compared by eye as a share must.
  var startsAtZero = true
  var marks: [Mark] = []
  /// Points are trials in any order: no line joins them in that of measuring.
  var joins = true

  private var height: Double { marks.isEmpty ? 290 : 256 + top }
  private var top: Double { marks.isEmpty ? 34 : 29 + 13 * Double((placedMarks().map(\.row).max() ?? 0) + 1) }
  private var bottom: Double { height - 44 }
  private var left: Double { 46 }

  /// Room for the names behind the curves.
  private var right: Double {
    let widest =
      series.flatMap { Style.lines($0.name, room: 104) }.map { Style.width(of: $0, size: Style.small) }.max() ?? 0
    return Style.width - min(118, widest + 14)
  }

  func drawing() -> Drawing {
    let values = series.flatMap { $0.points.map(\.y) }
    let y: Scale =
      isLogarithmic
      ? .logarithmic(values, from: bottom, to: top)
      : .linear(values, from: bottom, to: top, zero: startsAtZero)
    let x = horizontalScale()
    return Drawing(height: height) { svg in
      drawAxes(x, y, &svg)
      for mark in marks {
        let place = x.position(mark.x)
        svg.line(place, top - 4, place, bottom, stroke: mark.colour, width: 1, dashes: "3 3")
      }
      drawMarkNames(&svg)
      for one in series { draw(one, x, y, &svg) }
      drawNames(x, y, &svg)
    }
  }

  private func horizontalScale() -> Scale {
    switch horizontal {
    case .names(let names): return .ordinal(names, from: left, to: right)
    case .numbers:
      let values = series.flatMap { $0.points.map(\.x) } + marks.map(\.x)
      let isFar = (values.min() ?? 0) > 0.3 * (values.max() ?? 0)
      return .linear(values, from: left, to: right, zero: !isFar, ticks: 4)
    case .ends(let first, let last):
      let values = series.flatMap { $0.points.map(\.x) }
      let (low, high) = (values.min() ?? 0, values.max() ?? 1)
      return Scale(
        domain: low...max(high, low + 1), start: left + 8, end: right - 8, isLogarithmic: false,
        ticks: [.init(value: low, label: first)] + (high > low ? [.init(value: high, label: last)] : []))
    }
  }

  private func drawAxes(_ x: Scale, _ y: Scale, _ svg: inout Markup) {
    svg.element("g", ["class": "axis y"]) { svg in
      for tick in y.ticks {
        let place = y.position(tick.value)
        svg.line(left, place, right, place)
        svg.label(tick.label, x: left - 7, y: place + 4, anchor: "end", size: Style.small, fill: Style.faint)
      }
      svg.label(verticalTitle, x: 1, y: 14, size: Style.small, fill: Style.faint)
    }
    svg.element("g", ["class": "axis x"]) { svg in
      svg.line(left, bottom, right, bottom, stroke: Style.faint)
      for (index, tick) in x.ticks.enumerated() {
        let place = x.position(tick.value)
        svg.line(place, bottom, place, bottom + 4, stroke: Style.faint)
        var anchor = "middle"
        if case .ends = horizontal, x.ticks.count > 1 { anchor = index == 0 ? "start" : "end" }
        svg.label(tick.label, x: place, y: bottom + 17, anchor: anchor, size: Style.small, fill: Style.faint)
      }
      svg.label(
        horizontalTitle, x: (left + right) / 2, y: height - 8, anchor: "middle", size: Style.small, fill: Style.faint)
    }
  }

  /// Where names of marks stand: in as many rows as they need so that none lies on another, the lowest first.
  private func placedMarks() -> [(mark: Mark, middle: Double, row: Int)] {
    let x = horizontalScale()
    var ends: [Double] = []
    return marks.sorted { $0.x < $1.x }.map { mark in
      let width = Style.width(of: mark.name, size: Style.small) * 1.12  // Bold.
      let middle = min(max(x.position(mark.x), left + width / 2), Style.width - width / 2)
      let row = ends.firstIndex { $0 < middle - width / 2 } ?? ends.count
      if row == ends.count { ends.append(0) }
      ends[row] = middle + width / 2 + 4
      return (mark, middle, row)
    }
  }

  private func drawMarkNames(_ svg: inout Markup) {
    for (mark, middle, row) in placedMarks() {
      svg.label(
        mark.name, x: middle, y: top - 8 - Double(row) * 13, anchor: "middle", size: Style.small, fill: mark.colour,
        weight: "600")
    }
  }

  private func draw(_ one: Series, _ x: Scale, _ y: Scale, _ svg: inout Markup) {
    let points = joins ? one.points.sorted { $0.x < $1.x } : one.points
    svg.element("g", ["class": "series", "data-name": one.name, "data-points": "\(points.count)"]) { svg in
      if joins, points.count > 1 {
        let path = points.map { "\(x.position($0.x).coordinate),\(y.position($0.y).coordinate)" }
        svg.empty(
          "polyline",
          [
            "points": path.joined(separator: " "), "fill": "none", "stroke": one.colour, "stroke-width": "2",
            "stroke-linejoin": "round", "stroke-linecap": "round",
          ])
      }
      for point in points {
        svg.element(
          "circle",
          [
            "cx": x.position(point.x).coordinate, "cy": y.position(point.y).coordinate, "r": "3.4",
            "fill": point.isIrregular ? "#ffffff" : one.colour, "stroke": one.colour, "stroke-width": "1.6",
          ]
        ) { $0.element("title", text: "\(one.name): \(point.y.label)\(point.isIrregular ? ", irregular" : "")") }
      }
    }
  }

  /// Each series' name behind its last point, pushed apart where they would lie on each other.
  private func drawNames(_ x: Scale, _ y: Scale, _ svg: inout Markup) {
    struct Name {
      var lines: [String]
      var colour: String
      var y: Double
      var height: Double { Double(lines.count) * 13 }
    }
    var names = series.compactMap { one -> Name? in
      guard let last = one.points.max(by: { $0.x < $1.x }) else { return nil }
      return Name(lines: Style.lines(one.name, room: 104), colour: one.colour, y: y.position(last.y))
    }.sorted { $0.y < $1.y }
    // Down from the top, then up from the bottom.
    for index in names.indices.dropFirst() {
      let above = names[index - 1]
      names[index].y = max(names[index].y, above.y + above.height / 2 + names[index].height / 2 + 2)
    }
    var limit = bottom + 6
    for index in names.indices.reversed() {
      names[index].y = min(names[index].y, limit - names[index].height / 2)
      limit = names[index].y - names[index].height / 2 - 2
    }
    for name in names {
      for (row, line) in name.lines.enumerated() {
        svg.label(
          line, x: right + 8, y: name.y - name.height / 2 + 10 + Double(row) * 13, size: Style.small, fill: name.colour,
          weight: "600")
      }
    }
  }
}
