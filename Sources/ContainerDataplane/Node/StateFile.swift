import Glibc
import XSKEngine

/// The node's state on disk. It is always whole: a new one is written beside it, brought to the disk, and renamed.
struct StateFile: Sendable {
  let path: String

  /// nil if there is none.
  ///
  /// - Throws: what is wrong with it, and what to do; nothing is touched.
  func read() throws(XSKError) -> NodeState? {
    // Safe: the path is a C string for the call.
    guard unsafe access(path, F_OK) == 0 || errno != ENOENT else { return nil }
    do throws(XSKError) { return try NodeState.read(path) } catch {
      throw XSKError(
        error.subject, error.problem,
        remedy: "\(error.remedy), or restore \(path); without it tenants are cut off at the next start",
        code: error.code)
    }
  }

  func write(_ state: NodeState) throws(XSKError) {
    let bytes = try state.json()
    let draft = "\(path).new"
    // Safe: the path is a C string for the call.
    let file = unsafe open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { throw refused(draft, errno) }
    let code = Self.fill(file, bytes)
    close(file)
    // Safe: as above.
    guard code == 0, unsafe rename(draft, path) == 0 else {
      let reason = code == 0 ? errno : code
      unsafe unlink(draft)
      throw refused(path, reason)
    }
    syncDirectory()
  }

  private func refused(_ file: String, _ code: CInt) -> XSKError {
    XSKError(file, refused: "the state can't be written", code: code, remedy: "make room, or see who may write there")
  }

  /// 0, or an errno.
  private static func fill(_ file: CInt, _ bytes: [UInt8]) -> CInt {
    var rest = bytes[...]
    while !rest.isEmpty {
      // Safe: the buffer is valid for the length given.
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return count < 0 ? errno : EIO }
      rest = rest.dropFirst(count)
    }
    return fsync(file) == 0 ? 0 : errno
  }

  /// So that the new name is there after a loss of power, too.
  private func syncDirectory() {
    let directory = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    // Safe: as above.
    let file = unsafe open(directory.isEmpty ? "/" : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard file >= 0 else { return }
    _ = fsync(file)
    close(file)
  }
}
