import Testing
import XSKEngine

@testable import Measuring

@Suite struct ComparisonTests {
  @Test func `fewer cycles are faster`() throws {
    let (new, old) = (Sample.engine(started: "", cycles: 10), Sample.engine(started: "", cycles: 20))
    let comparison = try Comparison(pairs: Array(repeating: (new, old), count: 10))
    #expect(comparison.metrics.map(\.name) == ["drop, hot", "reflect, hot"])
    #expect(abs(comparison.metrics[0].median - 21.0 / 11) < 1e-9)
    #expect(comparison.irregular == [])
    #expect(comparison.below(1.9).isEmpty)
    #expect(comparison.below(1.91).count == 2)
  }

  @Test func `more packets a second are faster`() throws {
    let document = Sample.search()
    var slower = document
    for index in slower.results.indices { slower.results[index].mpps /= 2 }
    let comparison = try Comparison(
      pairs: Array(repeating: (document, slower), count: 10), only: "xskfwd forward, 64 B")
    #expect(comparison.metrics.map(\.median) == [2])
    #expect(comparison.metrics[0].unit == "million packets a second")
  }

  @Test func `two files are compared trial by trial, each with each`() throws {
    let comparison = try Comparison(
      Sample.engine(started: "", cycles: 10), Sample.engine(started: "", cycles: 20))
    let metric = try #require(comparison.metrics.first)
    #expect(metric.ratios.count == 9)
    #expect(metric.range == 20.0 / 12...22.0 / 10)
    #expect(!comparison.isInterleaved)
  }

  @Test func `few pairs, irregular runs and other machines are said`() throws {
    let good = Sample.engine(started: "a", cycles: 10)
    let bad = Sample.engine(started: "b", cycles: 10, irregular: ["stolen"])
    let few = try Comparison(pairs: [(good, bad)])
    #expect(few.irregular == ["1 pairs: fewer than 10 don't tell", "1 of 1 pairs were irregular, for example: stolen"])
    var elsewhere = bad
    elsewhere.machine.kernel = "7"
    let files = try Comparison(good, elsewhere)
    #expect(files.irregular == ["the two were measured on different machines or kernels", "of b: stolen"])
    let document = files.document(command: "compare a b", first: "a", second: "b")
    #expect(document.irregular == files.irregular)
    #expect(document.ratios.map(\.name) == ["drop, hot, A / B", "reflect, hot, A / B"])
  }

  @Test func `times of commands are compared`() {
    let comparison = Comparison(seconds: Array(repeating: (1, 3), count: 10))
    #expect(comparison.metrics.map(\.median) == [3])
    #expect(comparison.irregular.isEmpty)
  }

  @Test func `two that have nothing in common are refused`() {
    #expect(throws: XSKError.self) { try Comparison(Sample.search(), Sample.engine(started: "", cycles: 1)) }
    #expect(throws: XSKError.self) {
      try Comparison(pairs: [(Sample.search(), Sample.search())], only: "no such result")
    }
  }
}
