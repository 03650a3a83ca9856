/// Finds the first rule that matches a packet. A view of `CompiledRules`; its searches neither allocate nor count references.
///
/// Each field that any rule asks for gives the packet a row: the rules that are possible by that field, as bits. Rules that are
/// possible by all fields match. How rows are found: `ClassMapBuilder`; how many rules are gone through: `BlockPlan`.
@frozen @safe public struct RuleClassifier: @unchecked Sendable {
  // Safe: leads into the immutable memory of the `CompiledRules` that this is a view of, whose keeper answers for its life. One
  // word, so that a search's seldom parts are called without a copy of it all.
  @usableFromInline let tables: UnsafePointer<RuleTableSet>

  /// - Parameter sets: the names of prefix sets, by number.
  @unsafe init(_ compiler: RuleCompiler, sets: [String], _ memory: RuleMemory) {
    unsafe tables = memory.keep([RuleTableSet(compiler, sets: sets, memory)])
  }

  /// Rules in all.
  @inlinable @inline(always) public var count: Int { unsafe tables.pointee.count }

  // Safe, all of them: as said above. Indices come from the compiler's tables; a packet's bytes only choose among entries that
  // are all there.
  @inlinable @inline(always) @unsafe var map: UnsafePointer<UInt32> { unsafe tables.pointee.map }
  @inlinable @inline(always) @unsafe var heads: UnsafePointer<RuleHead> { unsafe tables.pointee.heads }
  @inlinable @inline(always) @unsafe var pool: UnsafePointer<UInt64> { unsafe tables.pointee.pool }
  @inlinable @inline(always) @unsafe var fields: UnsafePointer<RuleFieldTable> { unsafe tables.pointee.fields }
  @inlinable @inline(always) @unsafe var hashedFields: UnsafePointer<RuleHashedTable> {
    unsafe tables.pointee.hashedFields
  }
  @inlinable @inline(always) @unsafe var slots: UnsafePointer<RuleHashSlot> { unsafe tables.pointee.slots }
  @inlinable @inline(always) @unsafe var blocks: UnsafePointer<RuleBlock> { unsafe tables.pointee.blocks }
  @inlinable @inline(always) @unsafe var order: UnsafePointer<UInt16> { unsafe tables.pointee.order }
  @inlinable @inline(always) @unsafe var conditionStarts: UnsafePointer<UInt32> {
    unsafe tables.pointee.conditionStarts
  }
  @inlinable @inline(always) @unsafe var asksForAddresses: UnsafePointer<Bool> {
    unsafe tables.pointee.asksForAddresses
  }
  @inlinable @inline(always) @unsafe var setConditions: UnsafePointer<RuleSetCondition> {
    unsafe tables.pointee.setConditions
  }
  @inlinable @inline(always) var blockCount: Int { unsafe tables.pointee.blockCount }
  @inlinable @inline(always) var hashedCount: Int { unsafe tables.pointee.hashedCount }
  @inlinable @inline(always) var fieldsInUse: UInt32 { unsafe tables.pointee.fieldsInUse }
  @inlinable @inline(always) var hasSetConditions: Bool { unsafe tables.pointee.hasSetConditions }
}

/// Where the tables of compiled rules are.
@frozen @safe @usableFromInline struct RuleTableSet: BitwiseCopyable {
  // Safe: pointers into the memory that this lies in itself.
  @usableFromInline let map: UnsafePointer<UInt32>
  @usableFromInline let heads: UnsafePointer<RuleHead>
  @usableFromInline let pool: UnsafePointer<UInt64>
  @usableFromInline let fields: UnsafePointer<RuleFieldTable>
  @usableFromInline let hashedFields: UnsafePointer<RuleHashedTable>
  @usableFromInline let slots: UnsafePointer<RuleHashSlot>
  @usableFromInline let blocks: UnsafePointer<RuleBlock>
  /// The rules of all blocks.
  @usableFromInline let order: UnsafePointer<UInt16>
  /// Where each rule's conditions on prefix sets begin, and where the last one's end.
  @usableFromInline let conditionStarts: UnsafePointer<UInt32>
  /// For each rule whether it asks for addresses by prefix.
  @usableFromInline let asksForAddresses: UnsafePointer<Bool>
  @usableFromInline let setConditions: UnsafePointer<RuleSetCondition>
  @usableFromInline let blockCount: Int
  @usableFromInline let hashedCount: Int
  @usableFromInline let count: Int
  /// A bit for each field that any rule asks for.
  @usableFromInline let fieldsInUse: UInt32
  @usableFromInline let hasSetConditions: Bool

  @unsafe init(_ compiler: RuleCompiler, sets: [String], _ memory: RuleMemory) {
    unsafe map = memory.keep(compiler.map.words)
    unsafe heads = memory.keep(compiler.rows.heads)
    unsafe pool = memory.keep(compiler.rows.pool)
    unsafe fields = memory.keep(compiler.fields)
    unsafe hashedFields = memory.keep(compiler.hashedFields)
    unsafe slots = memory.keep(compiler.slots)
    let layout = BlockLayout(compiler)
    unsafe blocks = memory.keep(layout.blocks)
    unsafe order = memory.keep(layout.order)
    let conditions = SetConditions(compiler.rules, sets)
    unsafe conditionStarts = memory.keep(conditions.starts)
    unsafe asksForAddresses = memory.keep(
      compiler.rules.map { $0.match.source != nil || $0.match.destination != nil })
    unsafe setConditions = memory.keep(conditions.all)
    blockCount = layout.blocks.count
    hashedCount = compiler.hashedFields.count
    count = compiler.rules.count
    fieldsInUse = compiler.fieldsInUse
    hasSetConditions = !conditions.all.isEmpty
  }
}

/// Blocks as the classifier reads them.
private struct BlockLayout {
  var blocks: [RuleBlock] = []
  var order: [UInt16] = []

  init(_ compiler: RuleCompiler) {
    for members in compiler.plan.blocks {
      blocks.append(
        RuleBlock(
          firstRule: UInt32(members.first ?? 0), orderBase: UInt32(order.count), count: UInt32(members.count)))
      order += members.map(UInt16.init)
    }
  }
}

private struct SetConditions {
  var starts: [UInt32] = [0]
  var all: [RuleSetCondition] = []

  init(_ rules: [Rule], _ sets: [String]) {
    let numbers = Dictionary(uniqueKeysWithValues: sets.enumerated().map { ($1, $0) })
    for rule in rules {
      for (condition, isDestination) in [(rule.match.sourceSet, false), (rule.match.destinationSet, true)] {
        guard let condition else { continue }
        let bits = condition.values.reduce(UInt64(0)) { $0 | 1 << UInt64(numbers[$1] ?? 0) }
        all.append(RuleSetCondition(sets: bits, isDestination: isDestination, isNegated: condition.isNegated))
      }
      starts.append(UInt32(all.count))
    }
  }
}
