/// One row for each thing: its name, below it a bar or a dot with its spread, and the figure at the end.
struct RowPlot {
  struct Row {
    var name: String
    var value: Double
    /// Where the bar begins; above zero for the steps of a sum.
    var start = 0.0
    var spread: ClosedRange<Double>?
    /// What is written at the end instead of the value.
    var label: String?
    var colour: String
    var isIrregular = false
  }

  enum Form { case bars, dots }

  var rows: [Row]
  var title: String
  var form = Form.bars
  /// A value that has a line of its own: 1 for ratios.
  var reference: Double?

  private var top: Double { 26 }
  private var pitch: Double { 38 }
  private var right: Double {
    let widest = rows.map { Style.width(of: text($0)) }.max() ?? 0
    return Style.width - widest - 12
  }

  /// Where the axis ends at the latest: one disturbed repeat must not press all bars flat. What goes on is drawn as an arrow.
  private var limit: Double { max(rows.map(\.value).max() ?? 1, reference ?? 0) * (form == .dots ? 2 : 1.5) }

  private func text(_ row: Row) -> String {
    (row.label ?? row.value.label) + (row.isIrregular ? Style.irregularMark : "")
  }

  func drawing() -> Drawing {
    let bottom = top + Double(rows.count) * pitch + 4
    var values = rows.flatMap { [$0.value, $0.start, $0.spread?.lowerBound, $0.spread?.upperBound].compactMap(\.self) }
    if let reference { values.append(reference) }
    let limit = self.limit
    values = values.map { min($0, limit) }
    let x = Scale.linear(values, from: 1, to: right, zero: form == .bars, ticks: 4)
    return Drawing(height: bottom + 22) { svg in
      svg.element("g", ["class": "axis x"]) { svg in
        svg.label(title, x: 1, y: 12, size: Style.small, fill: Style.faint)
        for tick in x.ticks {
          let place = x.position(tick.value)
          svg.line(place, top - 2, place, bottom)
          svg.label(
            tick.label, x: place, y: bottom + 15, anchor: tick.value == x.domain.lowerBound ? "start" : "middle",
            size: Style.small, fill: Style.faint)
        }
      }
      if let reference {
        let place = x.position(reference)
        for index in rows.indices {
          let middle = top + Double(index) * pitch + 25
          svg.line(place, middle - 7, place, middle + 7, stroke: Style.ink, width: 1.2)
        }
      }
      for (index, row) in rows.enumerated() { draw(row, top + Double(index) * pitch, x, &svg) }
    }
  }

  private func draw(_ row: Row, _ y: Double, _ x: Scale, _ svg: inout Markup) {
    svg.element("g", ["class": "series", "data-name": row.name, "data-points": "1", "data-value": "\(row.value)"]) {
      svg in
      svg.label(row.name, x: 1, y: y + 14)
      let middle = y + 25
      if form == .bars {
        let (from, to) = (x.position(min(row.start, row.value)), x.position(max(row.start, row.value)))
        svg.empty(
          "rect",
          [
            "x": from.coordinate, "y": (middle - 6).coordinate, "width": max(1, to - from).coordinate, "height": "12",
            "rx": "1.5", "fill": row.colour, "fill-opacity": row.isIrregular ? "0.3" : "0.88", "stroke": row.colour,
            "stroke-opacity": row.isIrregular ? "1" : "0", "stroke-dasharray": row.isIrregular ? "3 2" : "none",
          ])
      }
      if let spread = row.spread {
        let (low, high) = (x.position(spread.lowerBound), x.position(spread.upperBound))
        let ink = form == .bars ? Style.ink : row.colour
        svg.line(low, middle, high, middle, stroke: ink, width: form == .bars ? 1.2 : 3)
        let isCut = spread.upperBound > x.domain.upperBound
        for end in isCut ? [low] : [low, high] where form == .bars {
          svg.line(end, middle - 3.5, end, middle + 3.5, stroke: ink, width: 1.2)
        }
        if isCut {
          let tip = "\(high.coordinate),\(middle.coordinate)"
          let back = (high - 6).coordinate
          svg.empty(
            "polygon",
            [
              "class": "cut", "fill": ink,
              "points": "\(tip) \(back),\((middle - 4).coordinate) \(back),\((middle + 4).coordinate)",
            ])
        }
      }
      if form == .dots {
        svg.empty(
          "circle",
          [
            "cx": x.position(row.value).coordinate, "cy": middle.coordinate, "r": "5",
            "fill": row.isIrregular ? "#ffffff" : row.colour, "stroke": row.colour, "stroke-width": "2",
          ])
      }
      let ends = [row.value, row.start, row.spread?.upperBound ?? row.value].map(x.position)
      svg.label(
        text(row), x: (form == .bars ? ends.max() ?? right : right) + 8, y: middle + 4, weight: "600")
    }
  }
}
