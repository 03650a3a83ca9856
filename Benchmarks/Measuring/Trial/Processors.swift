import CXsk
import Glibc
import XSKEngine

/// CPUs that this process may run on.
public enum Processors {
  /// Ascending; as the first who asked was allowed, so that a thread which has kept itself off some still knows of them.
  public static let allowed: [Int] = {
    var cpus = [UInt32](repeating: 0, count: 1024)
    // It writes at most as many as the array has.
    let count = unsafe Int(max(0, cxsk_allowed_cpus(&cpus, CInt(cpus.count))))
    return cpus[..<count].map { Int($0) }
  }()

  /// Keeps the calling thread, and what it starts from now on, off a CPU: whoever waits for a generator must not wait behind it.
  static func avoid(_ cpu: Int) {
    // If it is refused, or the only CPU, the thread stays where it is.
    _ = unsafe cxsk_thread_avoid([UInt32(cpu)], 1)
  }

  /// Processor time of the calling thread so far, seconds.
  static var threadSeconds: Double {
    var time = timespec()
    // Safe: it fills the structure that it is given.
    guard unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0 else { return 0 }
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// What the hypervisor took of a CPU so far, seconds, to a hundredth.
  static func stealSeconds(_ cpu: Int) -> Double {
    Double(ProcessorTicks.parse(systemFile("/proc/stat") ?? "")[cpu]?.steal ?? 0) / 100
  }

  /// The CPU asked for, or the highest.
  ///
  /// - Throws: if the process may not run there.
  public static func choose(_ cpu: Int?, option: String = "--cpu") throws(XSKError) -> Int {
    let allowed = allowed
    guard let cpu else { return allowed.last ?? 0 }
    guard allowed.contains(cpu) else {
      throw XSKError(
        "\(option) \(cpu)", "not a CPU that this process may run on",
        remedy: "name one of \(allowed.map { "\($0)" }.joined(separator: ", "))")
    }
    return cpu
  }

  /// - Throws: if there are fewer than `count`.
  public static func require(_ count: Int, for what: String) throws(XSKError) {
    let allowed = allowed.count
    guard allowed < count else { return }
    throw XSKError(
      "this process", "may run on \(allowed) CPU\(allowed == 1 ? "" : "s"), \(what) \(count)",
      remedy: "run it on a machine with more, or widen its CPU set (taskset, cgroup)")
  }
}
