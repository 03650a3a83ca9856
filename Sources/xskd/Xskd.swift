import ArgumentParser
import ProgramSupport

/// The program: parses, runs, and turns every failure into one sentence on standard error.
///
/// Exit status: 0 done; 1 something went wrong after the beginning; 2 wrong use, or something that stood in the way.
@main
struct Xskd: ParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "xskd",
    abstract: "AF_XDP for containers that hold no privileges.",
    version: version,
    // One a line, each in a file of its own.
    subcommands: [
      DataplaneCommand.self,
      CheckCommand.self,
      Serve.self,
      Show.self,
      Reload.self,
      Detach.self,
    ])

  static func main() { runProgram() }
}
