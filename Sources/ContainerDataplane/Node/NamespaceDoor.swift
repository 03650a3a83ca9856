import Glibc
import XSKEngine

/// A container's network namespace, held open by its path.
struct NamespaceDoor: ~Copyable {
  let descriptor: CInt

  init(_ path: String) throws(XSKError) {
    // Without O_NONBLOCK, opening a pipe would wait for a writer.
    // Safe: the path is a C string for the call.
    descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw XSKError(
        path, refused: "the network namespace can't be opened", code: errno, remedy: "see whether the container runs")
    }
  }

  deinit { close(descriptor) }

  /// Whether it is the one that the calling thread is in.
  var isOwn: Bool { TenantNamespace.Identity(descriptor: descriptor) == .init(path: "/proc/thread-self/ns/net") }
}
