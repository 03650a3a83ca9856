import Glibc
import Operations
import TenantAPI
import XSKEngine

/// The daemon's API: HTTP over its UNIX socket, JSON.
struct NodeRoutes: Sendable {
  let node: Node
  let dataplane: DataplaneWatch
  let messages: NodeMessages
  let version: String
  /// CLOCK_MONOTONIC seconds.
  let started: Double
  /// Reads the configuration again.
  let reload: @Sendable () throws(XSKError) -> Void

  func add(to router: inout HTTPRouter) {
    router.add("GET", "/v1/status", "slots, attachments, the dataplane, messages") { _ in .json(status) }
    router.add("GET", "/v1/tenants", "all tenants") { _ in .json(node.reports()) }
    router.add("GET", "/v1/tenants/{id}", "one tenant") { request in
      answer { () throws(NodeRefusal) in .json(try node.report(of: id(request), asksKernel: true)) }
    }
    router.add("PUT", "/v1/tenants/{id}", "attaches; asked again for the same it answers the same") { attach($0) }
    router.add("DELETE", "/v1/tenants/{id}", "detaches; done if there is none") { request in
      answer { () throws(NodeRefusal) in
        try node.detach(id(request))
        return .json([String: String]())
      }
    }
    router.add("GET", "/v1/tenants/{id}/check", "what is not as it was made") { request in
      answer { () throws(NodeRefusal) in .json(TenantCheck(problems: try node.problems(of: id(request)))) }
    }
    for verb in ["drain", "resume"] {
      router.add("POST", "/v1/tenants/{id}/\(verb)", "a tenant's packets go to the kernel's stack, or are taken again")
      {
        drain($0, verb)
      }
    }
    router.add("POST", "/v1/reload", "reads the configuration file again; 400 and what is wrong if it can't be used") {
      _ in
      do throws(XSKError) {
        try reload()
        return .json(status)
      } catch {
        return .refusal(error)
      }
    }
    router.add("GET", "/v1/policies", "the policies, and who has them") { _ in .json(node.policies()) }
    router.add("GET", "/v1/counters", "packets by tenant, direction and reason") { _ in
      do throws(XSKError) {
        try requireDataplane()
        return .json(CounterReport(tenants: try dataplane.tenants(), uncounted: node.uncounted()))
      } catch {
        return .refusal(error, .serviceUnavailable)
      }
    }
  }

  private func id(_ request: HTTPRequest) -> String { request.parameters["id"] ?? "" }

  private func attach(_ request: HTTPRequest) -> HTTPResponse {
    let id = id(request)
    let wish: AttachRequest
    do throws(XSKError) { wish = try StrictJSON.decodeAlone(AttachRequest.self, request.body, file: "request") } catch {
      return .refusal(error)
    }
    return answer { () throws(NodeRefusal) in
      let attached = try node.attach(id, wish)
      var report = try node.report(of: id, asksKernel: false)
      report.attachMilliseconds = attached.seconds.map { ($0 * 10_000).rounded() / 10 }
      return .json(report)
    }
  }

  private func drain(_ request: HTTPRequest, _ verb: String) -> HTTPResponse {
    answer { () throws(NodeRefusal) in
      let tenant = try node.tenant(id(request))
      guard tenant.tier == .veth else {
        throw NodeRefusal(
          .wrong,
          XSKError(
            "tenant \(tenant.id): \(tenant.queueText)", "the dataplane has none of its packets",
            remedy: "detach it, or steer the queue's packets elsewhere: ethtool -N"))
      }
      do throws(XSKError) {
        try requireDataplane()
        _ = try dataplane.control.request("/v1/\(verb)?port=\(tenant.hostDevice)", method: "POST")
        return .json([String: String](), .accepted)
      } catch {
        return .refusal(error, .serviceUnavailable)
      }
    }
  }

  private func requireDataplane() throws(XSKError) {
    let status = dataplane.status
    guard status.state != .running else { return }
    throw XSKError(
      "the dataplane", "does not run\(status.problem.map { ": \($0)" } ?? "")", remedy: "wait, and see its messages")
  }

  private func answer(_ body: () throws(NodeRefusal) -> HTTPResponse) -> HTTPResponse {
    do throws(NodeRefusal) { return try body() } catch {
      let status: HTTPStatus =
        switch error.kind {
        case .wrong: .badRequest
        case .unknown: .notFound
        case .conflict: .conflict
        case .full: .serviceUnavailable
        case .failed: .internalError
        }
      return .refusal(error.reason, status)
    }
  }

  private var status: NodeReport {
    let (tiers, queues) = (node.tierReports(), node.queueReports())
    return node.book.withLock { book in
      NodeReport(
        pid: getpid(), version: version, uptimeSeconds: MonotonicTime.now - started, generation: book.state.generation,
        slots: .init(used: book.state.tenants.count { $0.tier == .veth }, capacity: book.settings.capacity),
        queues: queues,
        attachments: .init(
          attached: book.statistics.attached, refused: book.statistics.refused, detached: book.statistics.detached,
          lost: book.statistics.lost),
        dataplane: dataplane.status, uplinks: book.settings.uplinks, policies: book.settings.policies.sorted(),
        tiers: tiers, messages: messages.newest)
    }
  }
}
