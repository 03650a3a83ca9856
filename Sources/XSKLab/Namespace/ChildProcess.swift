import CXsk
import Foundation
import Synchronization
import XSKEngine

/// A command that runs, or ran, in a namespace.
///
/// Its output goes to files in memory rather than pipes: it never blocks because nobody reads, and can be read while
/// it runs. It has a process group of its own, so a terminal's Ctrl-C does not reach it.
public final class ChildProcess: Sendable {
  /// How a process ended.
  public enum Status: Hashable, Sendable {
    case exited(Int32)
    case killed(signal: Int32)
  }

  public let pid: pid_t
  public let command: [String]

  private let pidfd: CInt
  private let outputFile: CInt
  private let errorFile: CInt
  private let status = Mutex<Status?>(nil)

  /// Starts it in the calling thread's namespaces; it is killed when that thread ends.
  init(_ command: [String]) throws(XSKError) {
    let path = try Self.find(command.first ?? "")
    outputFile = unsafe cxsk_memfd_create("stdout")
    errorFile = unsafe cxsk_memfd_create("stderr")
    let input = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(input) }
    let pid = Self.spawn(path, command, input: input, output: outputFile, errors: errorFile)
    let pidfd = pid > 0 ? cxsk_lab_pidfd_open(pid) : pid
    guard pidfd >= 0 else {
      close(outputFile)
      close(errorFile)
      throw XSKError(
        path, refused: "can't be started", code: pidfd, remedy: "check that it is a program for this machine")
    }
    self.pid = pid
    self.pidfd = pidfd
    self.command = command
  }

  deinit {
    kill()
    close(pidfd)
    close(outputFile)
    close(errorFile)
  }

  /// What it has written to standard output so far.
  public var output: String { Self.contents(outputFile) }
  /// What it has written to standard error so far.
  public var errors: String { Self.contents(errorFile) }
  /// False once it has ended.
  public var isRunning: Bool { (try? wait(timeout: .zero)) == .some(nil) }

  /// Waits until it ends; nil if it has not after `timeout`.
  public func wait(timeout: Duration = patience) throws(XSKError) -> Status? {
    let deadline = ContinuousClock.now + timeout
    repeat {
      if let status = try reap() { return status }
      let left = deadline - .now
      guard left > .zero else { return nil }
      // Short naps instead of one long poll: several threads may wait for the same child, and one of them reaps it.
      usleep(UInt32(min(left, .milliseconds(2)) / .microseconds(1)))
    } while true
  }

  /// Waits until `text` shows up in its output or errors; false if it ended or `timeout` passed without.
  public func waitForOutput(_ text: String, timeout: Duration = patience) -> Bool {
    let deadline = ContinuousClock.now + timeout
    while true {
      let ended = !isRunning
      if output.contains(text) || errors.contains(text) { return true }
      guard !ended, ContinuousClock.now < deadline else { return false }
      usleep(5_000)
    }
  }

  /// Sends a signal to it alone; nothing happens if it has ended.
  public func signal(_ number: Int32) {
    status.withLock { status in
      guard status == nil else { return }
      // ESRCH: it ended on its own in this moment, which is as well.
      _ = cxsk_lab_pidfd_signal(pidfd, number)
    }
  }

  /// Asks it to end (SIGTERM), kills it if it has not after `grace`, and returns how it ended.
  @discardableResult
  public func terminate(grace: Duration = .seconds(30)) throws(XSKError) -> Status {
    signal(SIGTERM)
    if let status = try wait(timeout: grace) { return status }
    kill()
    return try wait(timeout: .seconds(30)) ?? .killed(signal: SIGKILL)
  }

  /// Kills it (SIGKILL) and waits for its end.
  public func kill() {
    signal(SIGKILL)
    // Nothing outlives SIGKILL for long; a process stuck in the kernel is not waited for without bound.
    _ = try? wait(timeout: .seconds(30))
  }

  /// Its status if it has ended. The lock makes sure that one thread alone takes it from the kernel.
  private func reap() throws(XSKError) -> Status? {
    try status.withLock { (status) throws(XSKError) -> Status? in
      if let status { return status }
      var word: CInt = 0
      let code = unsafe cxsk_lab_wait(pidfd, pid, 0, &word)
      guard code >= 0 else {
        throw XSKError("process \(pid)", refused: "can't be waited for", code: code, remedy: "don't ignore SIGCHLD")
      }
      guard code == 1 else { return nil }
      let signal = word & 0x7f
      status = signal == 0 ? .exited(word >> 8 & 0xff) : .killed(signal: signal)
      return status
    }
  }

  private static func spawn(_ path: String, _ command: [String], input: CInt, output: CInt, errors: CInt) -> CInt {
    // Copies in C memory, valid until freed below; fork() has copied them by then.
    let arguments = unsafe command.map { unsafe strdup($0) } + [nil]
    let variables = unsafe ProcessInfo.processInfo.environment.map { unsafe strdup("\($0.key)=\($0.value)") } + [nil]
    defer { unsafe (arguments + variables).forEach { unsafe free($0) } }
    return unsafe cxsk_lab_spawn(path, arguments, variables, input, output, errors)
  }

  /// The path of a program: as given if it has a slash, else from PATH, and from where tools for root live.
  private static func find(_ program: String) throws(XSKError) -> String {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
    let candidates =
      program.contains("/")
      ? [program] : (folders + ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]).map { "\($0)/\(program)" }
    for path in candidates where FileManager.default.isExecutableFile(atPath: path) { return path }
    throw XSKError(
      program, "no such program", remedy: "install the package that has it, or give its path", code: ENOENT)
  }

  /// The file's bytes, read without moving the offset that the child writes at.
  private static func contents(_ file: CInt) -> String {
    var bytes = [UInt8]()
    var block = [UInt8](repeating: 0, count: 65_536)
    while true {
      // pread() writes at most the block's size into the block.
      let count = unsafe pread(file, &block, block.count, off_t(bytes.count))
      guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
      bytes += block[..<count]
    }
  }
}

/// What a command that has ended left behind.
public struct CommandResult: Hashable, Sendable {
  public let status: ChildProcess.Status
  public let output: String
  public let errors: String

  public var succeeded: Bool { status == .exited(0) }
}
