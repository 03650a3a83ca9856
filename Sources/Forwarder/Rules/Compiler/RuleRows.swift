/// The rules that are still possible, as a field's keys are swept: a bit for each rule, by its place in the plan.
struct PossibleRules {
  private(set) var words: [UInt64]
  /// For each block a sum over its rules that are possible, and one over all of them. Each rule has 128 random bits, so equal
  /// sums mean equal rules: a row is found again without comparing bits.
  private(set) var blockSums: [UInt128]
  private(set) var sum: UInt128 = 0

  init(blocks: Int) {
    words = [UInt64](repeating: 0, count: blocks * BlockPlan.wordsInBlock)
    blockSums = [UInt128](repeating: 0, count: blocks)
  }

  /// Adds a rule, or takes it away.
  mutating func toggle(_ place: Int) {
    words[place >> 6] ^= 1 << UInt64(place & 63)
    let bits = Self.randomBits(place)
    blockSums[place / BlockPlan.rulesInBlock] ^= bits
    sum ^= bits
  }

  /// SplitMix64, twice.
  private static func randomBits(_ place: Int) -> UInt128 {
    UInt128(mix(UInt64(place) * 2 + 1)) << 64 | UInt128(mix(UInt64(place) * 2 + 2))
  }

  private static func mix(_ number: UInt64) -> UInt64 {
    var mixed = number &* 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}

/// Rows of heads: for each class of each field, which rules of each block are possible. What is the same is there once, also
/// across fields.
struct RuleRows {
  private(set) var heads: [RuleHead] = []
  private(set) var pool: [UInt64] = []
  let blocks: Int
  /// The single block of a small set has its word in the head.
  let isFlat: Bool
  private var rows: [UInt128: UInt32] = [:]
  private var vectors: [[UInt128: RuleHead]]

  init(blocks: Int, isFlat: Bool) {
    self.blocks = blocks
    self.isFlat = isFlat
    vectors = Array(repeating: [:], count: blocks)
  }

  /// Bytes so far.
  var byteCount: Int { heads.count * MemoryLayout<RuleHead>.stride + pool.count * MemoryLayout<UInt64>.stride }

  /// The row of these rules: the index of its first head.
  mutating func row(_ possible: borrowing PossibleRules) -> UInt32 {
    if let row = rows[possible.sum] { return row }
    let row = UInt32(heads.count)
    for block in 0..<blocks { heads.append(head(possible, block)) }
    rows[possible.sum] = row
    return row
  }

  private mutating func head(_ possible: borrowing PossibleRules, _ block: Int) -> RuleHead {
    let first = block * BlockPlan.wordsInBlock
    if isFlat { return RuleHead(summary: possible.words[first], base: 0) }
    let sum = possible.blockSums[block]
    if let head = vectors[block][sum] { return head }
    var summary: UInt64 = 0
    for number in 0..<BlockPlan.wordsInBlock where possible.words[first + number] != 0 {
      summary |= 1 << UInt64(number)
    }
    var head = RuleHead(summary: summary, base: 0)
    if summary != 0 {
      let low = summary.trailingZeroBitCount
      let high = 63 - summary.leadingZeroBitCount
      head.base = UInt32(pool.count) &- UInt32(low)
      pool += possible.words[first + low...first + high]
    }
    vectors[block][sum] = head
    return head
  }
}
