import Forwarder
import XSKEngine

/// Gathers rules, in this order:
///
///     VLAN tenants     both ways; every way ends here
///     egress           by source address, which the guard has tied to the port; what is accepted skips to
///     ingress          by destination address; what is accepted is routed
///     default          routed
///
/// A tenant without rules and limits has none here.
struct NodePolicyBuilder {
  let node: NodeConfiguration
  private(set) var configuration: ForwarderConfiguration
  private(set) var roles: [String: NodePolicy.Role] = [:]
  private(set) var tenants: [Int: Tenant] = [:]
  private var bridged: [Rule] = []
  private var egress: [Rule] = []
  private var ingress: [Rule] = []
  private var guards: [Int: SourceGuard.Port] = [:]

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
    let port = node.port(ofSpare: spare)
    tenants[port] = tenant
    configuration.ports[port].device = tenant.hostDevice
    configuration.ports[port].mtu = UInt16(clamping: max(576, tenant.mtu))
    if let vlan = tenant.vlan {
      guard !node.uplinks.isEmpty else {
        throw XSKError("\(subject): vlan \(vlan)", "there is no uplink", remedy: "define one, or take the VLAN out")
      }
      guard node.uplinks[0].vlan.map({ Int($0) }) != vlan else {
        throw XSKError("\(subject): vlan \(vlan)", "the uplink's own", remedy: "choose another VLAN")
      }
      guards[port] = SourceGuard.Port(mac: tenant.macNumber)
      addBridged(tenant, port, vlan, policy)
    } else {
      guards[port] = SourceGuard.Port(mac: tenant.macNumber, addresses: tenant.ipAddresses, sources: .own)
      for address in tenant.ipAddresses {
        configuration.neighbours.append(ConfiguredNeighbour(address, mac: tenant.macNumber ?? 0, port: port))
      }
      addRouted(tenant, policy)
    }
  }

  /// Puts the parts together: from here on rules have numbers.
  mutating func finish() {
    let hasVLANs = !bridged.isEmpty
    if hasVLANs { bridged.append(Self.unknownVLAN(node.uplinks[0].vlan)) }
    let start = bridged.count + egress.count
    let next: RuleAction = ingress.isEmpty ? .route : .skip(to: start)
    for place in egress.indices where egress[place].actions.last == .route { egress[place].actions.removeLast(1) }
    for place in egress.indices where !egress[place].isTerminal { egress[place].actions.append(next) }
    configuration.rules = RuleSet(bridged + egress + ingress, default: .route)
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
  private mutating func addRouted(_ tenant: Tenant, _ policy: TenantPolicy) {
    let addresses = tenant.ipAddresses
    // Where accepted packets go on is known at the end.
    egress += rules(tenant, .egress, policy.egress, then: [.route], isAlways: false) { match in
      guard let source = Self.restrict(addresses, match.source) else { return false }
      match.source = source
      return true
    }
    ingress += rules(tenant, .ingress, policy.ingress, then: [.route], isAlways: false) { match in
      guard let destination = Self.restrict(addresses, match.destination) else { return false }
      match.destination = destination
      return true
    }
  }

  /// Those of a tenant's addresses that a rule's own condition leaves; nil: none.
  private static func restrict(
    _ addresses: [IPAddress], _ condition: Condition<RulePrefix>?
  ) -> Condition<RulePrefix>? {
    let left = addresses.filter { address in
      guard let condition else { return true }
      return condition.values.contains { $0.contains(address) } != condition.isNegated
    }
    return left.isEmpty ? nil : Condition(left.map(RulePrefix.init))
  }
}

// MARK: Tenants of a VLAN

extension NodePolicyBuilder {
  private mutating func addBridged(_ tenant: Tenant, _ port: Int, _ vlan: Int, _ policy: TenantPolicy) {
    let out: [RuleAction] = [.setVLAN(.tag(id: vlan)), .forward(port: 0)]
    bridged += rules(tenant, .egress, policy.egress, then: out, isAlways: true) { match in
      match.ingressPort = [UInt8(port)]
      return true
    }
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
    bridged += rules(tenant, .ingress, policy.ingress, then: into, isAlways: true) { match in
      isIn(&match)
      return true
    }
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
}

// MARK: Rules of a direction

extension NodePolicyBuilder {
  /// The rules of a tenant's direction.
  ///
  /// - Parameters:
  ///   - end: what becomes of packets that are accepted, behind the limits.
  ///   - isAlways: there is no other place where accepted packets are sent on.
  ///   - bind: ties a match to the tenant; false: no packet of its can match.
  private mutating func rules(
    _ tenant: Tenant, _ direction: NodePolicy.Role.Direction, _ policy: TenantPolicy.Direction, then end: [RuleAction],
    isAlways: Bool, _ bind: (inout RuleMatch) -> Bool
  ) -> [Rule] {
    guard isAlways || !policy.isOpen else { return [] }
    let reason = "acl_\(tenant.policy)"
    let accept = limits(tenant, direction, policy) + end
    var rules: [Rule] = []
    func add(_ name: String, isOwn: Bool = false, _ match: RuleMatch, _ accepts: Bool) {
      var match = match
      guard bind(&match) else { return }
      let name = self.name(tenant, direction, name, isOwn: isOwn, reason: accepts ? nil : reason)
      rules.append(Rule(name, match, accepts ? accept : [.drop(reason)]))
    }
    for rule in policy.rules { add(rule.name, rule.match, rule.accepts) }
    // What falls through is sent on by the last resort, but would meet no limit there.
    if isAlways || !policy.accepts || accept.count > end.count {
      add("default", isOwn: true, RuleMatch(), policy.accepts)
    }
    return rules
  }

  private mutating func limits(
    _ tenant: Tenant, _ direction: NodePolicy.Role.Direction, _ policy: TenantPolicy.Direction
  ) -> [RuleAction] {
    [policy.packets, policy.bits].compactMap { $0 }.map { limit in
      let name = name(tenant, direction, "\(limit.unit)", isOwn: true, reason: "rate_limit")
      configuration.limiters.append(RateLimiter(name, limit))
      return .rateLimit(limiter: configuration.limiters.count - 1, excess: "rate_limit")
    }
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

extension RulePrefix {
  init(_ address: IPAddress) {
    switch address {
    case .ipv4(let number): self = .ipv4(number, length: 32)
    case .ipv6(let number): self = .ipv6(number, length: 128)
    }
  }

  func contains(_ address: IPAddress) -> Bool {
    switch (self, address) {
    case (.ipv4(let prefix, let length), .ipv4(let number)):
      IPv4Prefix(masking: prefix, length: length).contains(number)
    case (.ipv6(let prefix, let length), .ipv6(let number)):
      IPv6Prefix(masking: prefix, length: length).contains(number)
    default: false
    }
  }
}
