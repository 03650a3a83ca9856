import Foundation
import Testing

@testable import Measuring

/// xskbench as a user meets it.
@Suite struct ProgramTests {
  @Test(
    arguments: [
      ["engine", "--packets", "10000", "--repeats", "3"],
      ["gro", "--packets", "10000", "--repeats", "3", "--set", "hot", "--traffic", "tcp-8"],
      ["pipeline", "--packets", "10000", "--repeats", "3", "--routes", "1000", "--traffic", "near"],
      ["stages", "--packets", "10000", "--repeats", "3", "--routes", "1000", "--rules", "10", "--traffic", "far"],
    ])
  func `a benchmark writes a document that follows the schema, to its output and to a file`(words: [String]) throws {
    let scratch = try ScratchFolder()
    let file = "\(scratch.path)/result.json"
    let outcome = try BenchmarkProgram.run(words + ["--json", "--output", file])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let document = try outcome.document()
    #expect(try ResultDocument(file: file) == document)
    #expect(document.benchmark == words[0])
    #expect(document.command.hasPrefix(words[0] + " "))
    #expect(!document.results.isEmpty && document.results.allSatisfy { $0.trials?.count == 3 })
    let names: Set = [
      "build", "steal", "shared-cores", "waiting", "governor", "clock", "siblings", "generator-headroom",
    ]
    #expect(names.isSubset(of: document.checks.map(\.name)))
    // What the tests are built with is a debug build, and says so.
    #expect(document.irregular.contains { $0.contains("debug build") })
    let value = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    let faults = SchemaCheck(root: try DocumentTests.schema()).faults(of: value)
    #expect(faults == [])
    for result in document.results where words[0] == "stages" {
      let stages = try #require(result.stages)
      #expect(stages.count == 8)
      #expect(abs(stages.reduce(0) { $0 + $1.addedCycles } - stages[7].totalCycles) < 0.1)
    }
  }

  @Test func `a soak on simulated rings holds`() throws {
    let outcome = try BenchmarkProgram.run("soak", "--duration", "4", "--seed", "7", "--only", "simulated", "--json")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let document = try outcome.document()
    #expect(document.checks.map(\.status) == [.ok])
    #expect((document.results.first?.packets ?? 0) > 1000)
  }

  @Test(arguments: [("damage", "left damaged"), ("repetition", "left twice"), ("loss", "arrived and")])
  func `a soak finds what does not hold, and names the seed`(sabotage: String, words: String) throws {
    let outcome = try BenchmarkProgram.run(
      "soak", "--duration", "2", "--seed", "7", "--only", "simulated", "--sabotage", sabotage, "--json")
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains(words), "\(outcome.errors)")
    #expect(outcome.errors.contains("xskbench soak --seed 7 --only simulated"))
    #expect(try outcome.document().isIrregular)
  }

  @Test func `a soak on veth holds while devices come and go`() throws {
    let outcome = try BenchmarkProgram.run("soak", "--duration", "8", "--seed", "3", "--only", "veth", "--json")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try outcome.document().checks.map(\.status) == [.ok])
  }

  @Test func `comparing files tells by its exit status whether a bound is kept`() throws {
    let scratch = try ScratchFolder()
    let new = try scratch.write(Sample.engine(started: "2026-11-21T10:00:00Z", cycles: 10), "new.json")
    let old = try scratch.write(Sample.engine(started: "2026-11-20T10:00:00Z", cycles: 20), "old.json")
    let kept = try BenchmarkProgram.run("compare", new, old, "--at-least", "1.5")
    #expect(kept.status == 0, "\(kept.errors)")
    #expect(kept.output.contains("drop, hot: A is 1.909 times as fast as B"))
    let broken = try BenchmarkProgram.run("compare", old, new, "--at-least", "0.9")
    #expect(broken.status == 1)
    #expect(broken.errors.contains("drop, hot: 0.524 is below 0.9"))
  }

  @Test func `commands are run in turn, and compared by the documents that they print`() throws {
    let scratch = try ScratchFolder()
    let new = try scratch.write(Sample.engine(started: "2026-11-21T10:00:00Z", cycles: 10), "new.json")
    let old = try scratch.write(Sample.engine(started: "2026-11-20T10:00:00Z", cycles: 20), "old.json")
    let order = "\(scratch.path)/order"
    let outcome = try BenchmarkProgram.run(
      "compare", "printf A >> \(order); cat \(new)", "printf B >> \(order); cat \(old)", "--only", "drop", "--json",
      "--at-least", "1.9")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try String(contentsOfFile: order, encoding: .utf8) == String(repeating: "AB", count: 10))
    let ratio = try #require(try outcome.document().ratios.first)
    #expect(ratio.name == "drop, hot, A / B" && ratio.pairs == 10 && ratio.median == 1.909)
  }

  @Test func `a command that fails ends a comparison with a sentence`() throws {
    let outcome = try BenchmarkProgram.run("compare", "true x", "false x", "--pairs", "1")
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("false x: failed with status 1; run it by hand to see why"))
  }

  @Test func `attach writes its times to a file, too`() throws {
    let scratch = try ScratchFolder()
    let file = "\(scratch.path)/attach.json"
    let outcome = try BenchmarkProgram.run("attach", "--count", "10", "--pause", "0", "--json", "--output", file)
    // 1: the machine had so much to do that an answer came before its packets were taken.
    #expect([0, 1].contains(outcome.status), "\(outcome.errors)")
    #expect(outcome.errors.contains("written to \(file)"))
    #expect(try String(contentsOfFile: file, encoding: .utf8) == outcome.output)
    let times = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    #expect(times["command"] as? String == "attach --count 10 --pause 0")
    #expect((times["api"] as? [Double])?.count == 10 && (times["plugin"] as? [Double])?.count == 10)
  }

  @Test(
    arguments: [
      (["report", "/nonexistent.json", "--output", "/tmp"], "/nonexistent.json: can't be read"),
      (["engine", "--output", "/nonexistent/result.json"], "/nonexistent/ is no folder that can be written to"),
      (["attach", "--output", "/tmp"], "--output /tmp: not a file's name"),
      (["compare", "/nonexistent.json", "/nonexistent.json"], "/nonexistent.json: can't be read"),
      (["compare", "/nonexistent.json", "some command"], "give two of a kind"),
      (["soak", "--duration", "0"], "--duration 0.0: out of range"), (["soak", "--only", "moon"], "moon"),
      (["stages", "--routes", "5"], "--routes 5: out of range"),
    ])
  func `wrong use is one clear sentence`(words: [String], sentence: String) throws {
    let outcome = try BenchmarkProgram.run(words)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains(sentence), "\(outcome.errors)")
    #expect(outcome.output == "")
  }

  @Test func `report names the plots that it has written`() throws {
    let scratch = try ScratchFolder()
    let files = try ["2026-11-20", "2026-11-21"].map { day in
      try scratch.write(Sample.engine(started: "\(day)T10:00:00Z", cycles: 10), "\(day).json")
    }
    let outcome = try BenchmarkProgram.run(["report"] + files + ["--output", "\(scratch.path)/page", "--png"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(scratch.path)/page").sorted()
    #expect(
      names == [
        "cycles-engine-hot.png", "cycles-engine-hot.svg", "history-engine-over-time.png",
        "history-engine-over-time.svg",
        "index.html", "ratio-engine.png", "ratio-engine.svg",
      ])
    #expect(outcome.output.contains("index.html  3 plots of 2 results"))
  }
}
