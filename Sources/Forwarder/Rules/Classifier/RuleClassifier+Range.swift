import PacketHeaders

/// Neighbours among rules that were compiled in their order: a list of its own.
struct RuleRange: BitwiseCopyable, Hashable, Sendable {
  let first: UInt32
  let end: UInt32

  init(_ range: Range<Int>) { (first, end) = (UInt32(range.lowerBound), UInt32(range.upperBound)) }

  var isEmpty: Bool { first == end }
  var numbers: Range<Int> { Int(first)..<Int(end) }

  /// Of at most 64 rules: a bit for each of the range.
  var mask: UInt64 { UInt64.max << UInt64(first) & ~(UInt64.max << UInt64(end)) }

  /// The rules of the range in a word of 64.
  @inline(__always) func mask(ofWord word: Int) -> UInt64 {
    // Smart shifts: a range that begins or ends in another word shifts all bits out, or none.
    UInt64.max << max(0, Int(first) &- word &* 64) & ~(UInt64.max << max(0, Int(end) &- word &* 64))
  }
}

/// Lists of rules that are compiled together, in their order (`CompiledRules.init(_:in:keepsOrder:)`). What a search costs
/// depends on the list, not on how many there are.
extension RuleClassifier {
  /// The first rule of a range that matches a packet, of rules that ask for the flow only; -1 if none does. The key comes in pieces, as
  /// for `meetsAll`.
  @inline(never)
  func firstMatch<Context: RuleContext & ~Copyable & ~Escapable>(
    in range: RuleRange, _ upper: (UInt64, UInt64), _ lower: (UInt64, UInt64), _ identity: UInt64,
    _ flags: PacketSummary.Flags, _ fault: Malformation, _ context: borrowing Context
  ) -> Int {
    let key = FlowKey(upper: upper, lower: lower, identity: identity)
    var others = NoOtherRows()
    return search(range, flowRows(key, flags, fault), &others, key, flags, context)
  }

  /// The same of rules that ask for other fields, too.
  @inline(never)
  func firstMatch<Context: RuleContext & ~Copyable & ~Escapable>(
    in range: RuleRange, _ packet: borrowing PacketSummary, _ frame: RawSpan, length: Int, ingressPort: UInt8,
    _ context: borrowing Context
  ) -> Int {
    var others = RuleRowList()
    findOtherRows(packet, frame, length, ingressPort, context, &others)
    let rows = flowRows(packet.key, packet.flags, packet.malformation)
    return search(range, rows, &others, packet.key, packet.flags, context)
  }

  @inline(__always)
  private func search<Context: RuleContext & ~Copyable & ~Escapable>(
    _ range: RuleRange, _ rows: RuleFlowRows, _ others: inout some RuleOtherRows, _ key: FlowKey,
    _ flags: PacketSummary.Flags, _ context: borrowing Context
  ) -> Int {
    guard !range.isEmpty else { return -1 }
    let isFlat = count <= 64
    for number in Int(range.first) &>> 6...(Int(range.end) &- 1) &>> 6 {
      // Compiled in order, rules stand in their numbers' words: 64 of them in a block.
      let (block, index) = (number &>> 6, number & 63)
      let summary = summary(rows, &others, block)
      var word = summary
      if !isFlat {
        guard summary &>> UInt64(truncatingIfNeeded: index) & 1 != 0 else { continue }
        // The pool has the word, as all summaries do.
        word = unsafe possibleRules(rows, block, index) & others.word(index, block, heads, pool)
      }
      word &= range.mask(ofWord: number)
      while word != 0 {
        let rule = number &* 64 &+ word.trailingZeroBitCount
        if !hasSetConditions || meetsConditions(rule, key, flags, context) { return rule }
        word &= word &- 1
      }
    }
    return -1
  }
}
