import XSKEngine

/// What the configuration says to the daemon about tenants.
public struct NodeSettings: Sendable {
  /// Tenants at most, 1…250: the dataplane's spare ports.
  public var capacity: Int
  /// The uplinks' devices; the kernel answers there for routed tenants' addresses.
  public var uplinks: [String]
  /// What a tenant gets that asks for nothing, and what it may ask for at most.
  public var quota: TenantQuota
  /// Devices whose queues tenants may have.
  public var queuePools: [QueuePool] = []
  /// The names of the policies that there are.
  public var policies: Set<String>
  /// Queues of a tenant's veth, both ways and at both ends: one for each of the dataplane's workers. A tenant has a socket for
  /// each: what came by a queue without one would be its kernel stack's.
  public var queues = 1
  /// What a policy asks, for people.
  public var directions: [String: (ingress: PolicyReport.Direction, egress: PolicyReport.Direction)] = [:]
  /// Throws what keeps the dataplane from carrying a state out.
  public var accept: @Sendable (NodeState) throws(XSKError) -> Void = { _ in }

  public init(
    capacity: Int = 64, uplinks: [String] = [], quota: TenantQuota = TenantQuota(), policies: Set<String> = ["default"]
  ) {
    self.capacity = capacity
    self.uplinks = uplinks
    self.quota = quota
    self.policies = policies
  }
}

/// Why a node did not do what it was asked. Nothing has changed then.
public struct NodeRefusal: Error, Sendable {
  public enum Kind: Sendable {
    /// What was asked is wrong.
    case wrong
    /// There is no such tenant.
    case unknown
    /// Something else is in its place.
    case conflict
    /// All slots are in use.
    case full
    /// The kernel, the disk, or the dataplane refused.
    case failed
  }

  public let kind: Kind
  public let reason: XSKError

  init(_ kind: Kind, _ reason: XSKError) {
    self.kind = kind
    self.reason = reason
  }
}
