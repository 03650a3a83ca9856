import Glibc

/// The directory of an attachment's socket, held open: whatever becomes of its path and of what is mounted there, the kernel
/// tells when the daemon has removed it. It does so at an attachment's end, and only then; daemons come and go.
final class AttachmentDirectory: Sendable {
  private let descriptor: CInt

  /// - Parameter socket: the path of the socket in it. If the directory can't be opened it never counts as removed.
  init(of socket: String) {
    let parent = socket.lastIndex(of: "/").map { $0 == socket.startIndex ? "/" : String(socket[..<$0]) } ?? "."
    // O_PATH: it takes no permission but to get there. Safe: the path is a C string for the call.
    descriptor = unsafe open(parent, Self.pathOnly | O_DIRECTORY | O_CLOEXEC)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// A directory without any link has been removed (inode(7)).
  var isRemoved: Bool { links == 0 }

  /// It was opened, and is not removed.
  var isThere: Bool { links.map { $0 > 0 } ?? false }

  /// nil: it could not be opened.
  private var links: nlink_t? {
    var status = stat()
    // Safe: written by the call.
    guard descriptor >= 0, unsafe fstat(descriptor, &status) == 0 else { return nil }
    return status.st_nlink
  }

  /// O_PATH of asm-generic/fcntl.h, which isn't imported without _GNU_SOURCE.
  private static let pathOnly: CInt = 0o10000000
}
