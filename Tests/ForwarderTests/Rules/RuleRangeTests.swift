import PacketSamples
import Testing

@testable import Forwarder

/// Lists among rules that are compiled together: each is searched by itself.
@Suite struct RuleRangeTests {
  @Test(arguments: [1, 7, 63, 64, 65, 130, 513, 1025], [false, true])
  func `a range of rules has the first match that a linear scan of it has`(count: Int, isFlowOnly: Bool) throws {
    for seed in 0..<UInt64(count < 200 ? 4 : 1) {
      var world = RandomRules(seed << 16 | UInt64(count))
      (world.conditions, world.isFlowOnly) = (5, isFlowOnly)
      let set = world.ruleSet(count)
      let environment = RuleEnvironment(prefixSets: Set(set.prefixSets))
      let compiled = try CompiledRules(set, in: environment, keepsOrder: true)
      let reference = ReferenceClassifier(set)
      for number in 0..<60 {
        let packet = world.packet(sets: set)
        let ends = [world.number(0...count), world.number(0...count)].sorted()
        let found = Self.firstMatch(compiled, RuleRange(ends[0]..<ends[1]), packet)
        let expected = reference.firstMatch(packet, from: ends[0]).flatMap { $0 < ends[1] ? $0 : nil }
        #expect(found == expected ?? -1, "\(count) rules, seed \(seed), packet \(number), \(ends)")
      }
    }
  }

  private static func firstMatch(_ compiled: CompiledRules, _ range: RuleRange, _ packet: RulePacket) -> Int {
    // The compiled rules live as long as this function.
    let classifier = unsafe compiled.classifier
    let summary = packet.summary
    guard classifier.asksForFlowOnly else {
      return classifier.firstMatch(
        in: range, summary, packet.frame.packet, length: packet.length, ingressPort: packet.ingressPort, packet.context)
    }
    let key = summary.key
    return classifier.firstMatch(
      in: range, (key.address0, key.address1), (key.address2, key.address3), key.identity, summary.flags,
      summary.malformation, packet.context)
  }

  @Test(arguments: [1, 7, 64])
  func `protocol and ports leave the rules that ask for no others`(count: Int) throws {
    for seed in 0..<UInt64(6) {
      var world = RandomRules(seed << 16 | UInt64(count))
      (world.conditions, world.isFlowOnly) = (5, true)
      let set = world.ruleSet(count)
      let compiled = try CompiledRules(set, in: RuleEnvironment(prefixSets: Set(set.prefixSets)), keepsOrder: true)
      let services = try #require(compiled.services)
      let reference = ReferenceClassifier(set)
      for number in 0..<60 {
        let packet = world.packet(sets: set)
        let isFlow = [.tcp, .udp].contains(packet.summary.key.ipProtocol) && packet.summary.flags.contains(.flow)
        guard isFlow, !packet.summary.isMalformed else { continue }
        let expected = set.rules.enumerated().reduce(UInt64(0)) { word, rule in
          var match = rule.element.match
          (match.source, match.destination, match.sourceSet, match.destinationSet) = (nil, nil, nil, nil)
          return word | (reference.matches(match, packet) ? 1 << UInt64(rule.offset) : 0)
        }
        let served = services.served(identity: packet.summary.key.identity)
        #expect(served == expected, "\(count) rules, seed \(seed), packet \(number)")
      }
    }
  }

  @Test(arguments: [0..<0, 0..<1, 3..<9, 0..<64, 63..<64, 64..<64, 60..<70, 64..<128, 10..<300])
  func `a range knows its rules in each word`(range: Range<Int>) {
    let rules = RuleRange(range)
    #expect(rules.isEmpty == range.isEmpty)
    for word in 0..<5 {
      for bit in 0..<64 {
        #expect(rules.mask(ofWord: word) >> UInt64(bit) & 1 == (range.contains(word * 64 + bit) ? 1 : 0))
      }
    }
    if range.upperBound <= 64 { #expect(rules.mask == rules.mask(ofWord: 0)) }
  }
}
