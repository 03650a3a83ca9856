public import ArgumentParser
import Glibc
import XSKEngine

extension ParsableCommand {
  /// What a program does with its arguments, from start to exit status: 0, 1 for what went wrong after the start had succeeded
  /// (`RunFailure`), 2 for what stood in its way, in one sentence on standard error.
  public static func runProgram() {
    // A closed pipe ends the output, not the program.
    signal(SIGPIPE, SIG_IGN)
    Console.openMissingDescriptors()
    let name = configuration.commandName ?? "\(self)"
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let status as ExitCode {
      Glibc.exit(status.rawValue)
    } catch let failure as RunFailure {
      fail("\(name): \(failure.reason)", status: 1)
    } catch let error as XSKError {
      fail("\(name): \(error)")
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
