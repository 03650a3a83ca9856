import Foundation
import Measuring
import Testing
import XSKEngine

@Suite struct SearchRunTests {
  private static let settings = SearchSettings(
    subject: "fake", sizes: ["64", "1518"], tests: SearchTest.allCases,
    goals: [LossGoal(name: "NDR", lossRatio: 0, finalSeconds: 2, initialSeconds: 1)], seconds: 2, repeats: 3,
    burstSeconds: 0.1)

  private func run(_ tester: FakeTester, path: String? = nil) throws -> (SearchReport, [String]) {
    var report = SearchReport(settings: Self.settings)
    var lines: [String] = []
    let search = SearchRun(
      Self.settings, tester, record: try SearchRecord(Self.settings, path: path), maximumLoad: { _ in 4_000_000 }
    ) { lines.append($0) }
    try search.run(&report)
    return (report, lines)
  }

  @Test func `all tests for all sizes, with what is left to do`() throws {
    let tester = FakeTester(capacity: 1_000_000)
    tester.buffer = 500
    let (report, lines) = try run(tester)
    #expect(report.sizes.map(\.size) == ["64", "1518"])
    for size in report.sizes {
      #expect(size.maximum == 3_920_000)
      #expect(size.throughput.count == 1 && size.trials.count > 3)
      #expect(size.loss.first?.load == 3_920_000 && size.loss.suffix(2).allSatisfy { $0.lossRatio == 0 })
      #expect(size.latency.count == 6)
      let burst = try #require(size.burst)
      // At five million a second a million leaves room for four fifths of a burst in the buffer: 625 frames.
      #expect((600...630).contains(burst.mean), "\(burst)")
      #expect(size.recovery?.lost == 7 && size.reset?.lost == 700)
    }
    #expect(!lines.isEmpty && lines.allSatisfy { $0.hasSuffix("left") })
    #expect(report.shortcuts.contains { $0.hasPrefix("short trials: 2.0 s") })
  }

  @Test func `a search that broke off goes on from its file, and comes to the same`() throws {
    let folder = try ScratchFolder()
    let path = "\(folder.path)/state.json"
    let whole = FakeTester(capacity: 1_000_000)
    let (expected, _) = try run(whole)
    var calls = 0
    for limit in [4, 9, 20, Int.max] {
      let tester = FakeTester(capacity: 1_000_000)
      tester.callLimit = limit
      if limit < Int.max {
        #expect(throws: FakeTester.Stopped.self) { try run(tester, path: path) }
      } else {
        #expect(try run(tester, path: path).0 == expected)
      }
      calls += tester.calls
    }
    // No trial was made twice.
    #expect(calls == whole.calls)
  }

  @Test func `a trial that was disturbed is made again, and the one that was disturbed least counts`() throws {
    var settings = Self.settings
    (settings.sizes, settings.tests) = (["64"], [.loss])
    let tester = FakeTester(capacity: 10_000_000)
    tester.held = [0.5, 0.1, 0, 0.2, 0.3, 0.4, 0]
    var report = SearchReport(settings: settings)
    var lines: [String] = []
    let search = SearchRun(
      settings, tester, record: try SearchRecord(settings, path: nil), maximumLoad: { _ in 4_000_000 }
    ) { lines.append($0) }
    try search.run(&report)
    let loss = report.sizes[0].loss
    // Three attempts, then three that were all disturbed.
    #expect(loss.map(\.attempts) == [3, 3] && loss.map(\.held) == [0, 0.2])
    #expect(loss[0].irregular.isEmpty && loss[1].irregular.contains { $0.contains("held up for 10.0 % of the time") })
    #expect(lines.count { $0.contains("again, ") } == 4)
  }

  @Test func `on a machine that is busy all the time trials are not made again for ever`() throws {
    let settings = SearchSettings(
      subject: "fake", sizes: ["64"], tests: [.throughput],
      goals: [LossGoal(name: "NDR", lossRatio: 0, finalSeconds: 2)],
      retries: 2)
    let tester = FakeTester(capacity: 1_000_000)
    tester.held = [0.5]
    var report = SearchReport(settings: settings)
    let search = SearchRun(
      settings, tester, record: try SearchRecord(settings, path: nil), maximumLoad: { _ in 4_000_000 }, tell: { _ in })
    try search.run(&report)
    let trials = report.sizes[0].trials
    // Where most is lost it is not made again: that load is too high whatever disturbs.
    #expect(trials.count { $0.attempts == 3 } == 4 && tester.calls == trials.count + 4 * 2)
    let result = report.sizes[0].throughput[0]
    #expect(result.lower ?? 0 > 900_000 && result.irregular.contains { $0.contains("the generator was held up") })
  }

  @Test func `a file of another search is refused, and left alone`() throws {
    let folder = try ScratchFolder()
    let path = "\(folder.path)/other.json"
    try "{}".write(toFile: path, atomically: true, encoding: .utf8)
    let error = #expect(throws: XSKError.self) { try SearchRecord(Self.settings, path: path) }
    #expect(error?.problem == "is not a search's file")
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "{}")
    let mine = "\(folder.path)/mine.json"
    _ = try SearchRecord(Self.settings, path: mine)
    var others = Self.settings
    others.sizes = ["64"]
    let wanted = others
    let difference = #expect(throws: XSKError.self) { try SearchRecord(wanted, path: mine) }
    #expect(difference?.problem == "is of a search with other sizes")
    for (text, problem) in [
      (#"{"format":"xskbench-search","version":1}"#, "is a search's file of version 1, this xskbench knows 2"),
      (#"{"format":"xskbench-search","version":2}"#, "is a search's file that is damaged"),
    ] {
      try text.write(toFile: mine, atomically: true, encoding: .utf8)
      let error = #expect(throws: XSKError.self) { try SearchRecord(Self.settings, path: mine) }
      #expect(error?.problem == problem)
      #expect(try String(contentsOfFile: mine, encoding: .utf8) == text)
    }
    #expect(throws: XSKError.self) { try SearchRecord(wanted, path: "/nowhere/state.json") }
  }

  @Test func `bursts: the longest that passes, or that none does`() {
    for (buffer, expected) in [(0.0, UInt64(0)), (100, 100), (77_777, 77_000), (1e9, 500_000)] {
      var search = BurstSearch(limit: 500_000, repeats: 2)
      var bursts = 0
      while let frames = search.next() {
        bursts += 1
        search.record(
          TrialOutcome(
            load: 5e6, seconds: 1, lasted: 1, requested: frames, sent: frames,
            received: UInt64(min(Double(frames), buffer))))
      }
      let result = search.result(rate: 5_000_000, throughput: 1_000_000)
      #expect(result.repeats == 2 && bursts < 50)
      #expect(
        Double(result.minimum) >= Double(expected) * 0.98 && result.maximum <= UInt64(max(buffer, 0)), "\(result)")
      #expect(result.irregular.isEmpty == (expected == 100 || expected == 77_000), "\(result)")
      #expect(abs((result.correctedSeconds ?? -1) - result.impliedSeconds * 0.8) < 1e-9)
    }
  }
}
