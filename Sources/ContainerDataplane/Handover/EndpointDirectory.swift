import CXsk
import Glibc
import XSKEngine

/// The directory of a tenant's socket, open. The socket is made and removed relative to it: its path may be longer than a
/// socket's address, and what is mounted into a container may be a container's to rearrange.
final class EndpointDirectory: Sendable {
  let path: String
  private let descriptor: CInt

  /// Makes it if it is not there; its parents must be.
  init(_ path: String) throws(XSKError) {
    self.path = path
    // Safe: C strings for the calls.
    guard unsafe mkdir(path, 0o755) == 0 || errno == EEXIST else {
      throw XSKError(path, refused: "the directory cannot be made", code: errno, remedy: "make its parent, run as root")
    }
    descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0, fchmod(descriptor, 0o755) == 0 else {
      throw XSKError(path, refused: "cannot be opened as a directory", code: errno, remedy: "remove what is there")
    }
  }

  deinit { close(descriptor) }

  /// Listens on the tenant's socket. Everybody who comes as far as the directory may connect; who is served is decided then.
  func listen() throws(XSKError) -> CInt {
    // Safe: a C string for the call.
    let socket = unsafe cxsk_packet_listen(descriptor, TenantEndpoint.socketName, 0o666)
    guard socket >= 0 else {
      throw XSKError(
        "\(path)/\(TenantEndpoint.socketName)", refused: "cannot be listened on", code: socket,
        remedy: "remove what is there")
    }
    return socket
  }

  /// Removes the socket's name.
  func removeSocket() {
    // Safe: a C string for the call.
    unsafe unlinkat(descriptor, TenantEndpoint.socketName, 0)
  }
}

enum DirectoryListing {
  /// What is in a directory; empty if it can't be read.
  static func names(in path: String) -> [String] {
    guard let directory = unsafe opendir(path) else { return [] }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
      // d_name is NUL-terminated within its 256 bytes (readdir(3)).
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }
}
