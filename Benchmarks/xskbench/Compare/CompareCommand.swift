import ArgumentParser
import Foundation
import Measuring
import XSKEngine

/// Two result files, or two commands run in turn, as a ratio.
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "How many times as fast A is as B: two result files, or two commands run in turn.",
    discussion: """
      A and B are result files (.json), or command lines. Commands are run in turn, A B A B …, so that the machine's moods \
      meet both. If they print a result of xskbench (--json), each of its figures is compared; otherwise the time that they \
      take. Above 1 A is faster, whatever the figure.

      Exit status: 0, or 1 if a median is below --at-least; 2 for wrong use or a command that failed.

        xskbench compare --at-least 0.97 'new/xskbench engine --json' 'old/xskbench engine --json'
      """)

  @Argument(help: ArgumentHelp("A result file, or a command line.", valueName: "A")) var first: String
  @Argument(help: ArgumentHelp("The other.", valueName: "B")) var second: String
  @Option(help: "Pairs of runs, 1…1000.") var pairs = 10
  @Option(help: "Fail unless each median ratio is at least this, 0.01…100.") var atLeast: Double?
  @Option(help: "Only the result of this name.") var only: String?
  @Option(help: "Seconds that one run of a command may take, 1…86400.") var timeout = 600.0
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (1...1000).contains(pairs) else { throw ValidationError("--pairs \(pairs): out of range; give 1 to 1000") }
    guard (1...86400).contains(timeout) else {
      throw ValidationError("--timeout \(timeout): out of range; give 1 to 86400")
    }
    if let atLeast, !(0.01...100).contains(atLeast) {
      throw ValidationError("--at-least \(atLeast): out of range; give 0.01 to 100")
    }
    guard Self.isFile(first) == Self.isFile(second) else {
      throw ValidationError("\(first), \(second): one is a result file, the other isn't; give two of a kind")
    }
  }

  private static func isFile(_ word: String) -> Bool { word.hasSuffix(".json") && !word.contains(" ") }

  func run() throws {
    let comparison =
      Self.isFile(first)
      ? try Comparison(try ResultDocument(file: first), try ResultDocument(file: second), only: only) : try measured()
    var document = comparison.document(
      command: "compare --pairs \(pairs) '\(first)' '\(second)'", first: first, second: second)
    if Self.isFile(first) {
      // Nothing ran here: what the files say of their runs is what there is.
      document.durationSeconds = 0
      try output.write(document, table: table(comparison))
    } else {
      runWatch.finish(&document)
      try output.write(document, table: table(comparison))
    }
    guard let atLeast else { return }
    let below = comparison.below(atLeast)
    for metric in below { complain("\(metric.name): \(metric.median.short) is below \(atLeast)") }
    if !below.isEmpty { throw ExitCode(1) }
  }

  private func measured() throws -> Comparison {
    let commands = [TimedCommand(line: first), TimedCommand(line: second)]
    var outcomes: [(TimedCommand.Outcome, TimedCommand.Outcome)] = []
    for pair in 1...pairs {
      complain("pair \(pair) of \(pairs)")
      outcomes.append((try commands[0].run(within: timeout), try commands[1].run(within: timeout)))
    }
    let documents = outcomes.compactMap { first, second in
      first.document.flatMap { one in second.document.map { (one, $0) } }
    }
    guard documents.count == outcomes.count else {
      guard only == nil else {
        throw XSKError("--only", "needs commands that print a result of xskbench", remedy: "add --json to both")
      }
      return Comparison(seconds: outcomes.map { ($0.0.seconds, $0.1.seconds) })
    }
    return try Comparison(pairs: documents, only: only)
  }

  private func table(_ comparison: Comparison) -> String {
    var lines = ["A: \(first)", "B: \(second)", ""]
    for metric in comparison.metrics {
      let (middle, range) = (metric.middle, metric.range)
      lines.append(
        "\(metric.name): A is \(metric.median.short) times as fast as B (middle half \(middle.lowerBound.short) …"
          + " \(middle.upperBound.short), all \(range.lowerBound.short) … \(range.upperBound.short), "
          + (comparison.isInterleaved ? "\(metric.ratios.count) pairs in turn)" : "independent runs, not in turn)"))
      lines.append("  \(metric.unit): A \(metric.first.median.short), B \(metric.second.median.short)")
    }
    lines += comparison.irregular.map { "irregular: \($0)" }
    return lines.joined(separator: "\n")
  }
}
