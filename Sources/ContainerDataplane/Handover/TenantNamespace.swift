import CXsk
import Glibc
import XSKEngine

/// A network namespace by its path, as threads enter it.
struct TenantNamespace: Sendable {
  let path: String

  /// What tells a namespace from others as long as it lives: device and inode of its nsfs file.
  struct Identity: Hashable, Sendable {
    let device: dev_t
    let inode: ino_t

    /// Of a path, followed; nil: it can't be looked at.
    init?(path: String) {
      var status = stat()
      // Safe: written by the call.
      guard unsafe stat(path, &status) == 0 else { return nil }
      (device, inode) = (status.st_dev, status.st_ino)
    }

    init?(descriptor: CInt) {
      var status = stat()
      // Safe: written by the call.
      guard unsafe fstat(descriptor, &status) == 0 else { return nil }
      (device, inode) = (status.st_dev, status.st_ino)
    }
  }

  /// Moves the calling thread into it, for good.
  ///
  /// - Throws: if there is none at the path, or it can't be entered.
  func enter() throws(XSKError) -> Identity {
    // Without O_NONBLOCK, opening a pipe would wait. Safe: the path is a C string for the call.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw XSKError(
        "network namespace \(path)", refused: "cannot be opened", code: errno,
        remedy: "the container has ended, or name the path that its runtime made")
    }
    defer { close(descriptor) }
    let code = cxsk_enter_network(descriptor)
    guard code == 0, let identity = Identity(descriptor: descriptor) else {
      throw XSKError(
        "network namespace \(path)", refused: "cannot be entered", code: code,
        remedy: "run as root (CAP_SYS_ADMIN), and name a network namespace")
    }
    return identity
  }

  /// The kernel's number for it (SO_NETNS_COOKIE, Linux 5.14), which no other has until the next boot; 0: it does not tell.
  func cookie() throws(XSKError) -> UInt64 { try run { () throws(XSKError) in cxsk_network_cookie() } }

  /// Runs something inside it, on a thread that ends with it.
  ///
  /// - Parameter beside: runs on the calling thread meanwhile.
  func run<Answer: Sendable>(
    _ body: @escaping @Sendable () throws(XSKError) -> Answer, beside: () -> Void = {}
  ) throws(XSKError) -> Answer {
    try SystemThread.run(
      "xsk-tenant",
      {
        Result { () throws(XSKError) in
          _ = try enter()
          return try body()
        }
      }, beside: beside
    ).get()
  }
}
