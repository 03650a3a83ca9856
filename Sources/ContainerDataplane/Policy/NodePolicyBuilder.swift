import Forwarder
import XSKEngine

/// Gathers what the forwarder takes of each tenant.
///
///     VLAN tenants     rules, both ways; every way ends there
///     other tenants    access lists of their ports: egress for what arrives, ingress for what leaves; the rest is routed
///
/// The guard has tied addresses to ports, so an access list knows its tenant by the port. A tenant without rules and limits has none.
struct NodePolicyBuilder {
  let node: NodeConfiguration
  private(set) var configuration: ForwarderConfiguration
  private(set) var roles: [String: NodePolicy.Role] = [:]
  private(set) var tenants: [Int: Tenant] = [:]
  private var bridged: [Rule] = []
  private var guards: [Int: SourceGuard.Port] = [:]
  private var counts = NodeRuleCounts()

  init(_ node: NodeConfiguration) {
    self.node = node
    configuration = ForwarderConfiguration(
      ports: node.uplinks + (0..<node.capacity).map { ForwarderPort("tenant\($0)", device: "") })
    configuration.engine = node.engine
    configuration.sets = node.sets
    configuration.routes = node.routes
    configuration.neighbours = node.neighbours
    configuration.kernelRoutes = node.kernelRoutes
  }

  /// - Throws: why there is no place for the tenant. Nothing has changed then.
  mutating func add(_ tenant: Tenant) throws(XSKError) {
    let subject = "tenant \(tenant.id)"
    guard let spare = tenant.port, spare < node.capacity else {
      throw XSKError(
        "\(subject): port \(tenant.port ?? -1)", "not one of the \(node.capacity) that there are",
        remedy: "raise capacity.tenants, or give it another")
    }
    guard let named = node.policies[tenant.policy] else {
      throw XSKError(
        "\(subject): policy \"\(tenant.policy)\"", "not in the configuration",
        remedy: "define it, or use one of \(node.policies.keys.sorted().joined(separator: ", "))")
    }
    let policy = try named.limited(by: tenant.bandwidth)
    if let vlan = tenant.vlan {
      guard !node.uplinks.isEmpty else {
        throw XSKError("\(subject): vlan \(vlan)", "there is no uplink", remedy: "define one, or take the VLAN out")
      }
      guard node.uplinks[0].vlan.map({ Int($0) }) != vlan else {
        throw XSKError("\(subject): vlan \(vlan)", "the uplink's own", remedy: "choose another VLAN")
      }
    }
    try counts.add(tenant, policy)
    let port = node.port(ofSpare: spare)
    tenants[port] = tenant
    configuration.ports[port].device = tenant.hostDevice
    configuration.ports[port].mtu = UInt16(clamping: max(576, tenant.mtu))
    if let vlan = tenant.vlan {
      guards[port] = SourceGuard.Port(mac: tenant.macNumber)
      addBridged(tenant, port, vlan, policy)
    } else {
      guards[port] = SourceGuard.Port(mac: tenant.macNumber, addresses: tenant.ipAddresses, sources: .own)
      for address in tenant.ipAddresses {
        configuration.neighbours.append(ConfiguredNeighbour(address, mac: tenant.macNumber ?? 0, port: port))
      }
      addRouted(tenant, port, policy)
    }
  }

  /// Puts the parts together: from here on rules have numbers.
  ///
  /// - Parameter firstUplinkMAC: nil: whoever looks at the policy is not going to use it.
  mutating func finish(firstUplinkMAC: UInt64?) {
    let hasVLANs = !bridged.isEmpty
    if hasVLANs {
      bridged.append(Self.unknownVLAN(node.uplinks[0].vlan))
      if let firstUplinkMAC { bridged += Self.otherMAC(firstUplinkMAC) }
    }
    configuration.rules = RuleSet(bridged, default: .route)
    for (number, uplink) in node.uplinks.enumerated() {
      guards[number] = SourceGuard.Port(
        sources: .foreign, vlan: uplink.vlan, leavesTagsToRules: hasVLANs && number == 0, isolation: 0)
    }
    // A port that no tenant has takes nothing.
    for port in node.uplinks.count..<configuration.ports.count where guards[port] == nil {
      guards[port] = SourceGuard.Port(sources: .own)
    }
    configuration.sources = SourceGuard(guards)
  }
}

// MARK: Routed tenants

extension NodePolicyBuilder {
  private mutating func addRouted(_ tenant: Tenant, _ port: Int, _ policy: TenantPolicy) {
    let access = PortAccess(
      arriving: accessList(tenant, .egress, policy.egress), leaving: accessList(tenant, .ingress, policy.ingress))
    if access != PortAccess() { configuration.access[port] = access }
  }

  /// nil: nothing is asked, and nothing limited.
  private mutating func accessList(
    _ tenant: Tenant, _ direction: NodePolicy.Role.Direction, _ policy: TenantPolicy.Direction
  ) -> AccessList? {
    guard !policy.isOpen else { return nil }
    let reason = "acl_\(tenant.policy)"
    var list = AccessList()
    list.packets = policy.packets.map { limiter(tenant, direction, $0) }
    list.bits = policy.bits.map { limiter(tenant, direction, $0) }
    func add(_ name: String, isOwn: Bool = false, _ match: RuleMatch, _ accepts: Bool) {
      let reason = accepts ? nil : reason
      let name = self.name(tenant, direction, name, isOwn: isOwn, reason: reason)
      list.rules.append(AccessList.Rule(name, match, drop: reason))
    }
    for rule in policy.rules { add(rule.name, rule.match, rule.accepts) }
    if policy.listsDefault {
      add("default", isOwn: true, RuleMatch(), policy.accepts)
    }
    return list
  }
}

