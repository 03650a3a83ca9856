import Synchronization
import XSKEngine

/// Samples packets for a while, and answers with who sent most of them. Bounded: so many packets are drawn, and no more.
final class FlowsStream: HTTPStream {
  private let session: CaptureSession
  private let request: FlowsRequest
  private let names: CaptureNames
  /// CLOCK_MONOTONIC seconds.
  private let start = MonotonicTime.now
  private let state = Mutex(State())

  private struct State: Sendable {
    var tally = FlowTally()
    /// Since when it is ending.
    var ending: Double?
    var isOver = false
  }

  /// Packets that are drawn by rights, and at most: more would not make the answer better, but cost memory.
  static let aim = 100_000.0
  static let limit: UInt64 = 400_000
  /// As `CaptureStream`'s.
  private static let patience = 0.5

  init(_ session: CaptureSession, _ request: FlowsRequest, names: CaptureNames) {
    self.session = session
    self.request = request
    self.names = names
  }

  /// One packet in how many to draw, where `rate` come in each second.
  static func oneIn(rate: Double, seconds: Double) -> UInt32 {
    UInt32(max(1, min(1e9, (rate * seconds / aim).rounded(.up))))
  }

  func finish() {
    session.end()
    state.withLock { $0.ending = $0.ending ?? MonotonicTime.now }
  }

  func look() {
    if MonotonicTime.now >= start + request.duration || session.isComplete { finish() }
  }

  func close() { session.end() }

  func next(upTo limit: Int) -> [UInt8]? {
    look()
    return state.withLock { state in
      guard !state.isOver else { return nil }
      let isLast = state.ending.map { session.isReleased || MonotonicTime.now >= $0 + Self.patience } ?? false
      // Whoever waits is not made to wait: what is left is read at the next call.
      let count = session.read(upTo: 1 << 20) { packet, bytes in
        state.tally.add(packet, FlowName(packet, bytes, by: request.grouping))
      }
      guard isLast, count == 0, let ending = state.ending else { return [] }
      state.isOver = true
      return answer(state.tally, seconds: max(ending - start, 0.001))
    }
  }

  private func answer(_ tally: FlowTally, seconds: Double) -> [UInt8] {
    let totals = names.ports.indices.map { session.totals(port: UInt8($0)) }
    let report = FlowsReport(
      tally, request, oneIn: session.selection.oneIn, lost: totals.reduce(0) { $0 + $1.lost }, seconds: seconds,
      names: names)
    return HTTPResponse.json(report).body
  }
}

/// `POST /v1/flows`.
struct FlowsRoute: Sendable {
  let engine: Engine
  let history: SnapshotHistory
  let rules: @Sendable () -> [String]

  func add(to router: inout HTTPRouter) {
    router.add(
      "POST", "/v1/flows", "who sends most: ?by=flow|source|destination&order=bytes|packets&top=N&duration=S …"
    ) { request in answer(request) }
  }

  private func answer(_ request: HTTPRequest) -> HTTPResponse {
    let now: CounterSnapshot
    do throws(XSKError) { now = try engine.counters.snapshot() } catch { return .refusal(error, .internalError) }
    let names = CaptureNames(now.description, rules: rules)
    do throws(XSKError) {
      let wanted = try FlowsRequest(request)
      var selection = try wanted.conditions.selection(names)
      selection.oneIn =
        wanted.conditions.oneIn ?? FlowsStream.oneIn(rate: rate(until: now), seconds: wanted.duration)
      selection.count = FlowsStream.limit
      selection.snapLength = FlowName.bytes
      let stream = FlowsStream(try engine.startCapture(selection), wanted, names: names)
      return HTTPResponse(contentType: "application/json", stream: stream)
    } catch {
      return .refusal(error, error.subject == "capture" ? .conflict : .badRequest)
    }
  }

  /// Packets a second that came in lately.
  private func rate(until now: CounterSnapshot) -> Double {
    guard let past = history.past, now.readMonotonic > past.readMonotonic else { return 0 }
    let packets = now.total(.receivedPackets) &- past.total(.receivedPackets)
    return Double(packets) * 1e9 / Double(now.readMonotonic - past.readMonotonic)
  }
}
