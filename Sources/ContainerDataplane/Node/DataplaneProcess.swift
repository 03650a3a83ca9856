import CXsk
import Glibc
import XSKEngine

/// How the dataplane is started.
public struct DataplaneLaunch: Hashable, Sendable {
  public var path: String
  public var arguments: [String]

  public init(path: String, arguments: [String]) {
    self.path = path
    self.arguments = arguments
  }
}

/// A running dataplane process, ours or a predecessor's, held by a descriptor: its number can't become another's.
struct DataplaneProcess: ~Copyable {
  let pid: pid_t
  private let descriptor: CInt
  private let isChild: Bool

  /// Starts one, in a session of its own: it lives on when this process ends in whatever way.
  static func start(_ command: DataplaneLaunch) throws(XSKError) -> DataplaneProcess {
    // Copies in C memory, valid until freed below; the child has its own by then.
    let arguments = unsafe ([command.path] + command.arguments).map { unsafe strdup($0) } + [nil]
    defer { unsafe arguments.forEach { unsafe free($0) } }
    // Safe: environ ends with a null pointer, and nothing changes it meanwhile.
    let pid = unsafe cxsk_spawn_session(command.path, arguments, environ)
    guard pid > 0 else {
      throw XSKError(
        command.path, refused: "the dataplane can't be started", code: pid, remedy: "check the program's file")
    }
    guard let process = DataplaneProcess(pid: pid, isChild: true) else {
      throw XSKError("process \(pid)", "ended at once", remedy: "see its messages")
    }
    return process
  }

  /// One that runs already; nil if it doesn't.
  init?(running pid: pid_t) { self.init(pid: pid, isChild: false) }

  private init?(pid: pid_t, isChild: Bool) {
    let descriptor = cxsk_process_open(pid)
    guard descriptor >= 0 else { return nil }
    self.pid = pid
    self.descriptor = descriptor
    self.isChild = isChild
  }

  deinit { close(descriptor) }

  /// Waits for its end, or for `bell`; true if it has ended.
  borrowing func hasEnded(within milliseconds: Int, bell: CInt) -> Bool {
    var entries = [
      pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: bell, events: Int16(POLLIN), revents: 0),
    ]
    // Safe: the array has as many entries as it says.
    guard unsafe poll(&entries, 2, CInt(milliseconds)) > 0, entries[0].revents != 0 else { return false }
    if isChild { waitpid(pid, nil, 0) }
    return true
  }

  borrowing func signal(_ number: CInt) { _ = cxsk_process_signal(descriptor, number) }
}
