import Glibc
import XSKEngine

/// What a CPU has done since the system started, in ticks of 1/100 second (`/proc/stat`).
struct ProcessorTicks: Hashable {
  var busy: UInt64 = 0
  var idle: UInt64 = 0
  var steal: UInt64 = 0

  var all: UInt64 { busy + idle + steal }

  /// The per-CPU lines of /proc/stat: user nice system idle iowait irq softirq steal …
  static func parse(_ text: some StringProtocol) -> [Int: ProcessorTicks] {
    var ticks: [Int: ProcessorTicks] = [:]
    for line in text.split(separator: "\n") where line.hasPrefix("cpu") {
      let words = line.split(separator: " ")
      guard let cpu = Int(words[0].dropFirst(3)) else { continue }
      let numbers = words.dropFirst().compactMap { UInt64($0) }
      guard numbers.count >= 8 else { continue }
      ticks[cpu] = ProcessorTicks(
        busy: numbers[0] + numbers[1] + numbers[2] + numbers[5] + numbers[6], idle: numbers[3] + numbers[4],
        steal: numbers[7])
    }
    return ticks
  }
}

/// The machine and this process at one moment. Taking one costs some tens of microseconds: never inside a timed section.
public struct SystemSample: Sendable {
  let nanoseconds: UInt64
  let processors: [Int: ProcessorTicks]
  /// Processor time of this process and of children that ended, seconds.
  let ownSeconds: Double
  /// How long this process's first thread was runnable but had no CPU, nanoseconds; nil if the kernel does not tell.
  let waitNanoseconds: UInt64?

  public static var now: SystemSample {
    SystemSample(
      nanoseconds: TimestampClock.monotonicNanoseconds,
      processors: ProcessorTicks.parse(systemFile("/proc/stat") ?? ""),
      ownSeconds: processorSeconds(RUSAGE_SELF) + processorSeconds(RUSAGE_CHILDREN),
      waitNanoseconds: systemFile("/proc/self/schedstat")?.split(separator: " ").dropFirst().first.flatMap {
        UInt64($0)
      }
    )
  }

  private static func processorSeconds(_ who: __rusage_who) -> Double {
    var usage = rusage()
    // Safe: it fills the structure that it is given.
    guard unsafe getrusage(who.rawValue, &usage) == 0 else { return 0 }
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }
}

/// What happened between two samples.
public struct SystemInterval: Hashable, Sendable {
  public let seconds: Double
  /// Share of the CPUs' time that the hypervisor took, percent.
  public let stealPercent: Double?
  /// Share of the CPUs' time that neither this process nor its children used, nor was idle or stolen: other programs, and
  /// interrupts. Percent.
  public let foreignPercent: Double?
  /// Share of the time that the first thread waited for a CPU, percent.
  public let waitPercent: Double?

  /// - Parameter cpus: the CPUs in use; all if empty.
  public init(from start: SystemSample, to end: SystemSample, cpus: Set<Int> = []) {
    seconds = Double(end.nanoseconds &- start.nanoseconds) / 1e9
    var (busy, steal, all) = (UInt64(0), UInt64(0), UInt64(0))
    for (cpu, after) in end.processors where cpus.isEmpty || cpus.contains(cpu) {
      guard let before = start.processors[cpu] else { continue }
      busy += after.busy &- before.busy
      steal += after.steal &- before.steal
      all += after.all &- before.all
    }
    let isLongEnough = all >= 20
    stealPercent = isLongEnough ? Double(steal) * 100 / Double(all) : nil
    let own = (end.ownSeconds - start.ownSeconds) * 100
    foreignPercent = isLongEnough ? max(0, Double(busy) - own) * 100 / Double(all) : nil
    waitPercent =
      if let before = start.waitNanoseconds, let after = end.waitNanoseconds, seconds > 0 {
        Double(after &- before) / 1e7 / seconds
      } else { nil }
  }
}
