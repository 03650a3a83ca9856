import Glibc
import Reporting
import XSKEngine

/// `GET /metrics`.
struct MetricsRoute: Sendable {
  let engine: Engine
  let policy: PolicyDesk?

  func add(to router: inout HTTPRouter) {
    router.add("GET", "/metrics", "metrics in the Prometheus text format") { _ in
      do throws(XSKError) {
        let page = MetricsPage(
          snapshot: try engine.snapshot(), ports: engine.portStatus,
          messages: engine.messages(from: .max).count, cpu: CPUTimes.ofThisProcess,
          ticksPerSecond: TimestampClock.shared.ticksPerSecond)
        var text = page.text
        if let policy {
          var more = Exposition()
          policy.add(to: &more)
          text += more.text
        }
        return HTTPResponse(contentType: Exposition.contentType, body: text)
      } catch {
        return .refusal(error, .internalError)
      }
    }
  }
}
