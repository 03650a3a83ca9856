import Glibc

/// Where counter pages are found: one file PID.counters for each running engine.
public struct CounterPageDirectory: Hashable, Sendable {
  public let path: String

  public init(_ path: String) { self.path = path }

  /// /run/xskfwd for root; otherwise $XDG_RUNTIME_DIR/xskfwd, or /tmp/xskfwd-UID where that isn't set.
  public static var standard: CounterPageDirectory {
    let runtime = unsafe getenv("XDG_RUNTIME_DIR").map { unsafe String(cString: $0) }
    return standard(user: geteuid(), runtimeDirectory: runtime)
  }

  static func standard(user: uid_t, runtimeDirectory: String?) -> CounterPageDirectory {
    if user == 0 { return CounterPageDirectory("/run/xskfwd") }
    if let runtimeDirectory, runtimeDirectory.hasPrefix("/") {
      return CounterPageDirectory("\(runtimeDirectory)/xskfwd")
    }
    return CounterPageDirectory("/tmp/xskfwd-\(user)")
  }

  /// The page of a process.
  public func file(of pid: Int32) -> String { "\(path)/\(pid).counters" }

  /// The process that a file name stands for; nil if it is no page's name.
  static func pid(inFileName name: String) -> Int32? {
    guard name.hasSuffix(".counters"), let pid = Int32(name.dropLast(".counters".count)), pid > 0,
      name == "\(pid).counters"
    else { return nil }
    return pid
  }

  /// Makes the directory (mode 0755) unless it is there.
  ///
  /// - Throws: if it can't be made, or if somebody else could replace files in it.
  public func create() throws(XSKError) {
    // The mode doesn't depend on the umask.
    if unsafe mkdir(path, 0o755) == 0, unsafe chmod(path, 0o755) == 0 { return }
    let code = errno
    guard code == EEXIST else {
      throw XSKError(
        path, refused: "the directory for counter pages cannot be made", code: code,
        remedy: "name another file for the counter page")
    }
    var status = stat()
    // lstat: a link that somebody else left in /tmp is not followed.
    guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(),
      status.st_mode & 0o022 == 0
    else {
      throw XSKError(
        path, "not a directory that only this user can write to", remedy: "remove it, or name another file")
    }
  }

  /// Names of the pages in it, by process number; empty if the directory can't be read.
  func files() -> [(pid: Int32, path: String)] {
    names().compactMap { name in Self.pid(inFileName: name).map { ($0, "\(path)/\(name)") } }.sorted { $0.pid < $1.pid }
  }

  /// Paths of the files in it whose names end so: what else running processes keep beside their pages.
  public func files(withSuffix suffix: String) -> [String] {
    names().filter { $0.hasSuffix(suffix) }.map { "\(path)/\($0)" }
  }

  private func names() -> [String] {
    guard let directory = unsafe opendir(path) else { return [] }
    defer { unsafe closedir(directory) }
    var found: [String] = []
    while let entry = unsafe readdir(directory) {
      // d_name is NUL-terminated within its 256 bytes (readdir(3)).
      found.append(
        unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
          unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        })
    }
    return found
  }
}
