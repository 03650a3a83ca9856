/// Which rules stand in which block.
///
/// A block holds at most 4,096 rules in 64 words of 64, in the rules' order. A search looks at a block's words only where all
/// fields have rules for the packet, so rules that are alike belong together: among rules that ask for a source, a packet's
/// source leaves few; were rules in between that don't ask, they would be left in every word.
struct BlockPlan {
  /// Rules of each block, in order.
  private(set) var blocks: [[Int]] = []
  /// Where each rule stands: block × 4,096 + place.
  private(set) var places: [Int]

  static let wordsInBlock = 64
  static let rulesInBlock = 4096

  /// Up to this many rules are one block: so many words are looked at sooner than blocks are chosen. More where rules ask for the
  /// flow only: then addresses, which tell blocks apart, are mostly not looked up at all.
  private static func together(_ rules: [Rule]) -> Int { rules.allSatisfy(\.match.asksForFlowOnly) ? 512 : 128 }
  /// Fewer alike ones are not worth a block.
  private static let leastAlike = 64

  /// - Parameter keepsOrder: rules stand in blocks in their order, whatever their shapes, so that neighbours stay neighbours.
  init(_ rules: [Rule], keepsOrder: Bool = false) {
    places = [Int](repeating: 0, count: rules.count)
    var groups: [UInt8: [Int]] = [:]
    let isMany = !keepsOrder && rules.count > Self.together(rules)
    for (number, rule) in rules.enumerated() {
      let shape = isMany ? Self.shape(of: rule.match) : Self.otherShape
      groups[shape, default: []].append(number)
    }
    for (shape, members) in groups where shape != Self.otherShape && members.count < Self.leastAlike {
      groups[Self.otherShape, default: []] += members
      groups[shape] = nil
    }
    groups[Self.otherShape]?.sort()
    for members in groups.values {
      for start in stride(from: 0, to: members.count, by: Self.rulesInBlock) {
        blocks.append(Array(members[start..<min(start + Self.rulesInBlock, members.count)]))
      }
    }
    // Even no rules have a block, with none of its bits set.
    if blocks.isEmpty { blocks.append([]) }
    // A search ends at the first block whose rules all come behind the one that it has found.
    blocks.sort { $0.first ?? 0 < $1.first ?? 0 }
    for (block, members) in blocks.enumerated() {
      for (place, number) in members.enumerated() { places[number] = block * Self.rulesInBlock + place }
    }
  }

  private static let otherShape: UInt8 = 0

  /// Which fields leave few packets to the rule: addresses, and only without these the others.
  private static func shape(of match: RuleMatch) -> UInt8 {
    let source: UInt8 = isSelective(match.source) ? 1 : 0
    let destination: UInt8 = isSelective(match.destination) ? 2 : 0
    if source | destination != 0 { return source | destination }
    let sourcePort: UInt8 = isSelective(match.sourcePort) ? 4 : 0
    let destinationPort: UInt8 = isSelective(match.destinationPort) ? 8 : 0
    let hashed: UInt8 = RuleFields.demands(of: match).contains { $0.demand.allowed != nil } ? 16 : 0
    return sourcePort | destinationPort | hashed
  }

  private static func isSelective(_ condition: Condition<RulePrefix>?) -> Bool {
    guard let condition, !condition.isNegated else { return false }
    return condition.values.allSatisfy { $0.length >= ($0.isIPv6 ? 24 : 8) }
  }

  private static func isSelective(_ condition: Condition<ClosedRange<UInt16>>?) -> Bool {
    guard let condition, !condition.isNegated else { return false }
    return condition.values.reduce(0) { $0 + $1.count } <= 256
  }
}
