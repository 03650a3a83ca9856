/// A row's part for one block: which of its 64 words have possible rules, and where in the pool word 0 would stand. Only the
/// words from the first to the last one with rules are there. Of a set of at most 64 rules the summary is the word itself.
@frozen @usableFromInline struct RuleHead {
  @usableFromInline var summary: UInt64
  /// Wraps below 0, and is only used with a word's number added.
  @usableFromInline var base: UInt32

  @inlinable @inline(always)
  init(summary: UInt64, base: UInt32) {
    self.summary = summary
    self.base = base
  }
}

/// Where the search for a field's row begins (`ClassMapBuilder`), and the row of packets that don't have it.
@frozen @usableFromInline struct RuleFieldTable {
  @usableFromInline var root: UInt32 = 0
  /// The root for IPv6 addresses.
  @usableFromInline var root6: UInt32 = 0
  @usableFromInline var absent: UInt32 = 0

  init() {}
}

/// A field of exact values under a mask: an open-addressed table in the slots.
@frozen @usableFromInline struct RuleHashedTable {
  @frozen @usableFromInline enum Kind: UInt8 { case sourceMAC, destinationMAC, metadata }

  @usableFromInline var mask: UInt64
  @usableFromInline var base: UInt32
  @usableFromInline var slotMask: UInt32
  /// The row of values that no rule names, and that of packets without the field.
  @usableFromInline var other: UInt32
  @usableFromInline var absent: UInt32
  @usableFromInline var kind = Kind.metadata
  @usableFromInline var key: UInt8 = 0

  init(mask: UInt64, base: UInt32, slotMask: UInt32, other: UInt32, absent: UInt32) {
    self.mask = mask
    self.base = base
    self.slotMask = slotMask
    self.other = other
    self.absent = absent
  }

  @inlinable @inline(always)
  func firstSlot(_ value: UInt64) -> UInt32 {
    let product = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    return UInt32(truncatingIfNeeded: product.low &>> 32 ^ product.high) & slotMask
  }
}

@frozen @usableFromInline struct RuleHashSlot {
  @usableFromInline var value: UInt64 = 0
  @usableFromInline var row: UInt32 = 0
  @usableFromInline var isUsed: UInt32 = 0

  init() {}

  init(value: UInt64, row: UInt32, isUsed: UInt32) {
    self.value = value
    self.row = row
    self.isUsed = isUsed
  }
}

/// Up to 4,096 rules, in order.
@frozen @usableFromInline struct RuleBlock {
  /// Its first rule, and where its rules' numbers begin in the order.
  @usableFromInline var firstRule: UInt32
  @usableFromInline var orderBase: UInt32
  @usableFromInline var count: UInt32

  init(firstRule: UInt32, orderBase: UInt32, count: UInt32) {
    self.firstRule = firstRule
    self.orderBase = orderBase
    self.count = count
  }
}

/// A rule's condition on prefix sets: the address is in one of them (negated: in none).
@frozen @usableFromInline struct RuleSetCondition {
  /// A bit for each set.
  @usableFromInline var sets: UInt64
  @usableFromInline var isDestination: Bool
  @usableFromInline var isNegated: Bool

  init(sets: UInt64, isDestination: Bool, isNegated: Bool) {
    self.sets = sets
    self.isDestination = isDestination
    self.isNegated = isNegated
  }
}
