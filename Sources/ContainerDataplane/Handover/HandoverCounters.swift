import Synchronization

/// Counts of an endpoint: its thread writes, anybody reads.
final class HandoverCounters: Sendable {
  private let counts = Mutex(TenantEndpoint.Counts())

  var values: TenantEndpoint.Counts { counts.withLock { $0 } }

  func add(_ path: WritableKeyPath<TenantEndpoint.Counts, UInt64>) { counts.withLock { $0[keyPath: path] += 1 } }
}
