import XSKEngine

extension FlowsReport {
  /// Asks a running engine, and waits for its answer: as long as the request says, and a little longer.
  public static func ask(_ client: ControlClient, _ request: FlowsRequest) throws(XSKError) -> [UInt8] {
    var stream = try ControlStream(client, request.target, body: request.conditions.filter?.text ?? "")
    var body: [UInt8] = []
    let patience = MonotonicTime.now + request.duration + 5
    while MonotonicTime.now < patience {
      switch try stream.next(milliseconds: 200) {
      case .bytes(let bytes): body += bytes
      case .nothing: continue
      case .end: return body
      case .cut: throw XSKError(client.path, "ended while it was looking", remedy: "see whether it still runs")
      }
    }
    throw XSKError(client.path, "has not answered", remedy: "look at the process that listens")
  }
}
