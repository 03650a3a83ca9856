import XSKEngine

/// Watches a run from beginning to end for what would spoil its figures.
public struct RunWatch: Sendable {
  private let start = SystemSample.now

  public init() {}

  /// Limits, in percent of the time of the CPUs in use.
  static let stealLimit = 1.0
  static let foreignLimit = 5.0
  static let waitLimit = 1.0

  /// Closes a document: how long it took, the checks, and what they found broken.
  ///
  /// - Parameter cpus: the CPUs that were measured on; all if empty.
  public func finish(_ document: inout ResultDocument, cpus: Set<Int> = []) {
    let interval = SystemInterval(from: start, to: .now, cpus: cpus)
    let hasGenerator = document.checks.contains { $0.name == "generator-headroom" }
    document.finish(
      Self.checks(interval) + Self.machineChecks(cpus: cpus, build: document.tool.build)
        + (hasGenerator
          ? [] : [SelfCheck("generator-headroom", .unavailable, "no generator's rate was measured alone")]),
      seconds: interval.seconds)
  }

  /// What the time itself tells.
  static func checks(_ interval: SystemInterval) -> [SelfCheck] {
    let tooShort = "the run was too short to tell"
    return [
      interval.stealPercent.map {
        .atMost(stealLimit, "steal", $0, "percent", "the hypervisor took \($0.tenths) % of the CPUs' time")
      } ?? SelfCheck("steal", .unavailable, tooShort),
      interval.foreignPercent.map {
        .atMost(
          foreignLimit, "shared-cores", $0, "percent",
          "other programs and interrupts used \($0.tenths) % of the time of the CPUs measured on")
      } ?? SelfCheck("shared-cores", .unavailable, tooShort),
      interval.waitPercent.map {
        .atMost(
          waitLimit, "waiting", $0, "percent", "the measuring thread waited for its CPU \($0.tenths) % of the time")
      } ?? SelfCheck("waiting", .unavailable, "the kernel does not tell (CONFIG_SCHED_INFO)"),
    ]
  }

  /// What the machine and the build tell.
  static func machineChecks(cpus: Set<Int>, build: String) -> [SelfCheck] {
    [
      build == "release"
        ? SelfCheck("build", .ok, "release build")
        : SelfCheck("build", .irregular, "a debug build: some ten times slower than what is shipped"),
      governor(cpus.min() ?? 0), clock(), siblings(cpus),
    ]
  }

  private static func governor(_ cpu: Int) -> SelfCheck {
    guard let name = systemFile("/sys/devices/system/cpu/cpu\(cpu)/cpufreq/scaling_governor") else {
      return SelfCheck("governor", .unavailable, "not available: this machine does not tell its frequency governor")
    }
    return name == "performance"
      ? SelfCheck("governor", .ok, "governor performance")
      : SelfCheck("governor", .irregular, "governor \(name): the clock rate follows the load; set performance")
  }

  private static func clock() -> SelfCheck {
    #if arch(x86_64)
      let flags = systemFile("/proc/cpuinfo")?.split(separator: "\n").first { $0.hasPrefix("flags") }?.split(
        separator: " ")
      guard let flags else { return SelfCheck("clock", .unavailable, "/proc/cpuinfo tells no flags") }
      let isSteady = flags.contains("constant_tsc") && flags.contains("nonstop_tsc")
      return isSteady
        ? SelfCheck("clock", .ok, "the time-stamp counter runs at one rate, whatever the CPU does")
        : SelfCheck("clock", .note, "the processor does not promise that the time-stamp counter runs at one rate")
    #else
      return SelfCheck("clock", .ok, "the architecture's counter runs at one rate")
    #endif
  }

  /// Whether two of the CPUs measured on are one core's.
  private static func siblings(_ cpus: Set<Int>) -> SelfCheck {
    let used = cpus.isEmpty ? Set(SystemSample.now.processors.keys) : cpus
    for cpu in used.sorted() {
      let path = "/sys/devices/system/cpu/cpu\(cpu)/topology/thread_siblings_list"
      guard let list = systemFile(path) else {
        return SelfCheck("siblings", .unavailable, "this machine does not tell which CPUs share a core")
      }
      let others = cpuList(list).subtracting([cpu]).intersection(used)
      if let other = others.min() {
        return SelfCheck("siblings", .note, "CPU \(cpu) and CPU \(other) are threads of one core")
      }
    }
    return SelfCheck("siblings", .ok, "no two CPUs measured on share a core")
  }

  /// The kernel's notation for sets of CPUs: `0-2,8`.
  static func cpuList(_ text: String) -> Set<Int> {
    var cpus: Set<Int> = []
    for part in text.split(separator: ",") {
      let ends = part.split(separator: "-").compactMap { Int($0) }
      guard let first = ends.first, let last = ends.last, first <= last, last < 1 << 16 else { continue }
      cpus.formUnion(first...last)
    }
    return cpus
  }
}
