import CXsk
import Glibc
import Synchronization
import XSKEngine

/// A socket that a server listens on: a UNIX socket's file for one user, or a TCP port.
package final class ListeningSocket: Sendable {
  private struct File: Sendable {
    let path: String
    let device: dev_t
    let inode: ino_t
  }

  let descriptor: CInt
  /// How it is called in messages: the path, or the address with its port.
  let name: String
  private let file: File?
  private let isClosed = Atomic<Bool>(false)

  private init(_ descriptor: CInt, name: String, file: File?) {
    self.descriptor = descriptor
    self.name = name
    self.file = file
  }

  deinit { close() }

  /// Listens on a path for this user and root (mode 0600). A socket that a dead process left there is taken over.
  ///
  /// - Throws: if somebody listens there, if something else is there, or the kernel's refusal.
  package static func unix(_ path: String) throws(XSKError) -> ListeningSocket {
    let guardian = try DirectoryLock(of: path)
    defer { guardian.release() }
    var descriptor = unsafe cxsk_unix_listen(path, path.utf8.count, 0o600)
    if descriptor == -EADDRINUSE {
      try removeStale(path)
      descriptor = unsafe cxsk_unix_listen(path, path.utf8.count, 0o600)
    }
    guard descriptor >= 0 else { throw refused(path, descriptor) }
    var status = stat()
    let isThere = unsafe lstat(path, &status) == 0
    return ListeningSocket(
      descriptor, name: path,
      file: isThere ? File(path: path, device: status.st_dev, inode: status.st_ino) : nil)
  }

  private static func refused(_ path: String, _ code: CInt) -> XSKError {
    XSKError(
      path, refused: "the control socket cannot be made", code: code,
      remedy: code == -ENAMETOOLONG ? "name a path of at most 107 bytes" : "choose another path")
  }

  /// Removes a socket that nobody listens on.
  private static func removeStale(_ path: String) throws(XSKError) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw XSKError(path, "is there already, and no socket", remedy: "remove it, or choose another path")
    }
    let connection = unsafe cxsk_unix_connect(path, path.utf8.count, 1000)
    guard connection == -ECONNREFUSED else {
      if connection >= 0 { Glibc.close(connection) }
      throw XSKError(path, "another process listens there", remedy: "stop it, or choose another path")
    }
    guard unsafe unlink(path) == 0 || errno == ENOENT else { throw refused(path, errno) }
  }

  /// Listens on a TCP port.
  package static func tcp(_ endpoint: MetricsEndpoint) throws(XSKError) -> ListeningSocket {
    var port = endpoint.port
    let descriptor = unsafe cxsk_tcp_listen(endpoint.address, &port)
    guard descriptor >= 0 else {
      throw XSKError(
        "--metrics \(endpoint)", refused: "cannot be listened on", code: descriptor,
        remedy: "choose a free port and an address of this machine; port 0 takes any that is free")
    }
    return ListeningSocket(descriptor, name: "\(MetricsEndpoint(address: endpoint.address, port: port))", file: nil)
  }

  /// Why a peer is not served, if it isn't: the control socket serves its own user and root, whatever its file's mode has
  /// become.
  func refusal(of connection: CInt) -> HTTPResponse? {
    guard file != nil else { return nil }
    var user = uid_t.max
    guard unsafe cxsk_peer_user(connection, &user) == 0, user == 0 || user == geteuid() else {
      return .refusal(.forbidden, "user \(user): not permitted; run this as the user who started xskfwd, or as root")
    }
    return nil
  }

  /// Closes it, and removes its file if that is still its own.
  func close() {
    guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
    if let file {
      var status = stat()
      if unsafe lstat(file.path, &status) == 0, status.st_dev == file.device, status.st_ino == file.inode {
        unsafe unlink(file.path)
      }
    }
    Glibc.close(descriptor)
  }
}

/// Keeps starting processes from taking over a path at the same time, and from taking a socket for stale that is bound and
/// about to listen: an advisory lock on its directory.
struct DirectoryLock {
  private let descriptor: CInt

  init(of path: String) throws(XSKError) {
    let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    descriptor = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw XSKError(
        path, refused: "its directory cannot be opened", code: errno, remedy: "make \(directory), or name another path")
    }
    // Held for a moment only by others like us; whoever holds it longer does not keep us from starting.
    for _ in 0..<1000 {
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return }
      usleep(1000)
    }
  }

  func release() { close(descriptor) }
}
