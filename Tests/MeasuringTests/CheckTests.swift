import Testing
import XSKEngine

@testable import Measuring

@Suite struct CheckTests {
  private static let before = """
    cpu  1000 0 500 8000 100 0 10 40 0 0
    cpu0 500 0 250 4000 50 0 5 20 0 0
    cpu1 500 0 250 4000 50 0 5 20 0 0
    intr 12345
    """
  /// CPU 0 was busy for one second of two, stolen 0.1; CPU 1 idle for two.
  private static let after = """
    cpu  1100 0 500 8290 100 0 10 50 0 0
    cpu0 600 0 250 4090 50 0 5 30 0 0
    cpu1 500 0 250 4200 50 0 5 20 0 0
    """

  private func interval(own: Double, wait: UInt64 = 0, cpus: Set<Int> = []) -> SystemInterval {
    SystemInterval(
      from: SystemSample(
        nanoseconds: 0, processors: ProcessorTicks.parse(Self.before), ownSeconds: 3, waitNanoseconds: 7),
      to: SystemSample(
        nanoseconds: 2_000_000_000, processors: ProcessorTicks.parse(Self.after), ownSeconds: 3 + own,
        waitNanoseconds: 7 + wait), cpus: cpus)
  }

  @Test func `steal is the share of the CPUs in use`() {
    #expect(interval(own: 1).stealPercent == 2.5)
    #expect(interval(own: 1, cpus: [0]).stealPercent == 5)
    #expect(interval(own: 1, cpus: [1]).stealPercent == 0)
  }

  @Test(arguments: [(1.0, 0.0), (0.5, 25.0), (2.0, 0.0)])
  func `time that is nobody's of ours is foreign`(own: Double, percent: Double) {
    #expect(interval(own: own, cpus: [0]).foreignPercent == percent)
  }

  @Test func `what breaks a limit is irregular and says how much`() throws {
    let checks = RunWatch.checks(interval(own: 0.5, wait: 100_000_000, cpus: [0]))
    #expect(checks.map(\.name) == ["steal", "shared-cores", "waiting"])
    #expect(checks.map(\.status) == [.irregular, .irregular, .irregular])
    #expect(checks.map(\.value) == [5, 25, 5])
    #expect(RunWatch.checks(interval(own: 1, cpus: [1])).map(\.status) == [.ok, .ok, .ok])
  }

  @Test func `a run of a few milliseconds does not tell`() {
    let sample = SystemSample(
      nanoseconds: 0, processors: ProcessorTicks.parse(Self.before), ownSeconds: 0, waitNanoseconds: nil)
    let checks = RunWatch.checks(SystemInterval(from: sample, to: sample))
    #expect(checks.map(\.status) == [.unavailable, .unavailable, .unavailable])
  }

  @Test func `a trial that counted nothing is irregular, and its pair has no ratio`() throws {
    var document = ResultDocument(command: "wire")
    document.results = [.init(name: "drop", set: "veth", mpps: [0, 4], packets: 1)]
    document.ratios = [.init(name: "drop, a / b", of: [2, .infinity, .nan, 0]), .init(name: "none", of: [.nan])]
    document.finish([], seconds: 1)
    #expect(document.irregular == ["1 trials counted no packet at all"])
    #expect(document.ratios.map(\.pairs) == [1, 0])
    #expect(document.ratios.map(\.median) == [2, 0])
    _ = try document.json()
  }

  @Test func `a debug build is irregular`() {
    #expect(RunWatch.machineChecks(cpus: [], build: "debug").first?.status == .irregular)
    #expect(RunWatch.machineChecks(cpus: [], build: "release").first?.status == .ok)
  }

  @Test func `a run marks its document`() {
    var document = ResultDocument(command: "engine --packets 1")
    document.noteGenerator(alone: 1.05, offered: 1)
    let watch = RunWatch()
    watch.finish(&document)
    #expect(document.durationSeconds >= 0)
    #expect(document.checks.count { $0.name == "generator-headroom" } == 1)
    #expect(document.irregular.contains("the generator alone reaches 1.05 M/s, asked for were 1.0"))
    #expect(document.irregular == document.checks.filter { $0.status == .irregular }.map(\.text))
  }

  @Test(
    arguments: [("0", [0]), ("0-2,8", [0, 1, 2, 8]), ("", []), ("3-1", []), ("0-99999999", [])] as [(String, Set<Int>)])
  func `the kernel's lists of CPUs are read`(text: String, cpus: Set<Int>) {
    #expect(RunWatch.cpuList(text) == cpus)
  }

  @Test func `the median of an even number is between the middle two`() {
    #expect([4, 1, 3, 2].median == 2.5)
    #expect([3, 1, 2].median == 2)
    #expect([Double]().median.isNaN)
    #expect([1, 2, 3, 4, 5].quantile(0.75) == 4)
  }
}
