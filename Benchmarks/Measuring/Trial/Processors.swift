import CXsk
import XSKEngine

/// CPUs that this process may run on.
public enum Processors {
  /// Ascending.
  public static var allowed: [Int] {
    var cpus = [UInt32](repeating: 0, count: 1024)
    // It writes at most as many as the array has.
    let count = unsafe Int(max(0, cxsk_allowed_cpus(&cpus, CInt(cpus.count))))
    return cpus[..<count].map { Int($0) }
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
