import Glibc

/// Reads the counter page of another process while that runs. It maps the page read-only and trusts nothing in it.
public final class CounterPageReader: Sendable {
  public let path: String
  private let memory: CounterPageMemory
  let file: CInt

  /// Opens a page.
  ///
  /// - Parameter trustingAnyOwner: by default only pages that belong to root or to this user are opened. Whoever can
  ///   write to the file could cut it short between the check of its size and the read, and end the reader (SIGBUS).
  /// - Throws: a file that isn't there or can't be read, belongs to somebody else, or isn't an intact counter page.
  public init(path: String, trustingAnyOwner: Bool = false) throws(XSKError) {
    // Without blocking: the name might be a FIFO's.
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard file >= 0 else {
      throw XSKError(
        path, refused: "the counter page cannot be opened", code: errno,
        remedy: "check that the engine runs and that this user may read the file")
    }
    do throws(XSKError) {
      let bytes = try Self.checkedSize(of: file, path, trustingAnyOwner: trustingAnyOwner)
      let mapping = try MemoryMapping.file(file, length: bytes, writable: false, subject: path)
      memory = try CounterPageMemory(reading: mapping, subject: path)
    } catch {
      close(file)
      throw error
    }
    self.path = path
    self.file = file
  }

  deinit { close(file) }

  /// The counters as they are now.
  ///
  /// - Throws: if the file was cut short since it was opened, or what is wrong with the description.
  public func snapshot() throws(XSKError) -> CounterSnapshot {
    var status = stat()
    guard unsafe fstat(file, &status) == 0, status.st_size >= off_t(memory.layout.pageBytes) else {
      throw damaged(path, "was cut short to \(status.st_size) bytes while it was being read")
    }
    return try memory.snapshot()
  }

  /// The process that the header names.
  public var process: ProcessIdentity? {
    Int32(exactly: memory[.pid]).map { ProcessIdentity(pid: $0, start: memory[.pidStart]) }
  }

  /// Whether its writer lives: it still holds the lock on the file, or runs under the number and start time given.
  ///
  /// The lock tells so across PID namespaces, where the number means something else.
  public var isAlive: Bool {
    if flock(file, LOCK_SH | LOCK_NB) != 0 { return true }
    flock(file, LOCK_UN)
    return process?.isAlive ?? false
  }

  private static func checkedSize(of file: CInt, _ path: String, trustingAnyOwner: Bool) throws(XSKError) -> Int {
    var status = stat()
    guard unsafe fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw XSKError(path, "not a regular file", remedy: "name a counter page")
    }
    guard trustingAnyOwner || status.st_uid == 0 || status.st_uid == geteuid() else {
      throw XSKError(
        path, "belongs to user \(status.st_uid), neither root nor this user", remedy: "run this as that user")
    }
    guard status.st_size >= off_t(CounterPageLayout.headerBytes) else {
      throw damaged(
        path, "is \(status.st_size) bytes long, shorter than its \(CounterPageLayout.headerBytes)-byte header")
    }
    return Int(status.st_size)
  }
}
