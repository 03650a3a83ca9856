import Synchronization

/// The tenant of an endpoint as it is now, for its owner to change and its thread to read.
final class CurrentTenant: Sendable {
  private let tenant: Mutex<Tenant>

  init(_ tenant: Tenant) { self.tenant = Mutex(tenant) }

  var value: Tenant {
    get { tenant.withLock { $0 } }
    set { tenant.withLock { $0 = newValue } }
  }
}

/// Counts of an endpoint: its thread writes, anybody reads.
final class HandoverCounters: Sendable {
  private let counts = Mutex(TenantEndpoint.Counts())

  var values: TenantEndpoint.Counts { counts.withLock { $0 } }

  func add(_ path: WritableKeyPath<TenantEndpoint.Counts, UInt64>) { counts.withLock { $0[keyPath: path] += 1 } }
}
