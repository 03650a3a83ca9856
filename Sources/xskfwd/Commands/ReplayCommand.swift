import ArgumentParser
import ConfigurationFile
import Forwarder
import FoundationEssentials
import GROLite
import Operations
import ProgramSupport
import Replay
import Reporting
import XSKEngine

struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Run a capture through the engine on a simulated NIC, and show what GRO makes of it.",
    discussion: """
      Reads pcap and pcapng, Ethernet or raw IP. Every packet is delivered; nothing reaches a network. With --config the \
      packets meet that file's rules instead, as if they came in on one of its ports at the capture's times. Needs no \
      privileges.
      """)

  @Option(name: .customLong("in"), help: "The capture to read; - for standard input.") var input: String
  @Option(name: .customLong("out"), help: "Write the frames as they would leave to a capture; - for standard output.")
  var output: String?
  @Option(help: "Write a JSON line for each delivered unit to this file; - for standard output.") var units: String?
  @Option(help: "A configuration file whose policy is tried on the capture.") var config: String?
  @Option(help: "With --config: the port that the packets come in on. Default: the first.") var port: String?
  @Option(help: "Packets of a burst, 1…1024. Default: 64.") var batch: Int?
  @Option(help: "Packets of the first bursts, 3,1,64; the last size is that of all further ones.") var batches: String?
  @Option(help: "chain keeps frames, linear makes super-frames, off merges nothing. Default: chain.")
  var gro: GROChoice?
  @Flag(help: "Print one summary object on standard output at the end, and nothing else there.") var json = false

  func validate() throws {
    _ = try sizes()
    guard config != nil || port == nil else {
      throw ValidationError("--port \(port ?? ""): of no use without --config; add it, or leave the port out")
    }
    if config != nil {
      let others = [
        ("--units", units != nil), ("--batch", batch != nil), ("--batches", batches != nil), ("--gro", gro != nil),
      ]
      if let (name, _) = others.first(where: \.1) {
        throw ValidationError("\(name): not with --config, whose file says how packets are taken; leave it out")
      }
    }
    guard [output, units].filter({ $0 == "-" }).count + (json ? 1 : 0) < 2 else {
      throw ValidationError("--out -, --units - and --json: only one of them can have standard output; name a file")
    }
  }

  func run() throws {
    if let config { return try run(config) }
    var replay = CaptureReplay(input: input, mode: (gro ?? .chain).mode, batches: try sizes())
    (replay.output, replay.units) = (output, units)
    (replay.tool, replay.version) = ("xskfwd", Xskfwd.version)
    let interruption = ReplayInterruption()
    replay.interruption = interruption
    let outcome = try replay.run { () throws(XSKError) in try ReplaySignals.follow(interruption) }
    if outcome.isInterrupted {
      let count = outcome.summary.packets.received
      Console.error("xskfwd: ended by a signal after packet \(count), before the capture's end")
    }
    if json {
      try Console.printObject(outcome.summary.json())
    } else if output == "-" || units == "-" {
      Console.error(outcome.summary.text)
    } else {
      Console.print(outcome.summary.text)
    }
    if let failure = outcome.failure { throw RunFailure(failure) }
  }

  /// Tries a policy on the capture.
  private func run(_ path: String) throws {
    let file = ConfigurationFile.read(path)
    for problem in file.problems { Console.error(problem.description) }
    guard let configuration = file.configuration else { throw ExitCode(2) }
    let names = configuration.ports.map(\.name)
    guard let place = port.map({ names.firstIndex(of: $0) }) ?? 0 else {
      throw ValidationError("--port \(port ?? ""): no port of \(path); use \(names.joined(separator: ", "))")
    }
    // No device is there to be asked.
    let facts = configuration.ports.indices.map { PortFacts(mac: 0x0200_0000_0000 | UInt64($0), mtu: 1500) }
    var replay = PolicyReplay(input: input, try Policy(configuration, facts: facts))
    (replay.output, replay.port) = (output, place)
    (replay.tool, replay.version, replay.command) = ("xskfwd", Xskfwd.version, "replay \(input) --config \(path)")
    let interruption = ReplayInterruption()
    replay.interruption = interruption
    let outcome = try replay.run { () throws(XSKError) in try ReplaySignals.follow(interruption) }
    if outcome.isInterrupted { Console.error("xskfwd: ended by a signal, before the capture's end") }
    let text = outcome.summary.text + "\n" + outcome.counts.text()
    if json {
      try Console.printObject(try PolicyReplayObject(run: outcome.summary, policy: outcome.counts).json())
    } else if output == "-" {
      Console.error(text)
    } else {
      Console.print(text)
    }
    if let failure = outcome.failure { throw RunFailure(failure) }
  }

  private func sizes() throws -> [Int] {
    guard batch == nil || batches == nil else {
      throw ValidationError("--batch and --batches: both say how large bursts are; give one of them")
    }
    guard let batches else {
      let batch = batch ?? 64
      guard (1...1024).contains(batch) else {
        throw ValidationError("--batch \(batch): out of range; give 1 to 1024 packets")
      }
      return [batch]
    }
    return try batches.split(separator: ",", omittingEmptySubsequences: false).map { text in
      guard let size = Int(text), (1...1024).contains(size) else {
        throw ValidationError(
          "--batches \(batches): '\(text)' is not a size; give 1 to 1024 packets each, as in 3,1,64")
      }
      return size
    }
  }
}

/// What `replay --config --json` prints.
private struct PolicyReplayObject: Encodable {
  let run: RunSummary
  let policy: PipelineCounts

  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}

/// What GRO is to do.
enum GROChoice: String, ExpressibleByArgument, CaseIterable {
  case chain, linear, off

  var mode: GROConfiguration.Mode? {
    switch self {
    case .chain: .chain
    case .linear: .linear
    case .off: nil
    }
  }
}
