import ArgumentParser
import ProgramSupport
import Reporting
import XSKEngine

struct Top: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Watch a running xskfwd through its counter page; it does not notice.")

  @Option(help: "The process to watch. Default: the only one that runs.") var pid: Int32?
  @Option(help: "Seconds between two views, 0.1…3600.") var interval = 1.0
  @Flag(help: "Show one interval and end.") var once = false
  @Flag(help: "One JSON object a line instead of a screen.") var json = false

  func validate() throws {
    guard (0.1...3600).contains(interval) else {
      throw ValidationError("--interval \(interval): out of range; give 0.1 to 3600 seconds")
    }
  }

  func run() throws {
    var stop = StopSignal()
    let reader = try TopView.open(pid: pid)
    let view = TopView(interval: interval, once: once, json: json, clearsScreen: Console.isTerminal && !once)
    // Nobody reads any more: the view is all that this command does, so it ends.
    var isRead = true
    try view.run(
      reader, wait: { isRead && !stop.arrives(before: StopSignal.now + $0) },
      write: { isRead = Console.print($0.hasSuffix("\n") ? String($0.dropLast()) : $0) == 0 })
  }
}
