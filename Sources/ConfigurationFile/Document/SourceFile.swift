import Glibc
import XSKEngine

/// Reads regular files of a bounded size.
package enum SourceFile {
  package struct Fault: Error, Hashable {
    package let problem: String
    package let remedy: String
  }

  package static func read(_ path: String, maximumBytes: Int) -> Result<[UInt8], Fault> {
    // Without O_NONBLOCK, opening a pipe would wait for a writer.
    // Safe: the path is a C string for the call.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      return .failure(Fault(problem: "can't be opened: \(errorName(errno))", remedy: "check its path and permissions"))
    }
    defer { close(descriptor) }
    var status = stat()
    // Safe: fstat() fills in the structure that it is given.
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      return .failure(Fault(problem: "not a regular file", remedy: "name a file"))
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(min(max(0, Int(status.st_size)), maximumBytes) + 1)
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while bytes.count <= maximumBytes {
      // Safe: the buffer is valid for the length given.
      let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else {
        return .failure(Fault(problem: "can't be read: \(errorName(errno))", remedy: "check the disk it is on"))
      }
      guard count > 0 else { return .success(bytes) }
      bytes += chunk[..<count]
    }
    return .failure(
      Fault(problem: "larger than \(maximumBytes >> 20) MiB", remedy: "keep large prefix lists in files of their own"))
  }

  /// A path as it is meant in a file: relative to that file's directory.
  static func path(_ path: String, namedIn file: String) -> String {
    guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
    return String(file[...slash]) + path
  }
}
