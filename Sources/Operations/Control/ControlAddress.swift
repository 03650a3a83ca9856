import CXsk
import Glibc
import Reporting
import XSKEngine

/// Where a control socket is: beside the counter page unless named.
public enum ControlAddress: Hashable, Sendable {
  case standard
  case path(String)
  case off

  /// `off`, or a path.
  public init(_ text: String) { self = text == "off" ? .off : .path(text) }

  /// The socket of a process in the standard place.
  public static func standardPath(of pid: Int32, in directory: CounterPageDirectory = .standard) -> String {
    "\(directory.path)/\(pid).control"
  }

  /// The running engine that is meant, for a client: by its socket's path, its process, or because it is the only one.
  ///
  /// - Throws: if none runs, if several do and nothing says which, or if that process is no engine.
  public static func find(
    path: String?, pid: Int32?, in directory: CounterPageDirectory = .standard
  ) throws(XSKError) -> String {
    if let path { return path }
    let running = CounterPageReader.runningInstances(in: directory).compactMap { reader in
      try? reader.snapshot()
    }
    let choices = running.map { InstanceChoice(pid: $0.process.pid, command: $0.description.command) }
    let chosen = choices[try InstanceChoice.index(in: choices, pid: pid, subject: "control")]
    let socket = standardPath(of: chosen.pid, in: directory)
    guard unsafe access(socket, F_OK) == 0 else {
      throw XSKError(
        "process \(chosen.pid)", "has no control socket at \(socket)",
        remedy: "name the one that it was started with: --control PATH")
    }
    return socket
  }

  /// Removes sockets that dead processes left in the standard place, where that is allowed.
  static func removeStale(in directory: CounterPageDirectory) {
    let paths = directory.files(withSuffix: ".control")
    guard let first = paths.first, let guardian = try? DirectoryLock(of: first) else { return }
    defer { guardian.release() }
    for path in paths {
      let connection = unsafe cxsk_unix_connect(path, path.utf8.count, 100)
      if connection >= 0 { close(connection) }
      // Refused: nobody listens, and whoever is about to holds the lock.
      if connection == -ECONNREFUSED { unsafe unlink(path) }
    }
  }
}
