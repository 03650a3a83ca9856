import TenantAPI
import XSKEngine

extension Node {
  /// How many AF_XDP sockets are bound to each tenant's queues now, whoever made them; without the tenants of which the kernel
  /// doesn't tell. To be called in the node's network namespace. Some hundred microseconds for each tenant.
  func boundSockets(of tenants: [Tenant]) -> [Tenant.ID: Int] {
    var counts: [Tenant.ID: Int] = [:]
    var devices: [String: Set<Int>?] = [:]
    for tenant in tenants {
      guard let physical = tenant.physicalQueues else { continue }
      let bound = devices[physical.device] ?? NetdevQueues.bound(device: physical.device)
      devices.updateValue(bound, forKey: physical.device)
      counts[tenant.id] = bound?.intersection(physical.queues).count
    }
    let others = tenants.filter { $0.physicalQueues == nil }
    let namespaces = book.withLock { $0.namespaces }
    // One thread goes from namespace to namespace.
    guard !others.isEmpty,
      let inside = try? SystemThread.run("xsk-sockets", { Self.boundSockets(of: others, namespaces) })
    else { return counts }
    return counts.merging(inside) { $1 }
  }

  private static func boundSockets(
    of tenants: [Tenant], _ namespaces: [Tenant.ID: TenantNamespace.Identity]
  ) -> [Tenant.ID: Int] {
    var counts: [Tenant.ID: Int] = [:]
    for tenant in tenants {
      // Its path may lead elsewhere by now.
      guard let known = namespaces[tenant.id], (try? TenantNamespace(path: tenant.namespace).enter()) == known else {
        continue
      }
      counts[tenant.id] = NetdevQueues.bound(device: tenant.device)?.count
    }
    return counts
  }
}
