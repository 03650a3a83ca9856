public import PacketHeaders

extension RuleClassifier {
  /// The first rule, from `first` on, that matches a packet: its number; nil if none does, and the set's default applies.
  ///
  /// Where a rule lets the packet go on, the search continues with the number behind it.
  ///
  /// - Parameters:
  ///   - packet: its headers.
  ///   - frame: its bytes, as they were parsed.
  ///   - length: bytes of the whole packet.
  ///   - ingressPort: the number of the port that it came in on.
  ///   - context: metadata and prefix sets.
  @inlinable @inline(always)
  public func firstMatch<Context: RuleContext & ~Copyable & ~Escapable>(
    _ packet: borrowing PacketSummary, frame: RawSpan, length: Int, ingressPort: UInt8, context: borrowing Context,
    from first: Int = 0
  ) -> Int? {
    guard !asksForFlowOnly else {
      return firstMatch(packet.key, packet.flags, packet.malformation, context: context, from: first)
    }
    let rows = flowRows(packet.key, packet.flags, packet.malformation)
    return firstMatch(packet, frame, length, ingressPort, rows, context, from: first)
  }

  /// Whether no rule asks for more than addresses, ports, protocol and prefix sets.
  @inlinable @inline(always) public var asksForFlowOnly: Bool { fieldsInUse & ~Self.flowFields == 0 }

  /// As above, of rules that ask for the flow only.
  @inlinable @inline(always)
  public func firstMatch<Context: RuleContext & ~Copyable & ~Escapable>(
    _ key: FlowKey, _ flags: PacketSummary.Flags, _ malformation: Malformation, context: borrowing Context,
    from first: Int = 0
  ) -> Int? {
    let found =
      blockCount == 1
      ? searchBlock(key, flags, malformation, context, from: first)
      : searchManyBlocks(
        (key.address0, key.address1), (key.address2, key.address3), key.identity, flags, malformation, context,
        from: first)
    return found < 0 ? nil : found
  }

  /// Addresses, ports, protocol.
  @inlinable static var flowFields: UInt32 { 0x1F }

  /// Where rules ask for other fields too.
  @inlinable @inline(never)
  func firstMatch<Context: RuleContext & ~Copyable & ~Escapable>(
    _ packet: borrowing PacketSummary, _ frame: RawSpan, _ length: Int, _ ingressPort: UInt8, _ rows: RuleFlowRows,
    _ context: borrowing Context, from first: Int
  ) -> Int? {
    var others = RuleRowList()
    findOtherRows(packet, frame, length, ingressPort, context, &others)
    return count <= 64
      ? searchWord(rows, &others, packet.key, packet.flags, context, from: first)
      : searchBlocks(rows, &others, packet.key, packet.flags, context, from: first)
  }

  /// The bits that the rows of all fields have set in a block's summary.
  @inlinable @inline(always)
  func summary(_ rows: RuleFlowRows, _ others: inout some RuleOtherRows, _ block: Int) -> UInt64 {
    // Rows and blocks that the compiler made.
    let destination = unsafe heads[Int(rows.destination) &+ block].summary
    let source = unsafe heads[Int(rows.source) &+ block].summary
    let destinationPort = unsafe heads[Int(rows.destinationPort) &+ block].summary
    let sourcePort = unsafe heads[Int(rows.sourcePort) &+ block].summary
    let ipProtocol = unsafe heads[Int(rows.ipProtocol) &+ block].summary
    let others = unsafe others.summary(block, heads)
    return destination & source & destinationPort & sourcePort & ipProtocol & others
  }

  // MARK: One block

