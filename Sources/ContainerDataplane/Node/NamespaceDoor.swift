import Glibc
import XSKEngine

/// A container's network namespace, held open by its path.
struct NamespaceDoor: ~Copyable {
  let descriptor: CInt
  private let path: String

  init(_ path: String) throws(XSKError) {
    // Without O_NONBLOCK, opening a pipe would wait for a writer.
    // Safe: the path is a C string for the call.
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else {
      throw XSKError(
        path, refused: "the network namespace can't be opened", code: errno, remedy: "see whether the container runs")
    }
    // NS_GET_NSTYPE and CLONE_NEWNET (linux/nsfs.h, linux/sched.h), which aren't imported. A path is a plain file again once what
    // was mounted there is gone.
    guard ioctl(file, 0xb703) == 0x4000_0000 else {
      close(file)
      throw XSKError(path, "no network namespace", remedy: "see whether the container runs", code: EINVAL)
    }
    descriptor = file
    self.path = path
  }

  deinit { close(descriptor) }

  func identity() throws(XSKError) -> TenantNamespace.Identity {
    guard let identity = TenantNamespace.Identity(descriptor: descriptor) else {
      throw XSKError(path, refused: "the network namespace can't be looked at", code: errno, remedy: "run as root")
    }
    return identity
  }

  /// Whether it is the one that the calling thread is in.
  var isOwn: Bool { TenantNamespace.Identity(descriptor: descriptor) == .init(path: "/proc/thread-self/ns/net") }
}
