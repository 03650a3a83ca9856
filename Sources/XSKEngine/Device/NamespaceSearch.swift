import Glibc

/// Finds network namespaces by the id that the calling thread's namespace has for them (RTM_GETNSID).
enum NamespaceSearch {
  /// How many namespace files are looked at, at most: a bound on machines with very many processes.
  static let limit = 8192

  /// A file (/run/netns/NAME, /proc/PID/ns/net) of the namespace with this id; nil if no such file is visible.
  static func path(of identifier: Int32) -> String? {
    guard var socket = try? NetlinkSocket(NetlinkSocket.route) else { return nil }
    var seen = Set<ino_t>()
    for path in candidates().prefix(limit) {
      let fd = unsafe open(path, O_RDONLY | O_CLOEXEC)
      guard fd >= 0 else { continue }
      defer { close(fd) }
      var status = stat()
      guard unsafe fstat(fd, &status) == 0, seen.insert(status.st_ino).inserted else { continue }
      var body: [UInt8] = [0, 0, 0, 0]  // struct rtgenmsg
      body.append(attribute: 3, fd)  // NETNSA_FD
      let answer = try? socket.request(type: 90, body: body)  // RTM_GETNSID
      let found = answer?.first.flatMap { NetlinkAttributes($0.body.dropFirst(4)).integer(1, as: Int32.self) }
      if found == identifier { return path }
    }
    return nil
  }

  /// Named namespaces first: their paths stay valid. Then the process's own threads, then other processes.
  private static func candidates() -> [String] {
    let named = SmallFile.names(in: "/run/netns").sorted().map { "/run/netns/\($0)" }
    let own = SmallFile.names(in: "/proc/self/task").map { "/proc/\(getpid())/task/\($0)/ns/net" }
    let others = SmallFile.names(in: "/proc").compactMap { Int($0) }.sorted().map { "/proc/\($0)/ns/net" }
    return named + own + others
  }
}
