import ArgumentParser
import ConfigurationFile
import Forwarder
import FoundationEssentials
import ProgramSupport
import XSKEngine

struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say whether a configuration file is right, and everything that is wrong with it.",
    discussion: """
      Reads the file and the lists of prefixes that it names, and makes the tables, but touches no device. \
      Exit status: 0 it can be used, 2 it can't.
      """)

  @Option(help: "The configuration file.") var config: String
  @Flag(help: "Print the result as one JSON object.") var json = false

  func run() throws {
    let report = ConfigurationFile.read(config)
    // Only what is read without a fault is worth trying.
    let refusal = report.configuration.flatMap { Self.refusal($0) }
    let isGood = report.configuration != nil && refusal == nil
    if json {
      try Console.printObject(try object(report, refusal))
    } else {
      for problem in report.problems { Console.error(problem.description) }
      if let refusal { Console.error("\(config): \(refusal)") }
      if isGood, let configuration = report.configuration {
        Console.print("\(config): good; \(Self.summary(configuration))")
      }
    }
    guard isGood else { throw ExitCode(2) }
  }

  /// Makes all tables: what they refuse (memory, for one) is told by no look at the file.
  private static func refusal(_ configuration: ForwarderConfiguration) -> XSKError? {
    do throws(XSKError) {
      _ = try configuration.compiledRules()
      _ = try configuration.prefixSets()
      _ = try configuration.makeRoutes(configuration.ports.map { _ in PortFacts(mac: 0, mtu: 1500) })
      return nil
    } catch {
      return error
    }
  }

  private static func summary(_ configuration: ForwarderConfiguration) -> String {
    let prefixes = configuration.sets.reduce(0) { $0 + $1.ipv4.count + $1.ipv6.count }
    let parts: [(Int, String)] = [
      (configuration.ports.count, "port"), (configuration.rules.rules.count, "rule"),
      (configuration.limiters.count, "limiter"), (configuration.sets.count, "set"),
      (configuration.routes.count, "route"), (configuration.neighbours.count, "neighbour"),
    ]
    return parts.map { count, what in
      let text = "\(count) \(what)\(count == 1 ? "" : "s")"
      return what == "set" && count > 0 ? "\(text) of \(prefixes) prefixes" : text
    }.joined(separator: ", ")
  }

  private struct Result: Encodable {
    let file: String
    let good: Bool
    let errors: [ConfigurationProblem]
    let warnings: [ConfigurationProblem]
    /// What the tables refused.
    let refusal: String?
  }

  private func object(_ report: ConfigurationReport, _ refusal: XSKError?) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let result = Result(
      file: config, good: report.configuration != nil && refusal == nil, errors: report.errors,
      warnings: report.warnings, refusal: refusal?.description)
    return String(decoding: try encoder.encode(result), as: UTF8.self)
  }
}
