import Measuring
import Testing

@Suite struct LatencyTests {
  @Test func `percentiles are those of the delays, to three digits`() throws {
    var recorder = LatencyRecorder()
    for value in 1...10_000 { recorder.record(UInt64(value) * 1000) }
    let summary = try #require(recorder.summary)
    #expect(summary.samples == 10_000)
    #expect(summary.minimum == 1000)
    #expect(summary.maximum == 10_000_000)
    for (value, wanted) in [(summary.median, 5e6), (summary.p90, 9e6), (summary.p99, 9.9e6), (summary.p999, 9.99e6)] {
      #expect(abs(Double(value) / wanted - 1) < 0.002)
    }
    #expect(summary.variation == summary.p999 - 1000)
  }

  @Test func `nothing recorded is no latency of zero`() {
    #expect(LatencyRecorder().summary == nil)
  }

  @Test func `a delay beyond the longest counts as that, and shows as what it was`() throws {
    var recorder = LatencyRecorder()
    recorder.record(LatencyRecorder.longest * 3)
    let summary = try #require(recorder.summary)
    #expect(summary.maximum == LatencyRecorder.longest * 3)
    #expect(summary.samples == 1)
  }
}
