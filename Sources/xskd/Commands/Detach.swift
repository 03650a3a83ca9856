import ArgumentParser
import ProgramSupport
import TenantAPI
import XSKEngine

/// A tenant by hand, for trying things out and for what no container runtime does.
struct Detach: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "End an attachment, as a container runtime does when its container is gone.")

  @Argument(help: "The tenant: its id or name, as 'xskd show tenants' has them.") var tenant: String
  @OptionGroup var places: PlaceOptions

  func run() throws {
    let client = DaemonClient(path: places.places.socket)
    let tenants: [AttachedTenant]
    do throws(DaemonError) { tenants = try client.tenants() } catch { throw Show.error(error, client.path) }
    let id = try Self.choose(tenant, among: tenants)
    do throws(DaemonError) { try client.detach(id) } catch { throw Show.error(error, client.path) }
    Console.print("\(id): detached")
  }

  /// An id goes before a name: names are not only one tenant's.
  static func choose(_ word: String, among tenants: [AttachedTenant]) throws(XSKError) -> String {
    if tenants.contains(where: { $0.id == word }) { return word }
    let found = tenants.filter { $0.name == word || TextTable.shortened($0.id) == word }
    guard found.count < 2 else {
      throw XSKError(
        "tenant \(word)", "\(found.count) tenants are called so", remedy: "give an id: xskd show tenants --json")
    }
    guard let one = found.first else {
      throw XSKError("tenant \(word)", "there is none", remedy: "see: xskd show tenants")
    }
    return one.id
  }
}
