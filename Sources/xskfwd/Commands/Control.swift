import ArgumentParser
import Operations
import ProgramSupport
import XSKEngine

struct Stop: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "End a running xskfwd as Ctrl-C does: what it has taken is carried out, then it lets go of everything.")

  @OptionGroup var instance: InstanceOptions
  @Option(help: "Seconds to wait for its end, 0…3600.") var timeout = 30.0

  func validate() throws {
    guard (0...3600).contains(timeout) else {
      throw ValidationError("--timeout \(timeout): out of range; give 0 to 3600 seconds")
    }
  }

  func run() throws {
    let client = try instance.client()
    let status = try client.report("/v1/stop", method: "POST", as: StatusReport.self)
    let process = ProcessIdentity(pid: status.pid, start: status.pidStart)
    var patience = StopSignal()
    let end = StopSignal.now + timeout
    // In another PID namespace the number means nothing: then the socket tells.
    while !process.hasEnded || client.isAnswered {
      guard StopSignal.now < end else {
        throw XSKError("process \(status.pid)", "still runs after \(timeout) s", remedy: "wait, or end it with kill(1)")
      }
      if patience.arrives(before: StopSignal.now + 0.02) { return }
    }
  }
}

struct Drain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Have a running xskfwd take no more packets of a port, or of all: they go to the kernel's stack.",
    discussion: "What it has taken is carried out, and packets of other ports still leave by this one.")

  @Argument(help: "The port. Default: all.") var port: String?
  @OptionGroup var instance: InstanceOptions

  func run() throws { try instance.setDrained(true, port) }
}

struct Resume: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Have a drained port's packets taken again.")

  @Argument(help: "The port. Default: all.") var port: String?
  @OptionGroup var instance: InstanceOptions

  func run() throws { try instance.setDrained(false, port) }
}

extension InstanceOptions {
  /// Asks for it, and waits until it is so.
  fileprivate func setDrained(_ isDrained: Bool, _ port: String?) throws {
    let client = try client()
    let query = port.map { "?port=" + $0.percentEncoded } ?? ""
    let verb = isDrained ? "drain" : "resume"
    var status = try client.report("/v1/\(verb)\(query)", method: "POST", as: StatusReport.self)
    var patience = StopSignal()
    let end = StopSignal.now + 5
    while status.ports.contains(where: { (port == nil || $0.name == port) && $0.drained != isDrained }) {
      guard StopSignal.now < end else {
        throw XSKError(port ?? "all ports", "no \(verb) within 5 s", remedy: "see: xskfwd show status")
      }
      if patience.arrives(before: StopSignal.now + 0.02) { return }
      status = try client.report("/v1/status", as: StatusReport.self)
    }
  }
}
