import FoundationEssentials
import Glibc
import TenantAPI

extension Plugin {
  /// Ends an attachment; done if there is none. The interface goes first: an address is not given to others while it is
  /// still routed here.
  ///
  /// With xskd down the address is given back all the same, since some runtimes don't ask again: podman's container would keep it
  /// for ever. Nobody can have it too early: interfaces are made by xskd alone, which lets go of what is gone when it starts, and
  /// refuses an address that another has.
  func delete() throws(CNIError) {
    do throws(DaemonError) {
      try daemon.detach(environment.attachment)
    } catch {
      guard case .absent = error else { throw failure(error) }
      guard try isNothingLeft() else {
        _ = try? DelegatedIPAM(configuration, environment)?.perform(.delete)
        throw failure(error)
      }
    }
    try DelegatedIPAM(configuration, environment)?.perform(.delete)
  }

  /// Whether xskd, which is down, has nothing of this attachment to clean up once it is back.
  private func isNothingLeft() throws(CNIError) -> Bool {
    let directory = daemon.path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
      separator: "/")
    let file = "\(directory)/state.json"
    guard let data = try? Data(contentsOf: URL(filePath: file)) else {
      // After a boot there is no state, and no interface either.
      // Safe: the path is a C string for the call.
      if unsafe access(file, F_OK) != 0 && errno == ENOENT { return true }
      throw CNIError(.tryAgain, "xskd: down, and \(file) can't be read; start it: systemctl start xskd")
    }
    guard let tenants = JSONValue(parsing: Array(data))?["tenants"]?.array else {
      throw CNIError(.tryAgain, "xskd: down, and \(file) is damaged; start it, and see what it says")
    }
    return !tenants.contains { $0["id"]?.string == environment.attachment }
  }
}
