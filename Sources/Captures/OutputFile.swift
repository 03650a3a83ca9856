import Glibc
public import XSKEngine

/// Which file something is, whatever its name.
public struct FileIdentity: Hashable, Sendable {
  let device: UInt64
  let node: UInt64
  /// Regular files have contents to lose; pipes and devices don't.
  public let isRegular: Bool
  let isDirectory: Bool

  init(of file: CInt) {
    var status = stat()
    // Safe: written by the call. Of a file that has no status there is nothing to compare.
    let isKnown = unsafe fstat(file, &status) == 0
    device = isKnown ? UInt64(status.st_dev) : 0
    node = isKnown ? UInt64(status.st_ino) : 0
    isRegular = isKnown && status.st_mode & S_IFMT == S_IFREG
    isDirectory = isKnown && status.st_mode & S_IFMT == S_IFDIR
  }
}

/// A file opened for writing whose former contents are still there: they go when writing begins (`take`), after everything
/// else that could stand in the way was looked at. A file that did not exist goes again if that never happens. Standard
/// output is left as whoever opened it wanted it.
public struct OutputFile: ~Copyable {
  private var file: CInt
  private let path: String
  private let isNew: Bool
  /// The file's name in messages.
  public let name: String
  public let identity: FileIdentity

  /// - Parameters:
  ///   - path: a file, which is made if there is none; `-` for standard output.
  ///   - others: files that it must not be. Only regular files count: a terminal may be read and written.
  /// - Throws: a file that can't be written, or is one of those.
  public init(_ path: String, except others: [(FileIdentity, String)]) throws(XSKError) {
    name = path == "-" ? "standard output" : path
    self.path = path
    var opened: CInt = -1
    var made = false
    if path == "-" {
      // A duplicate, so that closing it leaves standard output open.
      opened = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
    } else {
      // Safe: paths are C strings for the calls.
      opened = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      made = opened >= 0
      if opened < 0 && errno == EEXIST { opened = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666) }
    }
    let code = errno
    file = opened
    isNew = made
    identity = FileIdentity(of: opened)
    guard file >= 0 else {
      throw XSKError(name, refused: "can't be written", code: code, remedy: "name a file that you may write")
    }
    for (other, what) in others where identity.isRegular && other == identity {
      throw XSKError(name, "is \(what)", remedy: "name another file")
    }
  }

  deinit {
    guard file >= 0 else { return }
    close(file)
    // Safe: the path is a C string for the call.
    if isNew { unsafe unlink(path) }
  }

  /// The file, empty now, for the caller to write and to close.
  public consuming func take() throws(XSKError) -> CInt {
    guard path == "-" || !identity.isRegular || ftruncate(file, 0) == 0 else {
      throw XSKError(name, refused: "can't be emptied", code: errno, remedy: "name another file")
    }
    let file = file
    self.file = -1
    return file
  }
}
