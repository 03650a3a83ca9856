/// A packet's rows of the fields that nearly every rule set asks for. Row 0, where every rule is possible, of those that it
/// doesn't ask for.
@frozen @usableFromInline struct RuleFlowRows {
  @usableFromInline var destination: UInt32 = 0
  @usableFromInline var source: UInt32 = 0
  @usableFromInline var destinationPort: UInt32 = 0
  @usableFromInline var sourcePort: UInt32 = 0
  @usableFromInline var ipProtocol: UInt32 = 0

  @inlinable @inline(always) init() {}
}

/// A packet's rows of the other fields. Most rule sets ask for none of them, and their search knows nothing of them: that of
/// several blocks is compiled for `NoOtherRows`, that of one block has no place for any.
@usableFromInline protocol RuleOtherRows {
  /// The bits that all rows have set in a block's summary.
  mutating func summary(_ block: Int, _ heads: UnsafePointer<RuleHead>) -> UInt64
  /// The rules of a word that are possible by all rows.
  mutating func word(_ index: Int, _ block: Int, _ heads: UnsafePointer<RuleHead>, _ pool: UnsafePointer<UInt64>)
    -> UInt64
}

@frozen @usableFromInline struct NoOtherRows: RuleOtherRows {
  @inlinable @inline(always) init() {}

  @inlinable @inline(always) mutating func summary(_ block: Int, _ heads: UnsafePointer<RuleHead>) -> UInt64 { .max }

  @inlinable @inline(always)
  mutating func word(_ index: Int, _ block: Int, _ heads: UnsafePointer<RuleHead>, _ pool: UnsafePointer<UInt64>)
    -> UInt64
  {
    .max
  }
}

/// Its methods are mutating because an element of a borrowed inline array is read by copying all of it.
@frozen @usableFromInline struct RuleRowList: RuleOtherRows {
  @usableFromInline var rows = InlineArray<32, UInt32>(repeating: 0)
  @usableFromInline var count = 0

  @inlinable @inline(always) init() {}

  /// - Precondition: fewer than 32 are there; there are not so many fields.
  @inlinable @inline(always)
  mutating func append(_ row: UInt32) {
    rows[count] = row
    count &+= 1
  }

  @inlinable @inline(always)
  mutating func summary(_ block: Int, _ heads: UnsafePointer<RuleHead>) -> UInt64 {
    var summary = UInt64.max
    // Rows and blocks that the compiler made.
    for place in 0..<count { unsafe summary &= heads[Int(rows[place]) &+ block].summary }
    return summary
  }

  @inlinable @inline(always)
  mutating func word(_ index: Int, _ block: Int, _ heads: UnsafePointer<RuleHead>, _ pool: UnsafePointer<UInt64>)
    -> UInt64
  {
    var word = UInt64.max
    for place in 0..<count {
      // As above; the caller found the word in all summaries, so the pool has it.
      let head = unsafe heads[Int(rows[place]) &+ block]
      unsafe word &= pool[Int(head.base &+ UInt32(truncatingIfNeeded: index))]
    }
    return word
  }
}
