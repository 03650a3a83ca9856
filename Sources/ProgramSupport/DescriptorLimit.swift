import Glibc

/// How many files a process may have open.
public enum DescriptorLimit {
  /// Raises it as far as the process may: what service managers and shells give by default is for programs that use select(2).
  public static func raise() {
    var limit = rlimit()
    // Safe: getrlimit() and setrlimit() write and read one rlimit.
    guard unsafe getrlimit(CInt(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    _ = unsafe setrlimit(CInt(RLIMIT_NOFILE.rawValue), &limit)
  }
}
