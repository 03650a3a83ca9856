/// Finds the first rule that matches a packet. A view of `CompiledRules`; its searches neither allocate nor count references.
///
/// Each field that any rule asks for gives the packet a row: the rules that are possible by that field, as bits. Rules that are
/// possible by all fields match. How rows are found: `ClassMapBuilder`; how many rules are gone through: `BlockPlan`.
@frozen @safe public struct RuleClassifier: @unchecked Sendable {
  // Safe: all pointers lead into the immutable tables of the `CompiledRules` that this is a view of, whose keeper answers for
  // its life. Indices come from the compiler's tables; a packet's bytes only choose among entries that are all there.
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
  @usableFromInline let setConditions: UnsafePointer<RuleSetCondition>
  @usableFromInline let blockCount: Int
  @usableFromInline let hashedCount: Int
  /// Rules in all.
  public let count: Int
  /// A bit for each field that any rule asks for.
  @usableFromInline let fieldsInUse: UInt32
  @usableFromInline let hasSetConditions: Bool

  /// - Parameter sets: the names of prefix sets, by number.
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
