import Operations
import Reporting
import TenantAPI
import XSKEngine

/// The daemon's metrics in the Prometheus text format. Packets are the dataplane's: what it says is added as it is.
struct NodeMetrics: Sendable {
  let node: Node
  let dataplane: DataplaneWatch
  let version: String

  func add(to router: inout HTTPRouter) {
    router.add("GET", "/metrics", "metrics in the Prometheus text format, the dataplane's among them") { _ in
      let packets = (try? dataplane.control.request("/metrics")).map { String(decoding: $0, as: UTF8.self) } ?? ""
      return HTTPResponse(contentType: Exposition.contentType, body: text + packets)
    }
  }

  private var text: String {
    let (state, settings, statistics, endpoints) = node.book.withLock { book in
      (book.state, book.settings, book.statistics, book.endpoints.mapValues(\.counts))
    }
    let status = dataplane.status
    var page = Exposition()
    page.family("xskd_build_info", .gauge, "The daemon.") { $0.add([("version", version)], 1 as UInt64) }
    page.family("xskd_tenants", .gauge, "Tenants that are attached.") { $0.add([], UInt64(state.tenants.count)) }
    page.family("xskd_tenant_slots", .gauge, "Tenants at most.") { $0.add([], UInt64(settings.capacity)) }
    page.family("xskd_state_generation", .gauge, "Changes of the state so far.") { $0.add([], state.generation) }
    page.family("xskd_attachments_total", .counter, "Attachments asked for, by what came of them.") { family in
      family.add([("result", "attached")], statistics.attached)
      family.add([("result", "refused")], statistics.refused)
    }
    page.family("xskd_detachments_total", .counter, "Attachments that ended: asked for, or lost with their namespaces.")
    {
      $0.add([("cause", "asked")], statistics.detached)
      $0.add([("cause", "lost")], statistics.lost)
    }
    page.family("xskd_attachment_duration_seconds", .histogram, "How long attachments took.") { family in
      let bounds = NodeStatistics.bounds.map(Optional.some) + [nil]
      family.add([], buckets: zip(bounds, statistics.durations).map { (bound: $0, count: $1) }, sum: statistics.seconds)
    }
    page.family("xskd_dataplane_up", .gauge, "1 while the dataplane runs.") {
      $0.add([], (status.state == .running ? 1 : 0) as UInt64)
    }
    page.family("xskd_dataplane_restarts_total", .counter, "How often it was started again.") {
      $0.add([], UInt64(status.restarts))
    }
    page.family("xskd_tenant_info", .gauge, "A tenant's names.") { family in
      for tenant in state.tenants {
        family.add(
          [("tenant", tenant.id), ("name", tenant.name), ("device", tenant.hostDevice), ("policy", tenant.policy)],
          1 as UInt64)
      }
    }
    addQueues(to: &page)
    addTraffic(to: &page)
    let sockets = node.boundSockets(of: state.tenants)
    page.family("xskd_tenant_sockets", .gauge, "AF_XDP sockets that are bound to a tenant's queues now.") { family in
      for (id, count) in sockets.sorted(by: { $0.key < $1.key }) { family.add([("tenant", id)], UInt64(count)) }
    }
    page.family("xskd_tenant_handover_total", .counter, "What a tenant's processes asked for at their socket.") {
      family in
      for (id, counts) in endpoints.sorted(by: { $0.key < $1.key }) {
        for (event, count) in [
          ("connection", counts.connections), ("refused", counts.refused), ("socket", counts.sockets),
          ("denied", counts.denied), ("map", counts.maps), ("malformed", counts.malformed),
          ("throttled", counts.throttled),
        ] { family.add([("tenant", id), ("event", event)], count) }
      }
    }
    return page.text
  }

  private func addQueues(to page: inout Exposition) {
    let pools = node.queueReports()
    func labels(_ pool: QueuePoolStatus) -> [(String, String)] { [("pool", pool.name), ("device", pool.device)] }
    page.family("xskd_queue_pool_ready", .gauge, "1 while queues of a physical device can be given to tenants.") {
      for pool in pools { $0.add(labels(pool), (pool.problem == nil ? 1 : 0) as UInt64) }
    }
    page.family("xskd_queue_pool_queues", .gauge, "Queues of a physical device that tenants can have, by their state.")
    {
      for pool in pools {
        for state in [QueuePoolStatus.Queue.State.free, .used, .held, .missing] {
          $0.add(labels(pool) + [("state", state.rawValue)], UInt64(pool.queues.count { $0.state == state }))
        }
      }
    }
    page.family("xskd_queue_tenant", .gauge, "1 for each queue that a tenant has. Nobody here counts its packets.") {
      for pool in pools {
        for queue in pool.queues {
          guard let tenant = queue.tenant else { continue }
          $0.add(labels(pool) + [("queue", "\(queue.queue)"), ("tenant", tenant)], 1 as UInt64)
        }
      }
    }
    page.family(
      "xskd_queue_tenant_ready", .gauge,
      "1 for each queue that a tenant has; 0 if its device has it no more, or the tenant's socket on it is lost."
    ) {
      for pool in pools {
        for queue in pool.queues {
          guard let tenant = queue.tenant else { continue }
          $0.add(
            labels(pool) + [("queue", "\(queue.queue)"), ("tenant", tenant)],
            (queue.trouble == nil ? 1 : 0) as UInt64)
        }
      }
    }
  }

  /// What tenants sent, got, and lost, while a dataplane runs that tells.
  private func addTraffic(to page: inout Exposition) {
    let tenants = (try? dataplane.tenants()) ?? []
    let directions = tenants.flatMap { tenant in
      [("ingress", tenant.traffic.ingress), ("egress", tenant.traffic.egress)].map { name, direction in
        (labels: [("tenant", tenant.traffic.tenant), ("direction", name)], direction)
      }
    }
    page.family("xskd_tenant_packets_total", .counter, "Packets to a tenant (ingress), and from it (egress).") {
      family in
      for (labels, direction) in directions { family.add(labels, direction.packets) }
    }
    page.family("xskd_tenant_bytes_total", .counter, "Their bytes.") { family in
      for (labels, direction) in directions { family.add(labels, direction.bytes) }
    }
    page.family("xskd_tenant_dropped_packets_total", .counter, "Packets that were dropped, by reason.") { family in
      for (labels, direction) in directions {
        for (reason, count) in direction.dropped.sorted(by: { $0.key < $1.key }) {
          family.add(labels + [("reason", reason)], count)
        }
      }
    }
  }
}
