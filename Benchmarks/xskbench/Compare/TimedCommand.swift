import Foundation
import Measuring
import XSKEngine

/// A command of the user's, run by the shell as often as it takes.
struct TimedCommand {
  let line: String

  struct Outcome {
    let seconds: Double
    /// What it wrote to standard output, if that is a result of xskbench.
    let document: ResultDocument?
  }

  /// Runs it to its end.
  ///
  /// - Throws: `XSKError` if it fails or takes longer than allowed; it has ended then.
  func run(within limit: Double) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", line]
    process.standardInput = FileHandle.nullDevice
    let output = Pipe()
    process.standardOutput = output
    let start = TimestampClock.monotonicNanoseconds
    do { try process.run() } catch {
      throw XSKError(line, "can't be started", remedy: "check that there is a /bin/sh")
    }
    let guardian = DispatchWorkItem { process.terminate() }
    DispatchQueue.global().asyncAfter(deadline: .now() + limit, execute: guardian)
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guardian.cancel()
    let seconds = Double(TimestampClock.monotonicNanoseconds - start) / 1e9
    guard process.terminationStatus == 0, process.terminationReason == .exit else {
      throw XSKError(
        line, seconds >= limit ? "has not ended after \(limit) s" : "failed with status \(process.terminationStatus)",
        remedy: seconds >= limit ? "allow more with --timeout" : "run it by hand to see why")
    }
    return Outcome(seconds: seconds, document: try? ResultDocument(json: text, name: line))
  }
}
