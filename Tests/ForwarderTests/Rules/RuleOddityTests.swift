import PacketSamples
import Testing

@testable import Forwarder

/// What is said of rules that do nothing, against what they do.
@Suite struct RuleOddityTests {
  @Test func `no packet decides otherwise than the oddities say`() {
    var (contradictions, hidden, packets) = (0, 0, 0)
    for seed in 0..<60 as Range<UInt64> {
      var world = RandomRules(seed)
      (world.conditions, world.isFlowOnly) = (3, seed % 3 == 0)
      let set = world.ruleSet(60)
      let reference = ReferenceClassifier(set)
      let oddities = set.oddities
      for _ in 0..<150 {
        let packet = world.packet(sets: set)
        packets += 1
        for (rule, oddity) in oddities where reference.matches(set.rules[rule].match, packet) {
          switch oddity {
          case .contradiction(let found): Issue.record("seed \(seed), rule \(rule) is met: \(found)")
          case .hidden(let other):
            #expect(
              other < rule && set.rules[other].isTerminal && reference.matches(set.rules[other].match, packet),
              "seed \(seed), rule \(rule): \(other) leaves some")
          }
        }
      }
      for (_, oddity) in oddities {
        if case .contradiction = oddity { contradictions += 1 } else { hidden += 1 }
      }
    }
    #expect(contradictions > 50 && hidden > 50 && packets == 9000, "\(contradictions), \(hidden)")
  }

  @Test func `of more rules than are compared, those with the same conditions are told`() {
    let rules = (0..<3000).map { number in
      Rule("r\(number)", RuleMatch { $0.destinationPort = [UInt16(number % 2900)...UInt16(number % 2900)] }, .reflect)
    }
    let oddities = RuleSet(rules).oddities
    #expect(oddities.map(\.rule) == Array(2900..<3000))
    #expect(oddities.map(\.oddity) == (0..<100).map { .hidden(by: $0) })
  }

  @Test func `a rule that lets packets go on hides none`() {
    let all = RuleMatch { $0.ipProtocol = [.tcp] }
    let set = RuleSet([Rule("count", all, .count("c")), Rule("skip", all, .skip(to: 2)), Rule("drop", all, .drop("x"))])
    #expect(set.oddities.isEmpty)
  }
}
