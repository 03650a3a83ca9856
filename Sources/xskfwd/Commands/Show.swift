import ArgumentParser
import Forwarder
import Glibc
import Operations
import ProgramSupport
import XSKEngine

struct Show: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ask a running xskfwd over its control socket.",
    discussion: """
      status: ports, workers and their load, messages. counters: what moved, by queue and worker. drops: dropped packets \
      by reason. flows: who sends most, estimated from packets drawn at random. Of 'xskfwd run': rules: what rules, counters and limiters have counted. routes: next hops and their routes, \
      or where packets to an address go.
      """)

  enum Subject: String, ExpressibleByArgument, CaseIterable {
    case status, counters, drops, flows, rules, routes
  }

  @Argument(help: "status, counters, drops, flows, rules, or routes.") var subject: Subject
  @Argument(help: "routes: an IP address to look up.") var address: String?
  @OptionGroup var instance: InstanceOptions
  @OptionGroup var flows: FlowsOptions
  @Flag(help: "status: list empty spare ports, too. JSON always has them.") var all = false
  @Flag(help: "Print the answer as one JSON object a line.") var json = false
  @Flag(help: "Ask again and again, and show rates, until Ctrl-C or the other's end.") var watch = false
  @Option(help: "Seconds between two questions, 0.1…3600.") var interval = 1.0

  func validate() throws {
    guard (0.1...3600).contains(interval) else {
      throw ValidationError("--interval \(interval): out of range; give 0.1 to 3600 seconds")
    }
    guard address == nil || subject == .routes else {
      throw ValidationError("\(address ?? ""): only routes take an address; leave it out")
    }
    guard !all || subject == .status else { throw ValidationError("--all: only status takes it; leave it out") }
    if subject != .flows, let option = flows.given {
      throw ValidationError("\(option): only flows take it; leave it out")
    }
  }

  func run() throws {
    var stop = StopSignal()
    let client = try instance.client()
    var view = ShowView(client: client, json: json, all: all, address: address, flows: try flows.request())
    var isRead = show(try view.next(subject))
    while watch, isRead, !stop.arrives(before: StopSignal.now + interval) {
      do throws(XSKError) {
        isRead = show(try view.next(subject))
      } catch {
        guard error.code == ENOENT || error.code == ECONNREFUSED || error.code == ECONNRESET else { throw error }
        return Console.error("xskfwd: \(client.path): has ended")
      }
    }
  }

  /// False when nobody reads any more.
  private func show(_ text: String) -> Bool {
    Console.print((watch && !json && Console.isTerminal ? "\u{1B}[H\u{1B}[2J" : "") + text) == 0
  }
}

/// Asks, and remembers the last answer for rates.
private struct ShowView {
  let client: ControlClient
  let json: Bool
  let all: Bool
  private let routes: String
  private let flows: FlowsRequest
  private var counters: CountersReport?
  private var drops: DropsReport?
  private var rules: (counts: PipelineCounts, time: Double)?

  init(client: ControlClient, json: Bool, all: Bool, address: String?, flows: FlowsRequest) {
    self.client = client
    self.all = all
    self.flows = flows
    routes = "/v1/routes" + (address.map { "?address=" + $0.percentEncoded } ?? "")
    self.json = json
  }

  mutating func next(_ subject: Show.Subject) throws(XSKError) -> String {
    guard !json else {
      let text = String(decoding: try body(subject), as: UTF8.self)
      return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }
    switch subject {
    case .status: return try client.report("/v1/status", as: StatusReport.self).text(showsEmpty: all)
    case .counters:
      let new = try client.report("/v1/counters", as: CountersReport.self)
      defer { counters = new }
      return new.text(since: counters)
    case .drops:
      let new = try client.report("/v1/drops", as: DropsReport.self)
      defer { drops = new }
      return new.text(since: drops)
    case .flows: return try client.decode(FlowsReport.ask(client, flows), as: FlowsReport.self).text
    case .routes: return try client.report(routes, as: RoutesReport.self).text
    case .rules:
      let new = try client.report("/v1/rules", as: PipelineCounts.self)
      let now = StopSignal.now
      defer { rules = (new, now) }
      return new.text(since: rules?.counts, seconds: rules.map { now - $0.time })
    }
  }

  private func body(_ subject: Show.Subject) throws(XSKError) -> [UInt8] {
    switch subject {
    case .flows: try FlowsReport.ask(client, flows)
    case .routes: try client.request(routes)
    default: try client.request("/v1/\(subject.rawValue)")
    }
  }
}
