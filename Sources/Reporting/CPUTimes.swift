import Glibc

/// Processor time, in seconds (getrusage(2)).
public struct CPUTimes: Codable, Hashable, Sendable {
  public var user: Double
  public var system: Double

  enum CodingKeys: String, CodingKey {
    case user = "user_s"
    case system = "system_s"
  }

  public init(user: Double, system: Double) {
    self.user = user
    self.system = system
  }

  /// What all threads of this process have used since it began.
  public static var ofThisProcess: CPUTimes {
    var usage = rusage()
    unsafe getrusage(CInt(RUSAGE_SELF.rawValue), &usage)
    return CPUTimes(user: seconds(usage.ru_utime), system: seconds(usage.ru_stime))
  }

  public static func - (later: CPUTimes, earlier: CPUTimes) -> CPUTimes {
    CPUTimes(user: micro(later.user - earlier.user), system: micro(later.system - earlier.system))
  }

  private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

  /// Rounds to the microsecond, which is what the kernel counts in.
  private static func micro(_ seconds: Double) -> Double { (seconds * 1e6).rounded() / 1e6 }
}
