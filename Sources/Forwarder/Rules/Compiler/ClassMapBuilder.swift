/// Builds the tables that find a key's row: trees whose leaves are cache lines.
///
///     entry    31 30 │ 29 … 0
///     row       0  0 │ the row
///     line      0  1 │ place of 16 words, in units of 16: 7 last keys and .max, then 8 entries
///     table     1  0 │ its bits less 1 (4 bits), its place in units of 16 words (26 bits): an entry for each value of
///                    │ the key's next bits
///     further   1  1 │ place of a word with the entry to go on with, for the next 32 bits of the address
///
/// Keys stand at the upper end of 32 bits; going through a table shifts its bits out. Up to eight ranges of keys make one
/// line, so few rules take one line a field. More make a table with about as many entries as there are ranges. Each of its
/// entries leads to a line or a table, even where one row is all there is: that would be one more branch to foretell.
///
/// That is for addresses. Shorter fields have tables without kinds: of 8 bits one list, of more two levels of 256 entries.
struct ClassMapBuilder {
  /// Where keys begin that lead to an entry; the first is 0.
  typealias Span<Key> = (start: Key, entry: UInt32)

  /// The first 16 are not used: no entry has place 0.
  private(set) var words = [UInt32](repeating: 0, count: 16)
  /// Lines and pages that are all one row, or are there already.
  private var plainLines: [UInt32: UInt32] = [:]
  private var pages: [[UInt32]: UInt32] = [:]

  /// The tree for addresses of `chunks` × 32 bits.
  ///
  /// - Parameter spans: in order, the first at 0.
  mutating func build(_ spans: ArraySlice<Span<UInt128>>, chunks: Int) -> UInt32 {
    let lower = UInt128(32 * (chunks - 1))
    let mask = (UInt128(1) << lower) - 1
    var tops: [Span<UInt64>] = []
    var place = spans.startIndex
    while place < spans.endIndex {
      let top = UInt64(truncatingIfNeeded: spans[place].start >> lower)
      var end = place
      while end < spans.endIndex && UInt64(truncatingIfNeeded: spans[end].start >> lower) == top { end += 1 }
      if end - place == 1 && spans[place].start & mask == 0 {
        tops.append((top, spans[place].entry))
      } else {
        // Within this value of the upper 32 bits, the lower ones decide.
        var inner: [Span<UInt128>] = spans[place..<end].map { ($0.start & mask, $0.entry) }
        if inner[0].start != 0 { inner.insert((0, spans[place - 1].entry), at: 0) }
        let entry = build(inner[...], chunks: chunks - 1)
        words += [entry] + [UInt32](repeating: 0, count: 15)
        tops.append((top, 3 << 30 | UInt32(words.count - 16)))
        // Behind it the last range goes on, up to where the next one begins.
        let isFilled = end < spans.endIndex && UInt64(truncatingIfNeeded: spans[end].start >> lower) == top + 1
        if !isFilled && top < UInt64(UInt32.max) { tops.append((top + 1, spans[end - 1].entry)) }
      }
      place = end
    }
    return build(tops, width: 32)
  }

  /// The tree for keys of `width` bits.
  mutating func build(_ spans: [Span<UInt64>], width: Int) -> UInt32 {
    var distinct: [Span<UInt64>] = []
    for span in spans where distinct.last?.entry != span.entry { distinct.append(span) }
    if distinct.count == 1 { return distinct[0].entry }
    if distinct.count <= 8 { return line(distinct, width: width) }
    let count = distinct.count - 1
    let bits = min(width, 16, max(4, Int.bitWidth - count.leadingZeroBitCount))
    return table(distinct, width: width, bits: bits)
  }

  private mutating func line(_ spans: [Span<UInt64>], width: Int) -> UInt32 {
    let place = words.count
    words += [UInt32](repeating: UInt32(Int32.max), count: 8)
    words += [UInt32](repeating: spans[spans.count - 1].entry, count: 8)
    for (number, span) in spans.enumerated() {
      words[place + 8 + number] = span.entry
      guard number > 0 else { continue }
      // Their top bits are flipped, for signed comparison.
      words[place + number - 1] = UInt32(truncatingIfNeeded: (span.start - 1) << UInt64(32 - width)) ^ 1 << 31
    }
    return 1 << 30 | UInt32(place / 16)
  }

  private mutating func plainLine(_ entry: UInt32) -> UInt32 {
    if let line = plainLines[entry] { return line }
    let line = line([(0, entry)], width: 32)
    plainLines[entry] = line
    return line
  }

  private mutating func table(_ spans: [Span<UInt64>], width: Int, bits: Int) -> UInt32 {
    let place = words.count
    let cells = 1 << bits
    words += [UInt32](repeating: 0, count: (cells + 15) & ~15)
    let cellWidth = width - bits
    var next = 0
    for cell in 0..<cells {
      let start = UInt64(cell) << UInt64(cellWidth)
      let end = start + (1 << UInt64(cellWidth))
      while next + 1 < spans.count && spans[next + 1].start <= start { next += 1 }
      var inner: [Span<UInt64>] = [(0, spans[next].entry)]
      while next + 1 < spans.count && spans[next + 1].start < end {
        next += 1
        inner.append((spans[next].start - start, spans[next].entry))
      }
      var entry = build(inner, width: cellWidth)
      if entry >> 30 == 0 || entry >> 30 == 3 { entry = plainLine(entry) }
      words[place + cell] = entry
    }
    return 2 << 30 | UInt32(bits - 1) << 26 | UInt32(place / 16)
  }
}

// MARK: Tables without kinds

extension ClassMapBuilder {
  /// A row for each of `count` keys; the place of the first.
  mutating func buildList(_ spans: [Span<Int>], count: Int) -> UInt32 {
    var rows: [UInt32] = []
    rows.reserveCapacity(count)
    for (number, span) in spans.enumerated() {
      let end = number + 1 < spans.count ? spans[number + 1].start : count
      rows += [UInt32](repeating: span.entry, count: end - rows.count)
    }
    return append(rows)
  }

  /// For each upper byte of a key the place of a page, which has a row for each lower byte. Equal pages are there once.
  mutating func buildPages(_ spans: [Span<Int>], count: Int) -> UInt32 {
    let list = Int(buildList(spans, count: count))
    let rows = Array(words[list...])
    words.removeSubrange(list...)
    let index = stride(from: 0, to: count, by: 256).map { page(Array(rows[$0..<$0 + 256])) }
    return append(index)
  }

  private mutating func page(_ rows: [UInt32]) -> UInt32 {
    if let page = pages[rows] { return page }
    let page = append(rows)
    pages[rows] = page
    return page
  }

  private mutating func append(_ rows: [UInt32]) -> UInt32 {
    let place = UInt32(words.count)
    words += rows
    words += [UInt32](repeating: 0, count: (16 - words.count & 15) & 15)
    return place
  }
}
