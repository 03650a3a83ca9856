import Glibc

/// A process that can't be mistaken for a later one with the same number.
public struct ProcessIdentity: Hashable, Sendable {
  public let pid: Int32
  /// Clock ticks from boot to the process's start: field 22 of /proc/PID/stat.
  public let start: UInt64

  public init(pid: Int32, start: UInt64) {
    self.pid = pid
    self.start = start
  }

  /// The process that has this number now; nil if there is none.
  public init?(running pid: Int32) {
    guard pid > 0, let status = readSmallFile("/proc/\(pid)/stat"), let start = Self.startTime(inStatus: status) else {
      return nil
    }
    self.init(pid: pid, start: start)
  }

  public static var current: ProcessIdentity {
    ProcessIdentity(running: getpid()) ?? ProcessIdentity(pid: getpid(), start: 0)
  }

  /// Whether it still runs (a zombie counts until it is reaped).
  public var isAlive: Bool { ProcessIdentity(running: pid) == self }

  /// Whether it runs no more, be it that nobody has reaped it yet.
  public var hasEnded: Bool {
    guard isAlive, let status = readSmallFile("/proc/\(pid)/stat"), let name = status.lastIndex(of: ")") else {
      return true
    }
    // Field 3, its state: Z a zombie, X dead (proc_pid_stat(5)).
    let state = status[status.index(after: name)...].split(separator: " ").first
    return state == "Z" || state == "X"
  }

  /// The start time in the text of /proc/PID/stat. The second field is the program's name in parentheses and may itself
  /// contain blanks and parentheses, so fields are counted from the last one.
  static func startTime(inStatus status: String) -> UInt64? {
    guard let name = status.lastIndex(of: ")") else { return nil }
    let fields = status[status.index(after: name)...].split(separator: " ")
    return fields.count > 19 ? UInt64(fields[19]) : nil  // the first of these is field 3
  }
}

/// The text of a file of at most 4 KiB, such as those in /proc; nil if it can't be read.
private func readSmallFile(_ path: String) -> String? {
  let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
  guard file >= 0 else { return nil }
  defer { close(file) }
  let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
    count = unsafe max(0, read(file, buffer.baseAddress, buffer.count))  // never more than the buffer's size
  }
  return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
}
