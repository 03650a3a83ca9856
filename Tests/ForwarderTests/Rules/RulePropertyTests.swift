import PacketSamples
import Testing

@testable import Forwarder

/// Compiled rules against the slow way, on random rules and packets.
@Suite struct RulePropertyTests {
  @Test(arguments: [1, 2, 7, 40, 64, 65, 200])
  func `compiled rules find the rules that a linear scan finds`(count: Int) throws {
    for seed in 0..<UInt64(max(3, 90 / count)) {
      var world = RandomRules(seed << 16 | UInt64(count))
      world.conditions = count < 10 ? 3 : 5
      try Self.compare(&world, count, packets: 150, seed)
    }
  }

  /// Blocks: more rules than stand together, several of a shape, and more than one block has.
  @Test(arguments: [130, 600, 3_000, 9_000])
  func `thousands of compiled rules find what a linear scan finds`(count: Int) throws {
    var world = RandomRules(UInt64(count))
    world.conditions = 6
    try Self.compare(&world, count, packets: 60, 0)
  }

  /// Rules that ask for the flow only are searched in a way of their own, up to 512 of them as one block.
  @Test(arguments: [0, 1, 63, 64, 65, 128, 129, 511, 512, 513, 4096, 4097])
  func `rules of flows find what a linear scan finds`(count: Int) throws {
    for seed in 0..<UInt64(count < 600 ? 6 : 1) {
      var world = RandomRules(seed << 16 | UInt64(count))
      (world.conditions, world.isFlowOnly) = (5, true)
      try Self.compare(&world, count, packets: 100, seed) { classifier in
        #expect(classifier.asksForFlowOnly && (classifier.blockCount == 1) == (count <= 512))
      }
    }
  }

  static func compare(
    _ world: inout RandomRules, _ count: Int, packets: Int, _ seed: UInt64, check: (RuleClassifier) -> Void = { _ in }
  ) throws {
    let set = world.ruleSet(count)
    let pair = try RulePair(set)
    check(pair.compiled.view)
    for number in 0..<packets {
      let packet = world.packet(sets: set)
      var expected: [Int] = []
      while expected.count < 40, let next = pair.reference.firstMatch(packet, from: (expected.last ?? -1) + 1) {
        expected.append(next)
      }
      #expect(pair.allMatches(packet, limit: 40) == expected, "\(count) rules, seed \(seed), packet \(number)")
      let start = Int.random(in: 0...count, using: &world.random)
      #expect(pair.firstMatch(packet, from: start) == pair.reference.firstMatch(packet, from: start))
    }
  }
}
