import Glibc

/// Files of /proc and /sys: small, read or written in one go.
enum SmallFile {
  /// The file's text without the line end; nil if it can't be read.
  static func read(_ path: String) -> String? {
    let fd = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { return nil }
    defer { close(fd) }
    return read(fd)
  }

  /// The text of an open file, from its beginning.
  static func read(_ fd: CInt) -> String? {
    var text = [UInt8]()
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes {
        unsafe pread(fd, $0.baseAddress, $0.count, off_t(text.count))
      }
      guard count >= 0 else { return nil }
      guard count > 0 else { break }
      text += buffer[..<count]
    }
    while text.last == UInt8(ascii: "\n") { text.removeLast() }
    return String(decoding: text, as: UTF8.self)
  }

  static func integer(_ path: String) -> Int? { read(path).flatMap { Int($0) } }

  /// Writes to an open file; 0 or an errno.
  static func write(_ text: String, to fd: CInt) -> CInt {
    let bytes = Array(text.utf8)
    let count = unsafe bytes.withUnsafeBytes { unsafe pwrite(fd, $0.baseAddress, $0.count, 0) }
    return count == bytes.count ? 0 : errno
  }

  /// Names in a directory, unsorted, without "." and ".."; none if it can't be read.
  static func names(in directory: String) -> [String] {
    guard let handle = unsafe opendir(directory) else { return [] }
    defer { unsafe closedir(handle) }
    var names = [String]()
    while let entry = unsafe readdir(handle) {
      // d_name is a zero-terminated text inside the entry.
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  /// CPUs or nodes of a list such as "0-3,8"; what is not a number is left out.
  static func list(_ text: String) -> [Int] {
    text.split(separator: ",").flatMap { part -> [Int] in
      let ends = part.split(separator: "-").compactMap { Int($0) }
      guard let first = ends.first, let last = ends.last, first <= last, last - first < 65_536 else { return [] }
      return Array(first...last)
    }
  }
}
