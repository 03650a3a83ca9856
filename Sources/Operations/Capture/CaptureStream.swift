import Captures
import Glibc
import Synchronization
import XSKEngine

/// A capture on its way to a client, in pcapng. Nothing waits in here: what the client does not take stays in the workers'
/// rings, which are bounded, and count what finds no room.
final class CaptureStream: HTTPStream {
  private let session: CaptureSession
  private let names: CaptureNames
  private let application: String
  /// CLOCK_MONOTONIC seconds.
  private let deadline: Double
  private let state = Mutex(State())

  private struct State: Sendable {
    var encoder = PcapngEncoder()
    var hasBegun = false
    /// Since when it is ending.
    var ending: Double?
    var isOver = false
    /// Packets written, by port.
    var written: [UInt8: UInt64] = [:]
  }

  /// How long workers have to let go, in seconds: some milliseconds, unless they have ended themselves.
  private static let patience = 0.5

  init(_ session: CaptureSession, names: CaptureNames, application: String, duration: Double?) {
    self.session = session
    self.names = names
    self.application = application
    deadline = MonotonicTime.now + (duration ?? .infinity)
  }

  func finish() {
    session.end()
    state.withLock { $0.ending = $0.ending ?? MonotonicTime.now }
  }

  func look() {
    if MonotonicTime.now >= deadline || session.isComplete { finish() }
  }

  func close() { session.end() }

  func next(upTo limit: Int) -> [UInt8]? {
    look()
    return state.withLock { state in
      guard !state.isOver else { return nil }
      begin(&state)
      // Asked before reading: what was recorded until the workers let go is read then.
      let isLast = state.ending.map { session.isReleased || MonotonicTime.now >= $0 + Self.patience } ?? false
      let rules = names.rules()
      let count = session.read(upTo: limit) { packet, bytes in add(packet, bytes, rules, &state) }
      if isLast && count == 0 { end(&state) }
      return state.encoder.take()
    }
  }

  private func begin(_ state: inout State) {
    guard !state.hasBegun else { return }
    state.hasBegun = true
    state.encoder.beginSection(application: application)
    for port in names.ports {
      state.encoder.addInterface(
        name: port.name, description: "port of xskfwd, \(port.mode)", snapLength: session.selection.snapLength)
    }
  }

  private func add(_ packet: CapturedPacket, _ bytes: RawSpan, _ rules: [String], _ state: inout State) {
    state.encoder.addPacket(
      bytes, length: packet.length, interface: Int(packet.port), nanoseconds: packet.nanoseconds, direction: .inbound,
      queue: packet.queue, lost: UInt64(packet.lostBefore), comments: names.comments(packet, rules: rules))
    state.written[packet.port, default: 0] += 1
  }

  private func end(_ state: inout State) {
    state.isOver = true
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
    let now = UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    for port in names.ports.indices {
      let totals = session.totals(port: UInt8(port))
      state.encoder.addStatistics(
        interface: port, nanoseconds: now, accepted: totals.matched, lost: totals.lost,
        written: state.written[UInt8(port)] ?? 0)
    }
  }
}

/// `POST /v1/capture`.
struct CaptureRoute: Sendable {
  let engine: Engine
  let rules: @Sendable () -> [String]

  static let contentType = "application/x-pcapng"

  func add(to router: inout HTTPRouter) {
    router.add(
      "POST", "/v1/capture", "packets and what became of them, as pcapng, until the client closes: ?drops=1&port=NAME …"
    ) { request in answer(request) }
  }

  private func answer(_ request: HTTPRequest) -> HTTPResponse {
    let description: CounterDescription
    do throws(XSKError) { description = try engine.counters.snapshot().description } catch {
      return .refusal(error, .internalError)
    }
    let names = CaptureNames(description, rules: rules)
    do throws(XSKError) {
      let wanted = try CaptureRequest(request)
      let selection = try wanted.selection(names)
      let stream = CaptureStream(
        try engine.startCapture(selection), names: names, application: "\(description.tool) \(description.version)",
        duration: wanted.duration)
      return HTTPResponse(contentType: Self.contentType, stream: stream)
    } catch {
      return .refusal(error, error.subject == "capture" ? .conflict : .badRequest)
    }
  }
}
