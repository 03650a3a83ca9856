import Synchronization
import XSKEngine

/// What the control socket answers. Other parts of a program add paths of theirs to the same router.
struct ControlRoutes: Sendable {
  let engine: Engine
  let history: SnapshotHistory
  /// Has the program stop as at Ctrl-C.
  let requestStop: @Sendable () -> Void

  func add(to router: inout HTTPRouter) {
    router.add("GET", "/v1/status", "the program, its ports and workers, messages") { _ in status() }
    router.add("GET", "/v1/counters", "every counter, by port, queue and worker") { _ in
      answer { .json(CountersReport($0)) }
    }
    router.add("GET", "/v1/drops", "dropped packets by reason") { _ in answerWithKernel { .json(DropsReport($0)) } }
    router.add("POST", "/v1/drain", "takes no more packets: ?port=NAME, or of all ports; they go to the kernel's stack")
    {
      request in
      change { () throws(XSKError) in try engine.drain(port: request.query["port"]) }
    }
    router.add("POST", "/v1/resume", "takes packets again: ?port=NAME, or of all ports") { request in
      change { () throws(XSKError) in try engine.resume(port: request.query["port"]) }
    }
    router.add("POST", "/v1/stop", "ends the program as Ctrl-C does") { _ in
      requestStop()
      return status(.accepted)
    }
  }

  private func status(_ status: HTTPStatus = .ok) -> HTTPResponse {
    answer { new in
      .json(
        StatusReport(
          from: history.past ?? new, to: new, ports: engine.portStatus, messages: engine.messages(from: 0)), status)
    }
  }

  private func change(_ body: () throws(XSKError) -> Void) -> HTTPResponse {
    do throws(XSKError) {
      try body()
      return status(.accepted)
    } catch {
      return .refusal(error)
    }
  }

  /// With what the XDP programs count, which takes some hundred system calls.
  private func answerWithKernel(_ body: (CounterSnapshot) -> HTTPResponse) -> HTTPResponse {
    do throws(XSKError) { return body(try engine.snapshot()) } catch {
      return .refusal(error, .internalError)
    }
  }

  private func answer(_ body: (CounterSnapshot) -> HTTPResponse) -> HTTPResponse {
    do throws(XSKError) { return body(try engine.counters.snapshot()) } catch {
      return .refusal(error, .internalError)
    }
  }
}

/// Snapshots of about a second ago, for rates without a client that asks twice.
final class SnapshotHistory: Sendable {
  private struct Pair: Sendable {
    var older: CounterSnapshot?
    var newer: CounterSnapshot?
  }

  private let pair = Mutex(Pair())

  func add(_ snapshot: CounterSnapshot) {
    pair.withLock { $0 = Pair(older: $0.newer, newer: snapshot) }
  }

  /// One or two chore intervals old.
  var past: CounterSnapshot? { pair.withLock { $0.older ?? $0.newer } }
}
