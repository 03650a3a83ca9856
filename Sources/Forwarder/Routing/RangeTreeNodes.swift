/// The nodes of a `RangeTree` while it is made: eight words each.
struct RangeTreeNodes {
  var words: [UInt64] = []

  /// A range of 64-bit keys.
  typealias Piece = (start: UInt64, entry: UInt32)

  /// Makes the trees of all values of the first 16 bits.
  ///
  /// - Returns: the direct table.
  mutating func directTable(_ ranges: [AddressRange<UInt128>]) -> [UInt32] {
    let pieces = firstHalves(ranges)
    var direct = [UInt32](repeating: 0, count: 1 << 16)
    var next = 0
    var current: UInt32 = 0
    for slot in 0..<UInt64(1 << 16) {
      var inside: [Piece] = [(slot << 48, current)]
      while next < pieces.count, pieces[next].start >> 48 == slot {
        if pieces[next].start == slot << 48 { inside.removeLast() }
        inside.append(pieces[next])
        current = pieces[next].entry
        next += 1
      }
      direct[Int(slot)] = tree(inside)
    }
    return direct
  }

  /// What is in force by the first 64 bits: where the last 64 bits matter, a pointer to a tree of them.
  private mutating func firstHalves(_ ranges: [AddressRange<UInt128>]) -> [Piece] {
    var pieces: [Piece] = []
    pieces.reserveCapacity(ranges.count)
    var current: UInt32 = 0
    var index = 0
    while index < ranges.count {
      let half = UInt64(truncatingIfNeeded: ranges[index].start >> 64)
      var inside: [Piece] = [(0, current)]
      while index < ranges.count, UInt64(truncatingIfNeeded: ranges[index].start >> 64) == half {
        let low = UInt64(truncatingIfNeeded: ranges[index].start)
        if low == 0 { inside.removeLast() }
        current = ranges[index].entry
        inside.append((low, current))
        index += 1
      }
      if let last = pieces.last, last.start == half { pieces.removeLast() }
      guard inside.count > 1 else {
        pieces.append((half, current))
        continue
      }
      pieces.append((half, tree(inside, RangeTreeView.low)))
      if half != .max { pieces.append((half + 1, current)) }
    }
    return pieces
  }

  /// Makes the tree of some pieces, the first of which begins where keys may begin.
  ///
  /// - Parameter half: `RangeTreeView.low` for a tree of the last 64 bits: all of its pointers say so.
  /// - Returns: the root's entry; the piece's own if there is but one.
  private mutating func tree(_ pieces: [Piece], _ half: UInt32 = 0) -> UInt32 {
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
    return RangeTreeView.pointer | RangeTreeView.leaf | UInt32(truncatingIfNeeded: words.count / 8 - 1)
  }

  private mutating func inner(_ children: ArraySlice<Piece>) -> UInt32 {
    appendSeparators(children, room: 7)
    words.append(UInt64(children.first?.entry ?? 0))
    return RangeTreeView.pointer | UInt32(truncatingIfNeeded: words.count / 8 - 1)
  }

  /// A range starts above its separator; no key is above the separators of ranges that are not there.
  private mutating func appendSeparators(_ pieces: ArraySlice<Piece>, room: Int) {
    words += pieces.dropFirst().map { $0.start - 1 }
    words += [UInt64](repeating: .max, count: room - (pieces.count - 1))
  }
}
