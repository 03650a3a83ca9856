import XSKEngine

/// Which of the running engines is meant.
public struct InstanceChoice: Hashable, Sendable {
  public let pid: Int32
  public let command: String

  public init(pid: Int32, command: String) {
    self.pid = pid
    self.command = command
  }

  /// The index of the one that `pid` names; without a number, of the only one that runs.
  ///
  /// - Throws: if none runs, if several do and no number says which (the error lists them), or if the number is no
  ///   engine's.
  public static func index(
    in running: [InstanceChoice], pid: Int32?, subject: String = "xskfwd top"
  ) throws(XSKError) -> Int {
    guard !running.isEmpty else {
      throw XSKError(
        subject, "no xskfwd is running that this user can see",
        remedy: "start one, or run this as the user who started it")
    }
    let list = running.map { "\($0.pid) (\($0.command.printable))" }.joined(separator: ", ")
    if let pid {
      guard let index = running.firstIndex(where: { $0.pid == pid }) else {
        throw XSKError("process \(pid)", "not a running xskfwd", remedy: "name one of these: \(list)")
      }
      return index
    }
    guard running.count == 1 else {
      throw XSKError(subject, "\(running.count) are running: \(list)", remedy: "name one by its process number")
    }
    return 0
  }
}
