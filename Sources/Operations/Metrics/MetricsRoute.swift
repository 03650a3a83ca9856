import Glibc
import Reporting
import XSKEngine

/// `GET /metrics`.
struct MetricsRoute: Sendable {
  let engine: Engine

  func add(to router: inout HTTPRouter) {
    router.add("GET", "/metrics", "metrics in the Prometheus text format") { _ in
      do throws(XSKError) {
        let page = MetricsPage(
          snapshot: try engine.counters.snapshot(), ports: engine.portStatus,
          messages: engine.messages(from: .max).count, cpu: CPUTimes.ofThisProcess,
          ticksPerSecond: TimestampClock.shared.ticksPerSecond)
        return HTTPResponse(contentType: Exposition.contentType, body: page.text)
      } catch {
        return .refusal(error, .internalError)
      }
    }
  }
}
