import Measuring
import Testing
import XSKEngine

@Suite struct LossRatioSearchTests {
  private let ndr = LossGoal(name: "NDR", lossRatio: 0, finalSeconds: 10, initialSeconds: 1)
  private let pdr = LossGoal(name: "PDR", lossRatio: 0.005, finalSeconds: 10, initialSeconds: 1)

  /// Searches to the end.
  private func search(
    _ tester: FakeTester, _ goals: [LossGoal], maximum: Double = 5_000_000, limit: Int = 500
  ) throws -> LossRatioSearch {
    var search = LossRatioSearch(goals: goals, minimum: 1000, maximum: maximum, limit: limit)
    while let request = search.next() {
      search.record(try tester.trial(load: request.load, seconds: request.seconds, size: SizeMix(size: 60)))
    }
    return search
  }

  @Test(arguments: [1500.0, 123_456, 812_345, 2_718_281, 4_900_000])
  func `both bounds close in on the capacity`(capacity: Double) throws {
    let found = try search(FakeTester(capacity: capacity), [ndr, pdr])
    for (result, edge) in zip(found.results, [capacity, capacity / 0.995]) {
      let lower = try #require(result.lower), upper = try #require(result.upper)
      #expect(lower <= edge + 1 && upper > edge * 0.9999, "\(result)")
      #expect(1 - lower / upper <= 0.0051 || upper - lower <= 1, "\(result)")
      #expect(result.irregular.isEmpty, "\(result)")
      let throughput = try #require(result.throughput)
      #expect(throughput <= capacity + 1 && throughput >= lower * 0.99, "\(result)")
    }
    // Bisecting four phases' worth of halvings is enough for both goals together.
    #expect(found.trials.count < 50)
    #expect(found.secondsLeft == 0)
  }

  @Test func `most trials are short ones, and the bounds are those of long ones`() throws {
    let found = try search(FakeTester(capacity: 777_777), [ndr])
    let lower = try #require(found.results[0].lower), upper = try #require(found.results[0].upper)
    for bound in [lower, upper] { #expect(found.trials.contains { $0.load == bound && $0.seconds == 10 }) }
    #expect(found.trials.filter { $0.seconds == 10 }.count <= 5)
  }

  @Test func `a device that does all that the generator can is marked as that`() throws {
    let found = try search(FakeTester(capacity: 9_000_000), [ndr])
    let result = found.results[0]
    #expect(result.lower == 5_000_000 && result.upper == nil)
    #expect(result.irregular.contains { $0.contains("highest load that was tried") })
  }

  @Test func `a device that loses at any load has no lower bound, and the search ends`() throws {
    let found = try search(FakeTester(capacity: 10), [ndr])
    let result = found.results[0]
    #expect(result.lower == nil && result.upper == 1000)
    #expect(result.irregular.contains { $0.contains("even at the lowest load") })
  }

  @Test func `what the generator did not send is lost, and said`() throws {
    let tester = FakeTester(capacity: 3_000_000)
    tester.generator = 2_000_000
    let found = try search(tester, [pdr])
    let lower = try #require(found.results[0].lower)
    #expect(lower <= 2_000_000 / 0.995 + 1)
    #expect(found.trials[0].lossRatio > 0.5)
    #expect(found.trials[0].irregular.contains { $0.contains("the generator sent") })
  }

  @Test func `one bad trial in three does not fail a load that may have half bad ones`() throws {
    let goal = LossGoal(name: "NDR", lossRatio: 0, finalSeconds: 10, sumSeconds: 30, initialSeconds: 10)
    let strict = LossGoal(
      name: "RFC 2544", lossRatio: 0, exceedRatio: 0, finalSeconds: 10, sumSeconds: 30, initialSeconds: 10)
    // Every third trial finds the device at half its capacity.
    func moody() -> FakeTester {
      let tester = FakeTester(capacity: 1)
      tester.capacities = (0..<300).map { $0 % 3 == 1 ? 500_000 : 1_000_000 }
      return tester
    }
    let mild = try search(moody(), [goal]).results[0]
    #expect(try #require(mild.lower) > 900_000)
    let hard = try search(moody(), [strict]).results[0]
    #expect(try #require(hard.lower) < 600_000)
  }

  @Test func `it gives up on a device without any order`() throws {
    var numbers = [UInt64]()
    for index in 0..<600 { numbers.append(UInt64(index) &* 0x9e37_79b9_7f4a_7c15 >> 44) }
    let tester = FakeTester(capacity: 1)
    tester.capacities = numbers.map { Double($0) + 1000 }
    let found = try search(tester, [ndr, pdr], limit: 40)
    #expect(found.trials.count <= 40)
  }

  @Test func `it goes on where it was left`() throws {
    let tester = FakeTester(capacity: 654_321)
    let whole = try search(tester, [ndr, pdr])
    for known in [1, 5, whole.trials.count - 1] {
      var search = LossRatioSearch(goals: [ndr, pdr], minimum: 1000, maximum: 5_000_000)
      for trial in whole.trials.prefix(known) { search.record(trial) }
      #expect(search.next()?.load == whole.trials[known].load)
      #expect(search.next()?.seconds == whole.trials[known].seconds)
    }
  }
}
