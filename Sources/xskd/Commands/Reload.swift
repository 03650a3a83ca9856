import ArgumentParser
import ProgramSupport
import TenantAPI

struct Reload: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Have the running daemon and its dataplane read the configuration again.",
    discussion: """
      It is put in force as a whole, or not at all: exit status 2, and what is wrong. What needs another dataplane (uplinks, \
      capacity, engine) is refused while one runs.
      """)

  @OptionGroup var places: PlaceOptions

  func run() throws {
    let client = DaemonClient(path: places.places.socket)
    do throws(DaemonError) {
      _ = try client.ask("POST", "/v1/reload")
    } catch {
      if case .refused(_, let reason) = error {
        Console.error("xskd: not reloaded: \(reason)")
        throw ExitCode(2)
      }
      throw Show.error(error, client.path)
    }
    Console.print("reloaded")
  }
}
