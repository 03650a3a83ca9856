import ArgumentParser
import Captures
import Operations
import XSKEngine

/// Which packets of a running xskfwd: all conditions must be met.
struct PacketConditions: ParsableArguments {
  @Flag(help: "Only packets that are dropped.") var drops = false
  @Option(help: "Only packets dropped under this reason; may be given several times.") var reason: [String] = []
  @Option(help: "Only packets that came in on this port, or were to leave by it.") var port: String?
  @Option(help: "Only packets that came in on this queue of their device.") var queue: Int?
  @Option(help: "Only packets that this rule decided about, or sampled.") var rule: String?
  @Flag(help: "Only packets that rules sample.") var samples = false
  @Option(help: ArgumentHelp("Only packets that match, as for tcpdump.", valueName: "expression")) var filter: String?
  @Option(help: ArgumentHelp("Of the packets that meet all conditions take one in so many, at random.", valueName: "n"))
  var oneIn: UInt32?

  func validate() throws {
    guard oneIn != 0 else { throw ValidationError("--one-in 0: out of range; give 1 or more") }
    if let queue, !(0...65_535).contains(queue) {
      throw ValidationError("--queue \(queue): out of range; give 0 to 65535")
    }
    for name in reason where name.isEmpty || name.contains(",") {
      throw ValidationError("--reason '\(name)': is no name of a reason; see: xskfwd show drops --json")
    }
  }

  func request() throws -> CaptureRequest {
    var request = CaptureRequest()
    (request.dropsOnly, request.reasons) = (drops, reason)
    (request.port, request.queue, request.rule, request.samplesOnly) = (port, queue, rule, samples)
    request.oneIn = oneIn
    if let filter { request.filter = try PacketFilter(expression: filter) }
    return request
  }

  /// The first that is given, as it is written; nil: none is.
  var given: String? {
    let names: [(Bool, String)] = [
      (drops, "--drops"), (!reason.isEmpty, "--reason"), (port != nil, "--port"), (queue != nil, "--queue"),
      (rule != nil, "--rule"), (samples, "--samples"), (filter != nil, "--filter"), (oneIn != nil, "--one-in"),
    ]
    return names.first { $0.0 }?.1
  }
}
