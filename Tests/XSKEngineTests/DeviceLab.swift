import CXsk
import Glibc

@testable import XSKEngine

/// A network namespace on a thread of its own, for one test; gone with the thread. Needs root: without it the test fails.
enum DeviceLab {
  /// What a test saw, or why the lab could not be set up.
  struct Failure: Error, CustomStringConvertible, Sendable {
    let description: String
  }

  /// Runs `body` in a fresh namespace with lo up.
  static func run<Answer: Sendable>(_ body: @escaping @Sendable () throws -> Answer) throws -> Answer {
    let result: Result<Answer, any Error> = try SystemThread.run("device-lab") {
      Result {
        let code = cxsk_unshare_network()
        guard code == 0 else { throw Failure(description: "no namespace of its own (run as root): \(errorName(code))") }
        try command("ip", "link", "set", "lo", "up")
        return try body()
      }
    }
    return try result.get()
  }

  /// A file of the calling thread's network namespace, which other threads may open while this one lives.
  static var namespacePath: String {
    var buffer = [UInt8](repeating: 0, count: 64)
    // "PID/task/TID", shorter than the buffer.
    let length = unsafe buffer.withUnsafeMutableBytes {
      unsafe readlink("/proc/thread-self", $0.baseAddress!, $0.count)
    }
    return "/proc/\(String(decoding: buffer.prefix(max(0, length)), as: UTF8.self))/ns/net"
  }

  /// Runs a program in the calling thread's namespaces; throws unless it exits with 0.
  static func command(_ words: String...) throws {
    var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
    defer { for index in unsafe arguments.indices { unsafe free(arguments[index]) } }
    var process: pid_t = 0
    var status: CInt = 0
    guard unsafe posix_spawnp(&process, words[0], nil, nil, &arguments, environ) == 0,
      unsafe waitpid(process, &status, 0) == process, status == 0
    else { throw Failure(description: "\(words.joined(separator: " ")): status \(status)") }
  }

  /// A veth pair xa and xb in this namespace, both up. The counts are xa's; xb has one of each.
  static func vethPair(receiveQueues: Int = 1, transmitQueues: Int = 1) throws {
    try command(
      "ip", "link", "add", "xa", "numrxqueues", "\(receiveQueues)", "numtxqueues", "\(transmitQueues)", "type", "veth",
      "peer", "name", "xb", "numrxqueues", "1", "numtxqueues", "1")
    try command("ip", "link", "set", "xa", "up")
    try command("ip", "link", "set", "xb", "up")
  }
}
