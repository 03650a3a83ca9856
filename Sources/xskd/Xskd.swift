import ArgumentParser
import Glibc
import ProgramSupport
import XSKEngine

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
      Detach.self,
    ])

  static func main() {
    // A closed pipe ends the output, not the program.
    signal(SIGPIPE, SIG_IGN)
    Console.openMissingDescriptors()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let status as ExitCode {
      Glibc.exit(status.rawValue)
    } catch let failure as RunFailure {
      fail("xskd: \(failure.reason)", status: 1)
    } catch let error as XSKError {
      fail("xskd: \(error)")
    } catch {
      guard exitCode(for: error) != .success else { exit(withError: error) }
      fail(fullMessage(for: error))
    }
  }

  private static func fail(_ message: String, status: CInt = 2) -> Never {
    Console.error(message)
    Glibc.exit(status)
  }
}
