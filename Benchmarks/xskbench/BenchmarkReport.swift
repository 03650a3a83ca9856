import ArgumentParser
import CXsk
import FoundationEssentials
import Glibc
import Measuring
import XSKEngine

/// What a benchmark fills while it runs.
typealias BenchmarkReport = ResultDocument

/// Where the result goes: a table for people on standard output, or the document; and to a file, if asked for.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Print one JSON object instead of a table.") var json = false
  @Option(help: ArgumentHelp("Write the result to a file, too, as JSON.", valueName: "file")) var output: String?

  func validate() throws {
    guard let output else { return }
    // Before hours of measuring, not after.
    guard let name = output.split(separator: "/").last, !output.hasSuffix("/"), name != ".", name != "..",
      !isFolder(output)
    else { throw ValidationError("--output \(output): not a file's name; name a file, it is made if needed") }
    let folder = output.contains("/") ? String(output.prefix(upTo: output.lastIndex(of: "/")!)) + "/" : "."
    // Safe: the string is valid for the call.
    guard unsafe access(folder, W_OK) == 0 else {
      throw ValidationError("--output \(output): \(folder) is no folder that can be written to")
    }
  }

  private func isFolder(_ path: String) -> Bool {
    var status = stat()
    // Safe: the string is valid for the call, which fills the structure that it is given.
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Closes the document (`RunWatch`) and gives it out.
  ///
  /// - Parameter cpus: the CPUs that were measured on; all if empty.
  func deliver(_ report: BenchmarkReport, cpus: Set<Int> = []) throws {
    var report = report
    runWatch.finish(&report, cpus: cpus)
    try write(report, table: report.table)
  }

  /// Gives out a document that is closed.
  func write(_ report: BenchmarkReport, table: @autoclosure () -> String) throws {
    // First for people: a full disk must not cost what took hours.
    print(json ? try report.json() : table())
    if let output {
      try report.write(to: output)
      complain("written to \(output)")
    }
  }
}

extension OutputOptions {
  /// Gives out a result that is no such document: as text, as JSON, or both.
  func write(_ text: String, json document: String) throws {
    print(json ? document : text)
    guard let output else { return }
    do { try Data((document + "\n").utf8).write(to: URL(filePath: output), options: .atomic) } catch {
      throw XSKError(output, "can't be written", remedy: "name a file in a folder that exists and is yours to write")
    }
    complain("written to \(output)")
  }
}

/// What was typed, without where the result went: that is of no interest to who runs it again.
var typedCommand: String {
  var words: [String] = []
  var isValue = false
  for word in CommandLine.arguments.dropFirst() {
    if isValue {
      isValue = false
    } else if word == "--output" {
      isValue = true
    } else if word != "--json", !word.hasPrefix("--output=") {
      words.append(word.contains(" ") ? "'\(word)'" : word)
    }
  }
  return words.joined(separator: " ")
}

/// Begins with the program: `Xskbench.main` touches it first.
let runWatch = RunWatch()

/// Runs the rest of the calling thread on one CPU.
///
/// - Parameter cpu: as given by `--cpu`; nil: the highest.
/// - Returns: the CPU.
func pinned(to cpu: Int?) throws(XSKError) -> Int {
  let home = cpu ?? Machine.current.cpus - 1
  let code = cxsk_thread_pin(UInt32(clamping: home))
  guard code == 0 else {
    throw XSKError("--cpu \(home)", refused: "cannot run there", code: code, remedy: "name a CPU of this machine")
  }
  return home
}

extension BenchmarkReport.Result {
  /// Repeats that each gave TSC cycles a packet on simulated rings.
  init(simulated name: String, set: String, cycles: [Double], packets: Int) {
    self.init(
      name: name, set: set, cycles: cycles, packets: packets, ticksPerSecond: TimestampClock.shared.ticksPerSecond)
    (driver, mode) = ("simulated", "simulated")
  }
}

extension BenchmarkReport {
  /// The results for people.
  var table: String {
    var lines = [machine.summary, ""]
    lines.append(row("what", "set", "cycles/pkt", "Mpkt/s", "min", "max"))
    for result in results {
      lines.append(
        row(
          result.name, result.set, result.cyclesPerPacket.map { "\($0)" } ?? "-", "\(result.mpps)", "\(result.min)",
          "\(result.max)"))
      for stage in result.stages ?? [] {
        let name = "  \(stage.name)" + String(repeating: " ", count: Swift.max(1, 52 - stage.name.count))
        lines.append(
          "\(name)+ \(stage.addedCycles.short) (\(stage.lowAdded) … \(stage.highAdded)) = \(stage.totalCycles)")
      }
    }
    for ratio in ratios {
      lines.append("\(ratio.name): \(ratio.median) (\(ratio.min) … \(ratio.max), \(ratio.pairs) pairs)")
    }
    lines += peers.map { "command: \($0)" }
    lines += versions.sorted { $0.key < $1.key }.map { "version: \($0.key) \($0.value)" }
    lines += checks.filter { $0.status == .ok || $0.status == .note }.map { "check: \($0.name): \($0.text)" }
    lines += irregular.map { "irregular: \($0)" }
    return lines.joined(separator: "\n")
  }

  private func row(_ cells: String...) -> String {
    zip(cells, [26, 13, 12, 10, 10, 10]).map { cell, width in
      cell + String(repeating: " ", count: Swift.max(1, width - cell.count))
    }.joined()
  }
}
