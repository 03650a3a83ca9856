public import Forwarder

/// What a node is to do: /etc/xskd/xskd.yaml as a plain value.
public struct NodeConfiguration: Hashable, Sendable {
  /// Devices to the world; the first one has the tenants' VLANs. None: tenants reach each other and the host.
  public var uplinks: [ForwarderPort] = []
  /// Devices whose queues tenants may have. None of them is an uplink.
  public var queuePools: [QueuePool] = []
  /// Tenants at one time, 1…250; those that have a physical queue are not counted.
  public var capacity = 64
  /// Frames that the kernel keeps for receiving from each tenant, 64…4096.
  public var framesPerTenant = 256
  public var engine = EngineSettings()
  /// What a tenant may have if it does not ask for less.
  public var quota = TenantQuota()
  /// By name; `default` is always there.
  public var policies: [String: TenantPolicy] = ["default": TenantPolicy()]
  public var sets: [NamedPrefixes] = []
  /// Behind the uplinks: ports are numbers of uplinks.
  public var routes: [ConfiguredRoute] = []
  public var neighbours: [ConfiguredNeighbour] = []
  public var kernelRoutes: KernelRouteSettings?

  public init() {}

  public static var capacityRange: ClosedRange<Int> { 1...250 }
  public static var framesRange: ClosedRange<Int> { 64...4096 }

  /// RX and TX queues that the host's end of a tenant's veth must have: one for each worker.
  public var queuesPerTenant: Int { engine.cores?.count ?? 1 }

  /// The engine's number of a tenant's port.
  public func port(ofSpare spare: Int) -> Int { uplinks.count + spare }
}

/// What a tenant may send, and what may be sent to it. Without rules and limits nothing is forbidden but false sources.
public struct TenantPolicy: Hashable, Sendable {
  /// To the tenant, and from it.
  public var ingress, egress: Direction

  public init(ingress: Direction = Direction(), egress: Direction = Direction()) {
    (self.ingress, self.egress) = (ingress, egress)
  }

  public struct Direction: Hashable, Sendable {
    /// The first one that matches decides.
    public var rules: [Rule]
    /// What becomes of packets that none decides about.
    public var accepts: Bool
    /// Of what is accepted.
    public var packets, bits: RateLimit?

    public init(rules: [Rule] = [], accepts: Bool = true, packets: RateLimit? = nil, bits: RateLimit? = nil) {
      (self.rules, self.accepts, self.packets, self.bits) = (rules, accepts, packets, bits)
    }

    /// Nothing is asked, and nothing limited.
    public var isOpen: Bool { rules.isEmpty && accepts && packets == nil && bits == nil }
  }

  public struct Rule: Hashable, Sendable {
    public var name: String
    public var match: RuleMatch
    public var accepts: Bool

    public init(_ name: String, _ match: RuleMatch, accepts: Bool) {
      (self.name, self.match, self.accepts) = (name, match, accepts)
    }
  }
}
