import ArgumentParser
import ProgramSupport

/// The program: parses, runs, and turns every failure into one sentence on standard error.
///
/// Exit status: 0 done; 1 something went wrong after the beginning; 2 wrong use, or something that stood in the way.
/// `doctor` has its own (see there).
@main
struct Xskfwd: ParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "xskfwd",
    abstract: "An AF_XDP packet forwarder: drop, reflect, or forward packets, or deliver them to the host.",
    version: version,
    subcommands: [
      Run.self, Check.self, Reload.self, Drop.self, Reflect.self, Forward.self, Host.self, ReplayCommand.self,
      Show.self, Drain.self, Resume.self, Stop.self, CaptureCommand.self, DoctorCommand.self, Top.self, Demo.self,
    ])

  static func main() { runProgram() }
}
