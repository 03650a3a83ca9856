import Glibc

/// Reads the counter page of another process while that runs, and trusts nothing in it.
///
/// It copies the page with pread(2): a file that somebody cuts short is an error then. In a mapping it would be the reader's
/// end (SIGBUS).
public final class CounterPageReader: Sendable {
  public let path: String
  /// Its size, which never changes.
  private let bytes: Int
  let file: CInt

  /// Opens a page.
  ///
  /// - Parameter trustingAnyOwner: by default only pages that belong to root or to this user are opened: others may say what
  ///   they like in theirs.
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
      bytes = try Self.checkedSize(of: file, path, trustingAnyOwner: trustingAnyOwner)
      _ = try Self.copy(of: file, bytes, path)
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
    var epoch: UInt64 = 0
    for attempt in 0..<CounterPageMemory.attempts {
      if attempt > 0 { usleep(1000) }
      // The copy is good if the epoch was even, and the same, before and behind it; the calls keep the reads in order.
      epoch = try field(.epoch)
      guard epoch % 2 == 0 else { continue }
      let copy = try Self.copy(of: file, bytes, path)
      if copy[.epoch] == epoch, try field(.epoch) == epoch { return try copy.snapshot() }
    }
    throw CounterPageMemory.restless(path, epoch)
  }

  /// The process that the header names.
  public var process: ProcessIdentity? {
    guard let pid = try? field(.pid), let start = try? field(.pidStart) else { return nil }
    return Int32(exactly: pid).map { ProcessIdentity(pid: $0, start: start) }
  }

  private func field(_ field: CounterPageField) throws(XSKError) -> UInt64 {
    var value: UInt64 = 0
    guard unsafe pread(file, &value, 8, off_t(field.rawValue)) == 8 else { throw Self.cutShort(file, path) }
    return value
  }

  /// The page as it is now, in memory of our own.
  private static func copy(of file: CInt, _ bytes: Int, _ path: String) throws(XSKError) -> CounterPageMemory {
    let mapping = try MemoryMapping.anonymous(length: bytes, hugePageShift: 0)
    var done = 0
    while done < bytes {
      // In bounds: the mapping has at least `bytes`.
      let count = unsafe pread(file, mapping.base + done, bytes - done, off_t(done))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw cutShort(file, path) }
      done += count
    }
    return try CounterPageMemory(reading: mapping, bytes: bytes, subject: path)
  }

  private static func cutShort(_ file: CInt, _ path: String) -> XSKError {
    var status = stat()
    _ = unsafe fstat(file, &status)
    return damaged(path, "was cut short to \(status.st_size) bytes while it was being read")
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