  /// The first rule of those in one block; -1 if none matches.
  ///
  /// By protocol and ports first, which cost least, and mostly are enough to tell. Addresses are looked up when the first rule
  /// that is left asks for some.
  ///
  /// - Precondition: there is one block; of no rules it is an empty one.
  @inlinable @inline(always)
  func searchBlock<Context: RuleContext & ~Copyable & ~Escapable>(
    _ key: FlowKey, _ flags: PacketSummary.Flags, _ fault: Malformation, _ context: borrowing Context,
    from first: Int
  ) -> Int {
    var rows = RuleFlowRows()
    findServiceRows(key, flags, fault, &rows)
    // Rows that the compiler made.
    let ipProtocol = unsafe heads[Int(rows.ipProtocol)]
    let destinationPort = unsafe heads[Int(rows.destinationPort)]
    let sourcePort = unsafe heads[Int(rows.sourcePort)]
    // Of up to 64 rules the summary is the only word. A single block has all rules in their order.
    let isFlat = count <= 64
    var summary = ipProtocol.summary & destinationPort.summary & sourcePort.summary
    // A smart shift: from 64 on nothing is left.
    if first != 0 { summary &= UInt64.max << UInt64(truncatingIfNeeded: isFlat ? first : first &>> 6) }
    var destination = RuleHead(summary: .max, base: 0)
    var source = destination
    var hasAddresses = false
    while summary != 0 {
      var word = summary
      var index: UInt32 = 0
      if !isFlat {
        index = UInt32(truncatingIfNeeded: summary.trailingZeroBitCount)
        // As in possibleRules(_:_:_:).
        word = unsafe pool[Int(ipProtocol.base &+ index)] & pool[Int(destinationPort.base &+ index)]
        unsafe word &= pool[Int(sourcePort.base &+ index)]
        if first &>> 6 == Int(index) { word &= UInt64.max &<< UInt64(truncatingIfNeeded: first & 63) }
        if hasAddresses { unsafe word &= pool[Int(destination.base &+ index)] & pool[Int(source.base &+ index)] }
      }
      while word != 0 {
        // Bits are only set for rules that are there.
        let rule = Int(index) &* 64 &+ word.trailingZeroBitCount
        if unsafe !hasAddresses && asksForAddresses[rule] {
          findAddressRows(key, flags, &rows)
          unsafe (destination, source) = (heads[Int(rows.destination)], heads[Int(rows.source)])
          hasAddresses = true
          summary &= destination.summary & source.summary
          if isFlat {
            word &= summary
          } else {
            // The pool has the word if all summaries do.
            guard summary &>> UInt64(index) & 1 != 0 else { break }
            unsafe word &= pool[Int(destination.base &+ index)] & pool[Int(source.base &+ index)]
          }
          continue
        }
        if !hasSetConditions || meetsConditions(rule, key, flags, context) { return rule }
        word &= word &- 1
      }
      summary = isFlat ? 0 : summary & ~(1 &<< UInt64(index))
    }
    return -1
  }

  /// The same of more blocks than one. The key comes in pieces, as for `meetsAll`.
  @inlinable @inline(never)
  func searchManyBlocks<Context: RuleContext & ~Copyable & ~Escapable>(
    _ upper: (UInt64, UInt64), _ lower: (UInt64, UInt64), _ identity: UInt64, _ flags: PacketSummary.Flags,
    _ fault: Malformation, _ context: borrowing Context, from first: Int
  ) -> Int {
    let key = FlowKey(upper: upper, lower: lower, identity: identity)
    var rows = RuleFlowRows()
    findServiceRows(key, flags, fault, &rows)
    // Mostly no rule is left by then, in any block.
    guard isServed(rows) else { return -1 }
    if fieldsInUse & 0x03 != 0 { findAddressRows(key, flags, &rows) }
    var others = NoOtherRows()
    return searchBlocks(rows, &others, key, flags, context, from: first) ?? -1
  }

  /// Whether protocol and ports leave any rule, as far as summaries tell.
  @inlinable @inline(always)
  func isServed(_ rows: RuleFlowRows) -> Bool {
    for block in 0..<blockCount {
      // Rows and blocks that the compiler made.
      let ipProtocol = unsafe heads[Int(rows.ipProtocol) &+ block].summary
      let destinationPort = unsafe heads[Int(rows.destinationPort) &+ block].summary
      if unsafe ipProtocol & destinationPort & heads[Int(rows.sourcePort) &+ block].summary != 0 { return true }
    }
    return false
  }

  // MARK: Up to 64 rules: one word

  @inlinable @inline(always)
  func searchWord<Context: RuleContext & ~Copyable & ~Escapable>(
    _ rows: RuleFlowRows, _ others: inout some RuleOtherRows, _ key: FlowKey, _ flags: PacketSummary.Flags,
    _ context: borrowing Context, from first: Int
  ) -> Int? {
    var word = summary(rows, &others, 0)
    // A smart shift: from 64 on nothing is left.
    if first != 0 { word &= UInt64.max << UInt64(truncatingIfNeeded: first) }
    while word != 0 {
      let rule = word.trailingZeroBitCount
      if !hasSetConditions || meetsConditions(rule, key, flags, context) { return rule }
      word &= word &- 1
    }
    return nil
  }

  // MARK: More rules: blocks of words

  @inlinable @inline(always)
  func searchBlocks<Context: RuleContext & ~Copyable & ~Escapable>(
    _ rows: RuleFlowRows, _ others: inout some RuleOtherRows, _ key: FlowKey, _ flags: PacketSummary.Flags,
    _ context: borrowing Context, from first: Int
  ) -> Int? {
    var best = count
    for number in 0..<blockCount {
      var summary = summary(rows, &others, number)
      guard summary != 0 else { continue }
      // A block's numbers were made with its tables.
      let block = unsafe blocks[number]
      guard Int(block.firstRule) < best else { break }
      let start = first > Int(block.firstRule) ? firstPlace(block, first) : 0
      guard start < Int(block.count) else { continue }
      summary &= UInt64.max &<< UInt64(truncatingIfNeeded: start &>> 6)
      while summary != 0 {
        let index = summary.trailingZeroBitCount
        summary &= summary &- 1
        var word = unsafe possibleRules(rows, number, index) & others.word(index, number, heads, pool)
        if index == start &>> 6 { word &= UInt64.max &<< UInt64(truncatingIfNeeded: start & 63) }
        guard word != 0 else { continue }
        let found = firstRule(of: word, block, index, best, key, flags, context)
        guard found < 0 else {
          best = found
          break
        }
      }
    }
    return best < count ? best : nil
  }