// MARK: Tenants of a VLAN

extension NodePolicyBuilder {
  private mutating func addBridged(_ tenant: Tenant, _ port: Int, _ vlan: Int, _ policy: TenantPolicy) {
    let out: [RuleAction] = [.setVLAN(.tag(id: vlan)), .forward(port: 0)]
    bridged += rules(tenant, .egress, policy.egress, then: out) { $0.ingressPort = [UInt8(port)] }
    let isIn: (inout RuleMatch) -> Void = { match in
      match.ingressPort = [0]
      match.vlan = [.ids(UInt16(vlan)...UInt16(vlan))]
    }
    // Groups and broadcast are for everybody in the VLAN; of single devices' addresses only the tenant's own.
    let group = bridged.count
    bridged.append(
      Rule(
        name(tenant, .ingress, "group", isOwn: true),
        RuleMatch {
          isIn(&$0)
          $0.destinationMAC = [MACPattern(1 << 40, mask: 1 << 40)]
        }, .skip(to: group + 2)))
    bridged.append(
      Rule(
        name(tenant, .ingress, "other-mac", isOwn: true, reason: "other_mac"),
        RuleMatch {
          isIn(&$0)
          $0.destinationMAC = .noneOf(MACPattern(tenant.macNumber ?? 0))
        }, .drop("other_mac")))
    let into: [RuleAction] = [.setVLAN(.remove), .forward(port: port)]
    bridged += rules(tenant, .ingress, policy.ingress, then: into, isIn)
  }

  /// Tagged packets of VLANs that nobody has.
  private static func unknownVLAN(_ own: UInt16?) -> Rule {
    Rule(
      "unknown-vlan",
      RuleMatch {
        $0.ingressPort = [0]
        $0.vlan = own.map { .noneOf(.untagged, .ids($0...$0)) } ?? .noneOf(.untagged)
      }, .drop("unknown_vlan"))
  }

  /// The uplink is promiscuous, and a router must not route what is sent to others.
  private static func otherMAC(_ own: UInt64) -> [Rule] {
    [
      Rule(
        "group",
        RuleMatch {
          $0.ingressPort = [0]
          $0.destinationMAC = [MACPattern(1 << 40, mask: 1 << 40)]
        }, .route),
      Rule(
        "other-mac",
        RuleMatch {
          $0.ingressPort = [0]
          $0.destinationMAC = .noneOf(MACPattern(own))
        }, .drop("other_mac")),
    ]
  }
}

// MARK: Rules of a direction

extension NodePolicyBuilder {
  /// The rules of a VLAN tenant's direction.
  ///
  /// - Parameters:
  ///   - end: what becomes of packets that are accepted, behind the limits.
  ///   - bind: ties a match to the tenant.
  private mutating func rules(
    _ tenant: Tenant, _ direction: NodePolicy.Role.Direction, _ policy: TenantPolicy.Direction, then end: [RuleAction],
    _ bind: (inout RuleMatch) -> Void
  ) -> [Rule] {
    let reason = "acl_\(tenant.policy)"
    let limits = [policy.packets, policy.bits].compactMap { $0 }.map { limit in
      RuleAction.rateLimit(limiter: limiter(tenant, direction, limit), excess: "rate_limit")
    }
    var rules: [Rule] = []
    func add(_ name: String, isOwn: Bool = false, _ match: RuleMatch, _ accepts: Bool) {
      var match = match
      bind(&match)
      let name = self.name(tenant, direction, name, isOwn: isOwn, reason: accepts ? nil : reason)
      rules.append(Rule(name, match, accepts ? limits + end : [.drop(reason)]))
    }
    for rule in policy.rules { add(rule.name, rule.match, rule.accepts) }
    add("default", isOwn: true, RuleMatch(), policy.accepts)
    return rules
  }

  /// The number of a new limiter.
  private mutating func limiter(
    _ tenant: Tenant, _ direction: NodePolicy.Role.Direction, _ limit: RateLimit
  ) -> Int {
    let name = name(tenant, direction, "\(limit.unit)", isOwn: true, reason: "rate_limit")
    configuration.limiters.append(RateLimiter(name, limit))
    return configuration.limiters.count - 1
  }

  /// A name that no other tenant's has, whatever port it is on: counts are kept by names.
  ///
  /// - Parameter isOwn: not a name of the policy's.
  private mutating func name(
    _ tenant: Tenant, _ direction: NodePolicy.Role.Direction, _ name: String, isOwn: Bool = false,
    reason: String? = nil
  ) -> String {
    let full = "\(tenant.hostDevice).\(direction == .ingress ? "in" : "out")\(isOwn ? "-" : ".")\(name)"
    roles[full] = NodePolicy.Role(tenant: tenant.id, direction: direction, name: name, reason: reason)
    return full
  }
}
