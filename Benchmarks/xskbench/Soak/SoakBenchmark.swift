import ArgumentParser
import Foundation
import Glibc
import Measuring
import Reporting
import XSKEngine

/// Mixed traffic with faults for as long as asked for, and everything that must hold is looked at all along.
struct SoakBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "soak", abstract: "Hours of mixed traffic with faults injected; the invariants are checked all along.",
    discussion: """
      In turn: the whole pipeline on a simulated NIC that loses completions, starves, stalls, hands over wrong descriptors \
      and damaged packets, while policies are replaced; and an engine between veth devices in namespaces of their own that \
      are taken down and up, deleted and made anew, under a generator's traffic, while policies are replaced and packets \
      captured. After each fault packets must get through again.

      Checked: every frame has one owner; every packet received is forwarded, delivered, held or dropped for a reason; what \
      leaves is what came in, once, and in each flow's order; memory and descriptors don't grow. Ends with status 1 at the \
      first thing that does not hold, and names the seed, which makes the same sequence again.

      Needs root, but for --only simulated.
      """)

  @Option(help: "Seconds, 1…2592000.") var duration = 60.0
  @Option(help: "Where the dice begin. Default: the clock.") var seed: UInt64?
  @Option(help: "simulated, veth, or both.") var only = Place.both
  // For the tests: a soak that can't find anything is worth nothing.
  @Option(help: .hidden) var sabotage: Sabotage?
  @OptionGroup var output: OutputOptions

  /// What goes wrong on purpose, in the simulated part.
  enum Sabotage: String, ExpressibleByArgument, CaseIterable { case damage, repetition, loss }
  enum Place: String, ExpressibleByArgument, CaseIterable { case simulated, veth, both }

  func validate() throws {
    guard (1...2_592_000).contains(duration) else {
      throw ValidationError("--duration \(duration): out of range; give 1 to 2592000 seconds")
    }
  }

  func run() throws {
    let seed = seed ?? TimestampClock.monotonicNanoseconds & 0xFFFF_FFFF
    guard only == .simulated || geteuid() == 0 else {
      throw XSKError("soak", "not root: namespaces and sockets can't be made", remedy: "use sudo, or --only simulated")
    }
    var report = BenchmarkReport(command: "soak --duration \(duration) --seed \(seed) --only \(only.rawValue)")
    var tally = SoakTally(seed: seed)
    var fault: SoakFault?
    let start = TimestampClock.monotonicNanoseconds
    let signals = StopSignals()
    var isInterrupted = false
    do { isInterrupted = try turns(&tally, signals) } catch let broken as SoakFault { fault = broken }
    let check =
      fault.map { SelfCheck("invariants", .irregular, $0.description) }
      ?? SelfCheck("invariants", .ok, "held all along: \(tally.summary)")
    report.results = tally.results
    if isInterrupted { report.irregular.append("interrupted after \(tally.rounds) rounds") }
    // Nothing was timed: what else the machine did does not matter.
    report.finish([check], seconds: Double(TimestampClock.monotonicNanoseconds - start) / 1e9)
    try output.write(report, table: "\(check.text) (seed \(seed))")
    guard let fault else {
      guard isInterrupted else { return }
      complain("interrupted: everything held until then")
      throw ExitCode(130)
    }
    complain("xskbench: \(fault); the same again: xskbench soak --seed \(seed) --only \(fault.place)")
    throw ExitCode(1)
  }

  /// Simulated and veth in turn until the time is over; each at least once.
  ///
  /// - Returns: whether it was interrupted, which it notices between two turns.
  private func turns(_ tally: inout SoakTally, _ signals: StopSignals) throws -> Bool {
    let start = TimestampClock.monotonicNanoseconds
    var dice = SeededNumbers(seed: tally.seed)
    var resources: SoakResources?
    repeat {
      if only != .veth { try simulated(seed: dice.next(), &tally) }
      if signals.arrives(within: 0) { return true }
      if only != .simulated { try VethSoak(seed: dice.next()).run(seconds: min(12, duration / 2), &tally) }
      tally.rounds += 1
      // After three rounds everything that is made once has been made.
      if tally.rounds == 3 { resources = .now }
      if let resources { try resources.check(against: .now) }
      complain("\(Int(Double(TimestampClock.monotonicNanoseconds - start) / 1e9)) s: \(tally.summary)")
      if signals.arrives(within: 0) { return true }
    } while Double(TimestampClock.monotonicNanoseconds - start) / 1e9 < duration
    return false
  }

  private func simulated(seed: UInt64, _ tally: inout SoakTally) throws {
    var soak = try SimulatedSoak(seed: seed, sabotage: sabotage)
    try soak.run(seconds: min(3, duration / 2), &tally)
  }
}

/// Something that must hold and does not.
struct SoakFault: Error, CustomStringConvertible {
  let place: String
  let description: String

  init(_ place: String, _ description: String) { (self.place, self.description) = (place, description) }

  /// What must be true of the counters of a worker or engine at rest.
  static func check(_ place: String, _ snapshot: CounterSnapshot) throws(SoakFault) {
    let violations = snapshot.total(.ledgerViolations)
    guard violations == 0 else {
      throw SoakFault(place, "frames or packets did not add up at \(violations) of the worker's own checks")
    }
    let summary = RunSummary(snapshot, duration: 1, cpu: CPUTimes(user: 0, system: 0))
    guard summary.conservationHolds else { throw SoakFault(place, "packets don't add up: \(summary.packets)") }
    guard summary.ledgerHolds else { throw SoakFault(place, "frames don't add up: \(summary.frames)") }
  }
}

/// What was done so far.
struct SoakTally {
  let seed: UInt64
  var rounds = 0
  var simulatedPackets = 0
  var vethPackets = 0
  var reloads = 0
  var captured = 0
  /// How often each fault was injected.
  var faults: [String: Int] = [:]

  init(seed: UInt64) { self.seed = seed }

  mutating func note(_ fault: String) { faults[fault, default: 0] += 1 }

  var summary: String {
    let kinds = faults.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    return "\(simulatedPackets) packets simulated, \(vethPackets) on veth, \(captured) captured, \(reloads) policies,"
      + " faults: \(kinds.isEmpty ? "none" : kinds)"
  }

  var results: [BenchmarkReport.Result] {
    [("simulated", simulatedPackets), ("veth", vethPackets)].filter { $0.1 > 0 }.map { place, packets in
      var result = BenchmarkReport.Result(
        name: "soak, packets checked", set: place, cyclesPerPacket: nil, mpps: 0, packets: packets, repeats: rounds,
        min: 0, max: 0)
      result.driver = place
      return result
    }
  }
}

/// What a program that runs for months must not use more and more of.
struct SoakResources {
  let residentKilobytes: Int
  let descriptors: Int

  static var now: SoakResources {
    var resident = 0
    if let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) {
      let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
      resident = line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
    }
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd"))?.count ?? 0
    return SoakResources(residentKilobytes: resident, descriptors: entries)
  }

  /// Each round makes and frees a few dozen megabytes, so that there must be some room.
  func check(against later: SoakResources) throws(SoakFault) {
    guard later.residentKilobytes < residentKilobytes + 96 * 1024 else {
      throw SoakFault(
        "both", "memory grew from \(residentKilobytes / 1024) to \(later.residentKilobytes / 1024) MiB resident")
    }
    guard later.descriptors < descriptors + 64 else {
      throw SoakFault("both", "open descriptors grew from \(descriptors) to \(later.descriptors)")
    }
  }
}
