import Foundation
import Glibc
import XSKEngine
import XSKLab

/// What a device under test has used so far. What it doesn't tell is nil.
struct DeviceSample {
  /// Seconds of processor time of its process.
  var user: Double?
  var system: Double?
  /// TSC ticks of turns that found packets, and those packets.
  var busyTicks: UInt64?
  var packets: UInt64?
  /// Seconds for which its threads on the device's CPU could have run and had no CPU.
  var waited: Double?
}

/// A device under test that is running. It stops when it is released.
final class RunningDevice {
  /// The exact command, or commands.
  let command: String
  private let process: ChildProcess?
  /// The device's CPU.
  private let cpu: Int?
  private let engine: Engine?
  /// The counters of an engine in another process; nil: it has none.
  var reader: CounterPageReader?
  /// Programs in the kernel, attached as long as this is there.
  private let attached: [any Sendable]

  init(
    command: String, process: ChildProcess? = nil, cpu: Int? = nil, engine: Engine? = nil,
    attached: [any Sendable] = []
  ) {
    self.command = command
    self.cpu = cpu
    self.process = process
    self.engine = engine
    self.attached = attached
  }

  deinit { stop() }

  func stop() {
    engine?.stop()
    // Its own way out first: it detaches what it attached.
    _ = try? process?.terminate(grace: .seconds(3))
  }

  /// Its program and version, as it tells them itself; nil: it doesn't.
  var version: (name: String, text: String)? {
    guard let process, let program = process.command.first?.split(separator: "/").last.map(String.init) else {
      return nil
    }
    if program == "xskfwd" { return (program, ResultDocument.Tool().version) }
    // EAL: RTE Version: 'DPDK 22.11.11'
    let words = (process.output + process.errors).split(separator: "\n").first { $0.contains("RTE Version: '") }
    return words.flatMap { $0.split(separator: "'").dropFirst().first }.map { (program, String($0)) }
  }

  func kill() { process?.kill() }

  /// - Throws: with its last words, if its process has ended.
  func check() throws(XSKError) {
    guard let process, !process.isRunning else { return }
    let words = (process.errors + process.output).suffix(400).split(separator: "\n").suffix(3)
    throw XSKError(
      process.command.first ?? "device under test",
      "ended by itself" + (words.isEmpty ? ", without a word" : ": \(words.joined(separator: " / "))"),
      remedy: "run its command by hand: \(command)")
  }

  func sample() -> DeviceSample {
    var sample = DeviceSample()
    if let process, let times = Self.times(of: process.pid) { (sample.user, sample.system) = times }
    if let process, let cpu { sample.waited = Self.waited(process.pid, cpu: cpu) }
    let page = if let engine { try? engine.snapshot() } else { try? reader?.snapshot() }
    guard let page else { return sample }
    sample.busyTicks = page.total(.busyTicks)
    sample.packets = page.total(.receivedPackets)
    return sample
  }

  /// Of the threads that were last on this CPU (proc_pid_stat(5), field 39): their time on its run queue, field 2 of schedstat.
  private static func waited(_ pid: pid_t, cpu: Int) -> Double? {
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
    let waits = tasks.compactMap { task -> Double? in
      let folder = "/proc/\(pid)/task/\(task)"
      guard let stat = systemFile("\(folder)/stat"), let end = stat.lastIndex(of: ")"),
        stat[stat.index(after: end)...].split(separator: " ").dropFirst(36).first.flatMap({ Int($0) }) == cpu
      else { return nil }
      return systemFile("\(folder)/schedstat")?.split(separator: " ").dropFirst().first.flatMap { Double($0) }
    }
    return waits.isEmpty ? nil : waits.reduce(0, +) / 1e9
  }

  /// utime and stime of /proc/PID/stat (proc_pid_stat(5)), in seconds.
  private static func times(of pid: pid_t) -> (Double, Double)? {
    guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
      let end = text.lastIndex(of: ")")
    else { return nil }
    // Behind the name, which may have spaces: field 3 and on.
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
    let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
    return (user / ticks, system / ticks)
  }
}
