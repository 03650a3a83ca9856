import XSKEngine

/// Turns rules into the tables of a `RuleClassifier`.
///
/// Each field's keys are swept from 0 upwards, with the set of rules that are possible there. Where the set changes a new range
/// of keys begins; ranges with the same set share a row of heads.
struct RuleCompiler {
  let rules: [Rule]
  let plan: BlockPlan
  var rows: RuleRows
  var map = ClassMapBuilder()
  var fields: [RuleFieldTable]
  var hashedFields: [RuleHashedTable] = []
  var slots: [RuleHashSlot] = []
  /// Fields that rules ask for, a bit each.
  var fieldsInUse: UInt32 = 0
  let maximumMemory: Int

  init(_ rules: [Rule], maximumMemory: Int, keepsOrder: Bool = false) throws(XSKError) {
    self.rules = rules
    self.maximumMemory = maximumMemory
    plan = BlockPlan(rules, keepsOrder: keepsOrder)
    rows = RuleRows(blocks: plan.blocks.count, isFlat: rules.count <= 64)
    fields = [RuleFieldTable](repeating: RuleFieldTable(), count: RuleField.firstHashed)
    // Row 0, for fields that nobody asks for: every rule is possible.
    _ = rows.row(possible(without: []))
    for field in RuleField.allCases { try compile(field) }
    for (number, field) in RuleFields.hashedFields(of: rules).enumerated() {
      try compile(field, RuleField.firstHashed + number)
    }
  }

  var byteCount: Int {
    rows.byteCount + map.words.count * MemoryLayout<UInt32>.stride + slots.count * MemoryLayout<RuleHashSlot>.stride
  }

  /// All rules but these.
  private func possible(without asking: [Int]) -> PossibleRules {
    var possible = PossibleRules(blocks: plan.blocks.count)
    var isAsking = [Bool](repeating: false, count: rules.count)
    for number in asking { isAsking[number] = true }
    for number in rules.indices where !isAsking[number] { possible.toggle(plan.places[number]) }
    return possible
  }

  private func checkMemory() throws(XSKError) {
    guard byteCount > maximumMemory else { return }
    throw XSKError(
      "rules", "\(rules.count) of them need more than the \(maximumMemory >> 20) MiB of memory allowed",
      remedy: "use fewer rules, fewer different prefixes (name a prefix set), or allow more memory")
  }
}

// MARK: Fields of ranges

extension RuleCompiler {
  private mutating func compile(_ field: RuleField) throws(XSKError) {
    let isAddress = field == .destination || field == .source
    if isAddress { fields[field.rawValue].root6 = try sweep(field, isIPv6: true) }
    fields[field.rawValue].root = try sweep(field, isIPv6: false)
  }

  /// The entry that the field's search begins with.
  private mutating func sweep(_ field: RuleField, isIPv6: Bool) throws(XSKError) -> UInt32 {
    let isAddress = field == .destination || field == .source
    var asking: [Int] = []
    var events: [(key: UInt128, rule: Int)] = []
    for (number, rule) in rules.enumerated() {
      let ranges =
        isAddress
        ? RuleFields.addresses(of: rule.match, field, isIPv6: isIPv6) : RuleFields.ranges(of: rule.match, field)
      guard let ranges else { continue }
      asking.append(number)
      for range in ranges {
        events.append((range.lowerBound, number))
        if range.upperBound != .max { events.append((range.upperBound + 1, number)) }
      }
    }
    guard !asking.isEmpty else { return 0 }
    fieldsInUse |= 1 << UInt32(field.rawValue)
    var possible = possible(without: asking)
    fields[field.rawValue].absent = rows.row(possible)
    events.sort { $0.key < $1.key }
    var spans: [ClassMapBuilder.Span<UInt128>] = []
    var place = 0
    var key: UInt128 = 0
    let end: UInt128 = isIPv6 ? .max : isAddress ? UInt128(UInt32.max) : UInt128(field.keyCount - 1)
    while true {
      while place < events.count && events[place].key == key {
        possible.toggle(plan.places[events[place].rule])
        place += 1
      }
      spans.append((key, rows.row(possible)))
      guard place < events.count, events[place].key <= end else { break }
      key = events[place].key
      if spans.count & 255 == 0 { try checkMemory() }
    }
    let root = enter(spans, field, isIPv6: isIPv6)
    try checkMemory()
    return root
  }
}

// MARK: How keys are looked up

extension RuleCompiler {
  private mutating func enter(_ spans: [ClassMapBuilder.Span<UInt128>], _ field: RuleField, isIPv6: Bool) -> UInt32 {
    if field == .destination || field == .source { return map.build(spans[...], chunks: isIPv6 ? 4 : 1) }
    let spans = spans.map { (Int($0.start), $0.entry) }
    return field.keyCount > 256
      ? map.buildPages(spans, count: field.keyCount) : map.buildList(spans, count: field.keyCount)
  }
}

// MARK: Fields of exact values

extension RuleCompiler {
  private mutating func compile(_ field: HashedField, _ number: Int) throws(XSKError) {
    let asking = rules.enumerated().compactMap { place, rule in
      RuleFields.demands(of: rule.match).first { $0.field == field }.map { (rule: place, demand: $0.demand) }
    }
    fieldsInUse |= 1 << UInt32(number)
    var possible = possible(without: asking.map(\.rule))
    let absent = rows.row(possible)
    // Without a value that any rule names: the rules that only exclude values.
    for (rule, demand) in asking where demand.allowed == nil { possible.toggle(plan.places[rule]) }
    let other = rows.row(possible)
    var naming: [UInt64: [Int]] = [:]
    for (place, ask) in asking.enumerated() {
      for value in (ask.demand.allowed ?? []).union(ask.demand.excluded) { naming[value, default: []].append(place) }
    }
    let capacity = Self.capacity(for: naming.count)
    var table = RuleHashedTable(
      mask: field.mask, base: UInt32(slots.count), slotMask: UInt32(capacity - 1), other: other, absent: absent)
    (table.kind, table.key) = Self.kind(of: field)
    slots += [RuleHashSlot](repeating: RuleHashSlot(), count: capacity)
    for value in naming.keys.sorted() {
      // Of those that name the value some are possible now that weren't, and the other way round.
      let changed = (naming[value] ?? []).filter {
        asking[$0].demand.accepts(value) != (asking[$0].demand.allowed == nil)
      }
      for place in changed { possible.toggle(plan.places[asking[place].rule]) }
      enter(value, rows.row(possible), table)
      for place in changed { possible.toggle(plan.places[asking[place].rule]) }
    }
    hashedFields.append(table)
    try checkMemory()
  }

  private mutating func enter(_ value: UInt64, _ row: UInt32, _ table: RuleHashedTable) {
    var slot = Int(table.firstSlot(value))
    while slots[Int(table.base) + slot].isUsed != 0 { slot = (slot + 1) & Int(table.slotMask) }
    slots[Int(table.base) + slot] = RuleHashSlot(value: value, row: row, isUsed: 1)
  }

  /// At most half full, so that a search ends soon.
  private static func capacity(for count: Int) -> Int {
    var capacity = 16
    while capacity < 2 * count { capacity *= 2 }
    return capacity
  }

  private static func kind(of field: HashedField) -> (RuleHashedTable.Kind, UInt8) {
    switch field.kind {
    case .sourceMAC: (.sourceMAC, 0)
    case .destinationMAC: (.destinationMAC, 0)
    case .metadata(let key): (.metadata, key)
    }
  }
}
