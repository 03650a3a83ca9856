import ArgumentParser
import GROLite

/// The options of a command that can run GRO ahead of what it does.
struct GROOptions: ParsableArguments {
  /// What GRO does ahead of forwarding.
  enum Choice: String, ExpressibleByArgument, CaseIterable { case chain, off }

  @Option(help: "chain: coalesce packets of a flow and decide once for all of them; they leave as they came. Or off.")
  var gro = Choice.off

  @Option(help: "Hold packets that long for others to join them, in microseconds, 0…1000 (15 to 100 are sensible).")
  var groHold = 0

  func validate() throws {
    guard (0...1000).contains(groHold) else {
      throw ValidationError("--gro-hold \(groHold): out of range; give 0 to 1000 microseconds")
    }
    guard gro == .chain || groHold == 0 else {
      throw ValidationError("--gro-hold \(groHold): nothing is held without GRO; add --gro chain")
    }
  }

  /// What of them is not the default, as a command line has it.
  var arguments: [String] {
    guard gro == .chain else { return [] }
    return ["--gro", gro.rawValue] + (groHold == 0 ? [] : ["--gro-hold", "\(groHold)"])
  }

  /// nil: no GRO.
  ///
  /// - Parameter batch: packets of a burst at most.
  func configuration(_ mode: GROConfiguration.Mode, batch: Int) throws -> GROConfiguration? {
    guard gro == .chain else { return nil }
    guard groHold == 0 || batch < 1024 else {
      throw ValidationError(
        "--batch \(batch): leaves no room for held packets, 1024 being the most that GRO takes; give 1023 or less")
    }
    return GROConfiguration(
      mode: mode, holdTime: UInt64(groHold) * 1000, holdLimit: heldPackets(batch), seed: .random(in: .min ... .max))
  }

  /// Packets that each queue may hold: no more than a burst has, and together with one what GRO takes.
  func heldPackets(_ batch: Int) -> Int { groHold == 0 ? 0 : min(64, batch, 1024 - batch) }
}
