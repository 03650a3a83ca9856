import Glibc
import XSKEngine

/// Writes to the terminal at once, line by line: what a pipe's reader sees is never a buffer behind.
public enum Console {
  /// Writes a line to standard output; the errno if that failed, as EPIPE when the reader is gone, else 0.
  @discardableResult
  public static func print(_ text: String) -> CInt { write(text, to: STDOUT_FILENO) }

  /// Writes the one object of a run.
  ///
  /// - Throws: `RunFailure` when it could not be written: status 0 means that whoever asked for it has it.
  public static func printObject(_ json: String) throws(RunFailure) {
    let code = print(json)
    guard code == 0 else {
      throw RunFailure(
        XSKError(
          "standard output", refused: "the JSON object can't be written", code: code,
          remedy: "give it somewhere to go that can take it"))
    }
  }

  public static func error(_ text: String) { _ = write(text, to: STDERR_FILENO) }

  /// A standard descriptor that the parent closed would be given to a socket or to the counter page, and output would go
  /// there.
  public static func openMissingDescriptors() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
      // Safe: the literal is a C string for the call.
      _ = unsafe open("/dev/null", O_RDWR)
    }
  }

  public static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  private static func write(_ text: String, to descriptor: CInt) -> CInt {
    var rest = Array((text + "\n").utf8)[...]
    while !rest.isEmpty {
      // Safe: the buffer is valid for the length given.
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return count < 0 ? errno : EIO }
      rest = rest.dropFirst(count)
    }
    return 0
  }
}
