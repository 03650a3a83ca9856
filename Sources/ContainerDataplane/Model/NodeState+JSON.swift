import FoundationEssentials
import Glibc
public import XSKEngine

extension NodeState {
  /// Bytes that a state file may have.
  public static var maximumBytes: Int { 16 << 20 }

  /// Reads a state file.
  ///
  /// - Throws: what can't be read, is no JSON, is not of this form, or is wrong in itself; the error names the file and the
  ///   first thing that is wrong.
  public static func read(_ path: String) throws(XSKError) -> NodeState {
    try NodeState(json: bytes(of: path), file: path)
  }

  /// Reads a state of its JSON.
  ///
  /// - Parameter file: the name that errors tell.
  public init(json: [UInt8], file: String) throws(XSKError) {
    self = try StrictJSON.decode(NodeState.self, json, file: file)
    if let problem = problems().first {
      throw XSKError("\(file): \(problem.subject)", problem.problem, remedy: problem.remedy)
    }
  }

  /// As it is written to disk: the same state gives the same bytes.
  public func json() throws(XSKError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do { return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")] } catch {
      throw XSKError("state", "can't be written as JSON: \(error)", remedy: "report this")
    }
  }

  private static func bytes(of path: String) throws(XSKError) -> [UInt8] {
    // Without O_NONBLOCK, opening a pipe would wait for a writer.
    // Safe: the path is a C string for the call.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw XSKError(path, refused: "can't be opened", code: errno, remedy: "check its path and permissions")
    }
    defer { close(descriptor) }
    var status = stat()
    // Safe: fstat() fills in the structure that it is given.
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw XSKError(path, "not a regular file", remedy: "name a file")
    }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while bytes.count <= maximumBytes {
      // Safe: the buffer is valid for the length given.
      let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else {
        throw XSKError(path, refused: "can't be read", code: errno, remedy: "check the disk that it is on")
      }
      guard count > 0 else { return bytes }
      bytes += chunk[..<count]
    }
    throw XSKError(path, "larger than \(maximumBytes >> 20) MiB", remedy: "have 'xskd serve' write it anew")
  }
}