  /// The rules of a block's word that are possible by address, ports and protocol.
  @inlinable @inline(always)
  func possibleRules(_ rows: RuleFlowRows, _ block: Int, _ index: Int) -> UInt64 {
    let index = UInt32(truncatingIfNeeded: index)
    // As in summary(_:_:_:), which found the word in all fields' summaries: the pool has it.
    let destination = unsafe pool[Int(heads[Int(rows.destination) &+ block].base &+ index)]
    let source = unsafe pool[Int(heads[Int(rows.source) &+ block].base &+ index)]
    let destinationPort = unsafe pool[Int(heads[Int(rows.destinationPort) &+ block].base &+ index)]
    let sourcePort = unsafe pool[Int(heads[Int(rows.sourcePort) &+ block].base &+ index)]
    let ipProtocol = unsafe pool[Int(heads[Int(rows.ipProtocol) &+ block].base &+ index)]
    return destination & source & destinationPort & sourcePort & ipProtocol
  }

  /// The first rule of a word that is before `best`; `best` if the word has only later ones; -1 if it has none.
  @inlinable @inline(always)
  func firstRule<Context: RuleContext & ~Copyable & ~Escapable>(
    of possible: UInt64, _ block: RuleBlock, _ index: Int, _ best: Int, _ key: FlowKey, _ flags: PacketSummary.Flags,
    _ context: borrowing Context
  ) -> Int {
    var word = possible
    while word != 0 {
      // Bits are only set for rules that are there.
      let rule = unsafe Int(order[Int(block.orderBase) &+ index &* 64 &+ word.trailingZeroBitCount])
      guard rule < best else { return best }
      if !hasSetConditions || meetsConditions(rule, key, flags, context) { return rule }
      word &= word &- 1
    }
    return -1
  }

  /// The place in a block of its first rule that is not before `first`.
  @inlinable @inline(never)
  func firstPlace(_ block: RuleBlock, _ first: Int) -> Int {
    var low = 0
    var high = Int(block.count)
    while low < high {
      let middle = (low &+ high) &>> 1
      // Below the block's count.
      if unsafe Int(order[Int(block.orderBase) &+ middle]) < first { low = middle &+ 1 } else { high = middle }
    }
    return low
  }

  // MARK: Prefix sets

  @inlinable @inline(always)
  func meetsConditions<Context: RuleContext & ~Copyable & ~Escapable>(
    _ rule: Int, _ key: FlowKey, _ flags: PacketSummary.Flags, _ context: borrowing Context
  ) -> Bool {
    // There is a start for every rule, and one behind the last.
    let (start, end) = unsafe (Int(conditionStarts[rule]), Int(conditionStarts[rule &+ 1]))
    guard start < end else { return true }
    guard flags.contains(.addresses) else { return false }
    // Mostly there is one condition, and one set.
    let condition = unsafe setConditions[start]
    let set = condition.sets.trailingZeroBitCount
    if start &+ 1 == end && key.version == 4 && condition.sets & (condition.sets &- 1) == 0 {
      let address = condition.isDestination ? key.destinationIPv4 : key.sourceIPv4
      return context.contains(address, inSet: set) != condition.isNegated
    }
    return meetsAll(
      start, end, (key.address0, key.address1), (key.address2, key.address3), key.identity, context)
  }

  /// All of a rule's conditions on sets. The key comes in pieces, which are passed in registers: a key in memory would be copied
  /// there for every packet, and read back before its stores are through.
  @inlinable @inline(never)
  func meetsAll<Context: RuleContext & ~Copyable & ~Escapable>(
    _ start: Int, _ end: Int, _ upper: (UInt64, UInt64), _ lower: (UInt64, UInt64), _ identity: UInt64,
    _ context: borrowing Context
  ) -> Bool {
    let key = FlowKey(upper: upper, lower: lower, identity: identity)
    for place in start..<end {
      let condition = unsafe setConditions[place]
      guard isInAny(condition, key, context) != condition.isNegated else { return false }
    }
    return true
  }

  @inlinable @inline(always)
  func isInAny<Context: RuleContext & ~Copyable & ~Escapable>(
    _ condition: RuleSetCondition, _ key: FlowKey, _ context: borrowing Context
  ) -> Bool {
    var sets = condition.sets
    while sets != 0 {
      let set = sets.trailingZeroBitCount
      sets &= sets &- 1
      if key.version == 4 {
        let address = condition.isDestination ? key.destinationIPv4 : key.sourceIPv4
        if context.contains(address, inSet: set) { return true }
      } else {
        let address = condition.isDestination ? key.destinationIPv6 : key.sourceIPv6
        if context.contains(address, inSet: set) { return true }
      }
    }
    return false
  }
}
