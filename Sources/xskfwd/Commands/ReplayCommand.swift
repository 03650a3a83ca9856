import ArgumentParser
import GROLite
import Replay
import Reporting
import XSKEngine

struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Run a capture through the engine on a simulated NIC, and show what GRO makes of it.",
    discussion: """
      Reads pcap and pcapng, Ethernet or raw IP. Every packet is delivered; nothing reaches a network.
      Needs no privileges.
      """)

  @Option(name: .customLong("in"), help: "The capture to read; - for standard input.") var input: String
  @Option(name: .customLong("out"), help: "Write the frames as they would leave to a capture; - for standard output.")
  var output: String?
  @Option(help: "Write a JSON line for each delivered unit to this file; - for standard output.") var units: String?
  @Option(help: "Packets of a burst, 1…1024. Default: 64.") var batch: Int?
  @Option(help: "Packets of the first bursts, 3,1,64; the last size is that of all further ones.") var batches: String?
  @Option(help: "chain keeps frames, linear makes super-frames, off merges nothing.") var gro: GROChoice = .chain
  @Flag(help: "Print one summary object on standard output at the end, and nothing else there.") var json = false

  func validate() throws {
    _ = try sizes()
    guard [output, units].filter({ $0 == "-" }).count + (json ? 1 : 0) < 2 else {
      throw ValidationError("--out -, --units - and --json: only one of them can have standard output; name a file")
    }
  }

  func run() throws {
    var replay = CaptureReplay(input: input, mode: gro.mode, batches: try sizes())
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
