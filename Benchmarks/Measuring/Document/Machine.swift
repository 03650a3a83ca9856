import FoundationEssentials
import Glibc
import XSKEngine

/// What the figures depend on.
public struct Machine: Codable, Hashable, Sendable {
  public var cpu: String
  public var cpus: Int
  public var architecture: String
  public var kernel: String
  /// TSC ticks a second: cycles in the results are these, not core clock cycles.
  public var tscHertz: Double
  /// True if the processor says that a hypervisor is beneath.
  public var isVirtual: Bool

  enum CodingKeys: String, CodingKey {
    case cpu, cpus, kernel, architecture
    case tscHertz = "tsc_hz"
    case isVirtual = "virtual"
  }

  public static var current: Machine {
    let information = systemFile("/proc/cpuinfo") ?? ""
    let model = information.split(separator: "\n").first { $0.hasPrefix("model name") }?
      .split(separator: ":").last.map { $0.trimmingPrefix(while: \.isWhitespace) }
    #if arch(x86_64)
      let architecture = "x86_64"
    #elseif arch(arm64)
      let architecture = "arm64"
    #else
      let architecture = "other"
    #endif
    return Machine(
      cpu: model.map(String.init) ?? "unknown", cpus: Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))),
      architecture: architecture, kernel: systemFile("/proc/sys/kernel/osrelease") ?? "unknown",
      tscHertz: TimestampClock.shared.ticksPerSecond.rounded(), isVirtual: information.contains(" hypervisor"))
  }

  /// One line for people.
  public var summary: String {
    "\(cpu), \(cpus) CPUs\(isVirtual ? " (virtual)" : ""), TSC \((tscHertz / 1e9).short) GHz, kernel \(kernel)"
  }
}

/// A small file of /proc or /sys, without the white space at its end; nil if it can't be read.
func systemFile(_ path: String) -> String? {
  guard var text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
  while text.last?.isWhitespace == true { text.removeLast() }
  return text
}
