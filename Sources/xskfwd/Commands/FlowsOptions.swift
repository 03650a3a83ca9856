import ArgumentParser
import Glibc
import Operations
import XSKEngine

extension FlowsRequest.Grouping: ExpressibleByArgument {}
extension FlowsRequest.Order: ExpressibleByArgument {}

/// `xskfwd show flows`.
struct FlowsOptions: ParsableArguments {
  @Option(help: "flows: a row for each flow, source, or destination.") var by: FlowsRequest.Grouping?
  @Option(help: "flows: sort by bytes or packets.") var order: FlowsRequest.Order?
  @Option(help: "flows: rows at most, 1…1000.") var top: Int?
  @Option(help: "flows: seconds of traffic to look at, 0.1…60.") var duration: Double?
  @OptionGroup(title: "Conditions on packets (flows)") var conditions: PacketConditions

  func validate() throws {
    if let top, !FlowsRequest.tops.contains(top) {
      throw ValidationError("--top \(top): out of range; give 1 to 1000")
    }
    if let duration, !FlowsRequest.durations.contains(duration) {
      throw ValidationError("--duration \(duration): out of range; give 0.1 to 60 seconds")
    }
  }

  /// The first that is given, as it is written; nil: none is.
  var given: String? {
    if by != nil { return "--by" }
    if order != nil { return "--order" }
    if top != nil { return "--top" }
    return duration != nil ? "--duration" : conditions.given
  }

  func request() throws -> FlowsRequest {
    var request = FlowsRequest()
    request.conditions = try conditions.request()
    request.conditions.duration = duration
    request.grouping = by ?? request.grouping
    request.order = order ?? request.order
    request.top = top ?? request.top
    return request
  }
}
