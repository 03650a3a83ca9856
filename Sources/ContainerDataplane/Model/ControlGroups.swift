import Glibc

/// The node's control groups, as they are mounted: one hierarchy (v2), or one for each set of controllers (v1).
enum ControlGroups {
  private static let place = "/sys/fs/cgroup"

  /// Whether some hierarchy has a group of this path, as `/proc/PID/cgroup` writes it; nil: none is to be seen here. A path that is
  /// relative, or leads up, is no group's.
  static func has(_ path: String) -> Bool? { has(path, in: place) }

  static func has(_ path: String, in place: String) -> Bool? {
    let names = path.split(separator: "/", omittingEmptySubsequences: true)
    guard path.hasPrefix("/"), !names.contains(".."), !names.contains(".") else { return false }
    // Every group has this file, in both versions, and nothing else does.
    let roots = ([place] + DirectoryListing.names(in: place).map { "\(place)/\($0)" }).filter(isGroup)
    return roots.isEmpty ? nil : roots.contains { isGroup($0 + path) }
  }

  private static func isGroup(_ folder: String) -> Bool {
    // Safe: the path is a C string for the call.
    unsafe access("\(folder)/cgroup.procs", F_OK) == 0
  }
}
