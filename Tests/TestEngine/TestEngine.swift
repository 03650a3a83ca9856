import Forwarder
import Glibc
import XSKEngine

/// `xsk-test-engine [--punt] A B`: forwards between two devices until it is killed, or for a minute at most; with `--punt`
/// what is the host's own goes to its stack.
///
/// The system tests start it in a namespace of theirs and kill it with SIGKILL: what is left then is the kernel's work.
@main
struct TestEngine {
  static func main() {
    let punts = CommandLine.arguments.contains("--punt")
    let devices = CommandLine.arguments.dropFirst().filter { $0 != "--punt" }
    let configuration = EngineConfiguration(
      ports: devices.map { PortConfiguration($0, punt: punts ? .host : .none) })
    do throws(XSKError) {
      let engine = try Engine.start(configuration) { _ in ForwardHandler() }
      write("running\n")
      sleep(60)
      engine.stop()
    } catch {
      write("\(error)\n")
      exit(1)
    }
  }

  /// Unbuffered: the tests wait for the line.
  static func write(_ line: String) {
    // write(2) reads exactly the text's bytes.
    _ = unsafe Glibc.write(STDOUT_FILENO, line, line.utf8.count)
  }
}
