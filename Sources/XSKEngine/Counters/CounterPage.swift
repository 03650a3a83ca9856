import CXsk
import Glibc
import Synchronization

/// A page of counters that this process writes and any other may map read-only; its layout is ``CounterPageLayout``.
///
/// Workers write through the plain values that ``queue(slot:)`` and ``worker(index:)`` give; whoever holds those must keep
/// the page, too. The description and the state may be changed from any thread.
///
/// ```swift
/// let page = try CounterPage(description, workers: 1)
/// page.queue(slot: 0).add(.receivedPackets, 64)
/// page.state = .running
/// page.close()  // removes the file
/// ```
public final class CounterPage: Sendable {
  public enum State: UInt64, Codable, Sendable, CaseIterable {
    case starting = 1, running, stopped

    /// Its name in reports.
    public var name: String { "\(self)" }
  }

  private struct Shared {
    var description: CounterDescription
    /// Open and locked (flock(2)) as long as the page is in use: the lock tells readers in any PID namespace that the
    /// writer lives. -1 without a file.
    var file: CInt
  }

  /// The file; nil if the page is in anonymous memory.
  public let path: String?
  let memory: CounterPageMemory
  private let shared: Mutex<Shared>

  /// Makes a page in a file, which appears under its name only when it is complete.
  ///
  /// - Parameters:
  ///   - workers: the number of workers, indexed from 0.
  ///   - path: the file; by default the one for this process in ``CounterPageDirectory/standard``.
  /// - Throws: the kernel's refusal to make the file; a description whose indices don't fit.
  public convenience init(_ description: CounterDescription, workers: Int, path: String? = nil) throws(XSKError) {
    let standard = CounterPageDirectory.standard
    if path == nil {
      try standard.create()
      CounterPageReader.removeStalePages(in: standard)
    }
    let path = path ?? standard.file(of: getpid())
    // A name of its own until the page is complete. Whatever is left there from a killed process is in the way.
    let draft = "\(path).\(getpid()).new"
    unsafe unlink(draft)
    let file = unsafe open(draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard file >= 0 else {
      throw XSKError(
        path, refused: "the counter page cannot be made", code: errno, remedy: "name another file for the counter page")
    }
    do throws(XSKError) {
      try self.init(description, workers: workers, path: path, file: file)
      guard unsafe rename(draft, path) == 0 else {
        throw XSKError(
          path, refused: "the counter page cannot be put in place", code: errno, remedy: "name another file for it")
      }
    } catch {
      unsafe unlink(draft)
      throw error
    }
  }

  /// Makes a page in anonymous memory, for tests, benchmarks, and programs that nobody watches.
  public convenience init(inMemory description: CounterDescription, workers: Int) throws(XSKError) {
    try self.init(description, workers: workers, path: nil, file: -1)
  }

  /// - Parameter file: empty and open for writing, or -1. This takes it over.
  private init(_ description: CounterDescription, workers: Int, path: String?, file: CInt) throws(XSKError) {
    let subject = path ?? "counter page"
    do throws(XSKError) {
      let text = try CounterPageMemory.encode(description, subject: subject)
      let layout = try CounterPageLayout(
        workers: workers, slots: description.slots.count, descriptionBytes: text.count)
      try description.validate(subject, against: layout)
      let mapping =
        file < 0
        ? try MemoryMapping.anonymous(length: layout.pageBytes, hugePageShift: 0)
        : try Self.map(file, bytes: layout.pageBytes, subject: subject)
      memory = CounterPageMemory(creating: mapping, layout: layout, subject: subject)
      memory.writeHeader(.current)
      try memory.write(description)
    } catch {
      if file >= 0 { Glibc.close(file) }
      throw error
    }
    self.path = path
    shared = Mutex(Shared(description: description, file: file))
  }

  deinit { close() }

  public var layout: CounterPageLayout { memory.layout }

  /// Ready to write the counters of a (device, queue).
  ///
  /// - Precondition: `slot` is an index into the description's slots.
  public func queue(slot: Int) -> QueueCounters { unsafe QueueCounters(base: memory.slot(slot)) }

  /// Ready to write the counters of a worker.
  ///
  /// - Precondition: `index` is less than the number of workers.
  public func worker(index: Int) -> WorkerCounters { unsafe WorkerCounters(base: memory.worker(index)) }

  /// What readers are told about the run.
  public var state: State {
    get { State(rawValue: memory[.state]) ?? .starting }
    set { memory[.state] = newValue.rawValue }
  }

  /// What the counters belong to, as last written.
  public var description: CounterDescription { shared.withLock { $0.description } }

  /// Changes the description, for instance after a port was opened again or its link changed.
  ///
  /// - Throws: if slots were added or removed, or if the text outgrew its room; then nothing is changed.
  public func describe(_ change: (inout CounterDescription) -> Void) throws(XSKError) {
    let result: Result<Void, XSKError> = shared.withLock { shared in
      var description = shared.description
      change(&description)
      guard description != shared.description else { return .success(()) }
      do throws(XSKError) {
        try description.validate(memory.subject, against: memory.layout)
        try memory.write(description)
      } catch { return .failure(error) }
      shared.description = description
      return .success(())
    }
    try result.get()
  }

  /// The counters as they are now.
  public func snapshot() throws(XSKError) -> CounterSnapshot { try memory.snapshot() }

  /// Marks the page as stopped and removes its file. Handles and mappings stay valid. Later calls do nothing.
  public func close() {
    state = .stopped
    shared.withLock { shared in
      guard shared.file >= 0, let path else { return }
      // Only if it is still this page's: another run may have replaced it.
      if sameFile(path, shared.file) { unsafe unlink(path) }
      Glibc.close(shared.file)
      shared.file = -1
    }
  }

  /// Gives the file its size and its lock, and maps it.
  private static func map(_ file: CInt, bytes: Int, subject: String) throws(XSKError) -> MemoryMapping {
    // The mode doesn't depend on the umask; nobody else has the file yet, so the lock is free.
    // Room is taken now: writing to a hole of a full file system later would be a SIGBUS.
    let code = posix_fallocate(file, 0, off_t(bytes))
    guard code == 0, fchmod(file, 0o644) == 0, flock(file, LOCK_EX | LOCK_NB) == 0 else {
      throw XSKError(
        subject, refused: "the counter page cannot have \(bytes) bytes", code: code == 0 ? errno : code,
        remedy: "free room there, or name another file for the counter page")
    }
    return try MemoryMapping.file(file, length: bytes, subject: subject)
  }
}

/// Whether `path` names the file that is open as `file`.
func sameFile(_ path: String, _ file: CInt) -> Bool {
  var named = stat()
  var opened = stat()
  return unsafe lstat(path, &named) == 0 && fstat(file, &opened) == 0
    && named.st_dev == opened.st_dev && named.st_ino == opened.st_ino
}
