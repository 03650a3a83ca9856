/// The nodes of a `RangeTree` while it is made: eight words a line.
struct RangeTreeNodes {
  var words: [UInt64] = []

  /// From `start` to the next piece's start, or the end of what is divided, `entry` is in force.
  typealias Piece = (start: UInt64, entry: UInt32)

  /// Pieces from which a table ahead of the tree pays.
  static let tableThreshold = 32

  /// Makes the trees of all values of the first 16 bits.
  ///
  /// - Returns: the direct table.
  mutating func directTable(_ ranges: [AddressRange<UInt128>]) -> [UInt32] {
    let pieces = firstHalves(ranges)
    return divide(pieces, bits: 16, of: 64) { nodes, part in nodes.root(part, of: 48, half: 0) }
  }

  /// What is in force by the first 64 bits: where the last 64 bits matter, a pointer to a tree of them.
  private mutating func firstHalves(_ ranges: [AddressRange<UInt128>]) -> [Piece] {
    var pieces: [Piece] = []
    pieces.reserveCapacity(ranges.count + ranges.count / 2)
    var current: UInt32 = 0
    var index = 0
    while index < ranges.count {
      let half = UInt64(truncatingIfNeeded: ranges[index].start >> 64)
      let first = index
      while index < ranges.count, UInt64(truncatingIfNeeded: ranges[index].start >> 64) == half { index += 1 }
      if let last = pieces.last, last.start == half { pieces.removeLast() }
      let inside = ranges[first..<index]
      if inside.count == 1, UInt64(truncatingIfNeeded: ranges[first].start) == 0 {
        pieces.append((half, ranges[first].entry))
      } else {
        pieces.append((half, lastHalf(inside, current)))
        if half != .max { pieces.append((half + 1, ranges[index - 1].entry)) }
      }
      current = ranges[index - 1].entry
    }
    return pieces
  }

  /// The tree of the last 64 bits, for ranges that start with the same first 64; before the first of them `current` is in
  /// force.
  private mutating func lastHalf(_ ranges: ArraySlice<AddressRange<UInt128>>, _ current: UInt32) -> UInt32 {
    var pieces: [Piece] = [(0, current)]
    for range in ranges {
      let start = UInt64(truncatingIfNeeded: range.start)
      if start == 0 { pieces.removeLast() }
      pieces.append((start, range.entry))
    }
    return root(pieces, of: 64, half: RangeTreeView.low)
  }

  /// Divides keys of `width` bits, beginning with the first piece, into 2^`bits` parts of the same size.
  ///
  /// - Returns: what `make` gives for the pieces of each part.
  private mutating func divide(
    _ pieces: [Piece], bits: Int, of width: Int, _ make: (inout RangeTreeNodes, [Piece]) -> UInt32
  ) -> [UInt32] {
    var entries: [UInt32] = []
    entries.reserveCapacity(1 << bits)
    var next = 0
    var current: UInt32 = 0
    for number in 0..<UInt64(1) << UInt64(bits) {
      let start = pieces[0].start + number << UInt64(width - bits)
      let first = next
      while next < pieces.count, (pieces[next].start ^ start) >> UInt64(width - bits) == 0 { next += 1 }
      var part = Array(pieces[first..<next])
      if part.first?.start != start { part.insert((start, current), at: 0) }
      current = part[part.count - 1].entry
      entries.append(part.count == 1 ? current : make(&self, part))
    }
    return entries
  }

  /// Makes a tree for keys of `width` bits: where there are many pieces, with a table of their first bits ahead of it.
  ///
  /// - Parameter half: `RangeTreeView.low` for a tree of the last 64 bits: all of its pointers say so.
  private mutating func root(_ pieces: [Piece], of width: Int, half: UInt32) -> UInt32 {
    guard pieces.count >= Self.tableThreshold else { return tree(pieces, half) }
    let bits = min(15, Int.bitWidth - 1 - pieces.count.leadingZeroBitCount)
    let table = divide(pieces, bits: bits, of: width) { nodes, part in nodes.tree(part, half) }
    for pair in stride(from: 0, to: table.count, by: 2) {
      words.append(UInt64(table[pair]) | UInt64(table[pair + 1]) << 32)
    }
    let number = words.count / 8 - table.count / 16
    return RangeTreeView.pointer | RangeTreeView.table | half | UInt32(bits) << 24 | line(number)
  }

  /// Makes the tree of some pieces, the first of which begins where keys may begin.
  ///
  /// - Returns: the root's entry; the piece's own if there is but one.
  private mutating func tree(_ pieces: [Piece], _ half: UInt32) -> UInt32 {
    guard pieces.count > 1 else { return pieces[0].entry }
    // Each level's nodes with the first key of each. Bottom up: a level's nodes lie side by side.
    var level: [Piece] = []
    for first in stride(from: 0, to: pieces.count, by: 6) {
      level.append((pieces[first].start, leaf(pieces[first..<min(first + 6, pieces.count)]) | half))
    }
    while level.count > 1 {
      var upper: [Piece] = []
      for first in stride(from: 0, to: level.count, by: 8) {
        upper.append((level[first].start, inner(level[first..<min(first + 8, level.count)]) | half))
      }
      level = upper
    }
    return level[0].entry
  }

  private mutating func leaf(_ pieces: ArraySlice<Piece>) -> UInt32 {
    appendSeparators(pieces, room: 5)
    let entries = pieces.map(\.entry) + [UInt32](repeating: 0, count: 6 - pieces.count)
    for pair in 0..<3 { words.append(UInt64(entries[2 * pair]) | UInt64(entries[2 * pair + 1]) << 32) }
    return RangeTreeView.pointer | RangeTreeView.leaf | line(words.count / 8 - 1)
  }

  private mutating func inner(_ children: ArraySlice<Piece>) -> UInt32 {
    appendSeparators(children, room: 7)
    words.append(UInt64(children.first?.entry ?? 0))
    return RangeTreeView.pointer | line(words.count / 8 - 1)
  }

  /// A range starts above its separator; no key is above the separators of ranges that are not there.
  private mutating func appendSeparators(_ pieces: ArraySlice<Piece>, room: Int) {
    words += pieces.dropFirst().lazy.map { $0.start - 1 }
    for _ in pieces.count - 1..<room { words.append(.max) }
  }

  /// Numbers that don't fit are never used: `RangeTree` refuses so many lines.
  private func line(_ number: Int) -> UInt32 { UInt32(truncatingIfNeeded: number) & RangeTreeView.lineMask }
}
