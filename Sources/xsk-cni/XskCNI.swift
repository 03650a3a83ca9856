import CNIPlugin
import Glibc

/// The CNI plugin: called by a container runtime with its wishes in the environment and on standard input.
@main
enum XskCNI {
  /// A list of attachments may be long; what is longer than this is none.
  private static let longestInput = 16 << 20

  static func main() {
    signal(SIGPIPE, SIG_IGN)
    let outcome = Plugin.run(environment(), input: input())
    var rest = outcome.output[...]
    while !rest.isEmpty {
      // Safe: the buffer is valid for the length given.
      let count = unsafe rest.withUnsafeBytes { unsafe write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { exit(outcome.status == 0 ? 1 : outcome.status) }
      rest = rest.dropFirst(count)
    }
    exit(outcome.status)
  }

  private static func input() -> [UInt8] {
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while bytes.count < longestInput {
      // Safe: at most the block's size is written into the block.
      let count = unsafe read(STDIN_FILENO, &block, block.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      bytes += block[..<count]
    }
    return bytes
  }

  private static func environment() -> [String: String] {
    var variables: [String: String] = [:]
    // Safe: environ ends with a null pointer, its entries are C strings, and nothing changes them meanwhile.
    var entry = unsafe environ
    while let text = unsafe entry.pointee {
      let halves = unsafe String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if halves.count == 2 { variables[String(halves[0])] = String(halves[1]) }
      unsafe entry += 1
    }
    return variables
  }
}
