import ArgumentParser
import Glibc
import Measuring
import XSKEngine

/// The benchmark harness. Exit status: 0 done; 1 a comparison or check that failed, or not what was asked for was reached; 2 wrong
/// use, or something that stands in the way; 130 interrupted.
@main
struct Xskbench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "xskbench", abstract: "How fast the engine is, and the command that shows it.",
    version: "0.1.0",
    subcommands: [
      EngineBenchmark.self, GROBenchmark.self, PipelineBenchmark.self, WireBenchmark.self, HostBenchmark.self,
      OffloadBenchmark.self, StagesBenchmark.self, SoakBenchmark.self, CompareCommand.self, ReportCommand.self,
      CountCommand.self, GenerateCommand.self, SinkCommand.self, SearchCommand.self,
      TenantBenchmark.self, AttachBenchmark.self, TenantSource.self,
    ])

  static func main() {
    _ = runWatch
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let code as ExitCode {
      Glibc.exit(code.rawValue)
    } catch is Interrupted {
      complain("interrupted before anything was finished; the lab is gone")
      Glibc.exit(130)
    } catch let error as XSKError {
      fail("xskbench: \(error)")
    } catch {
      guard exitCode(for: error) != .success else { exit(withError: error) }
      fail(fullMessage(for: error))
    }
  }

  private static func fail(_ message: String) -> Never {
    complain(message)
    Glibc.exit(2)
  }
}

/// Writes a line to standard error: progress and failures, never results.
func complain(_ message: String) {
  let line = Array((message + "\n").utf8)
  // Safe: the buffer is valid for the length given.
  _ = unsafe line.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
