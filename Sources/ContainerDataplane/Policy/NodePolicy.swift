public import Forwarder
public import XSKEngine

/// A node's configuration and its tenants as the forwarder takes them.
public struct NodePolicy: Sendable {
  /// Which tenant a rule or limiter is of, and what for.
  public struct Role: Hashable, Sendable {
    public enum Direction: String, Hashable, Sendable, Codable {
      /// To the tenant, and from it.
      case ingress, egress
    }

    public var tenant: Tenant.ID
    public var direction: Direction
    /// The rule's name in the policy; `default`; `packets` or `bits` of a limiter.
    public var name: String
    /// What is dropped under: by the rule, or by what is more than the limit.
    public var reason: String?
  }

  public let configuration: ForwarderConfiguration
  /// By the names of rules and limiters.
  public let roles: [String: Role]
  /// Tenants by the numbers of their ports.
  public let tenants: [Int: Tenant]

  /// - Parameters:
  ///   - tenants: right ones (`NodeState.problems`). Those without a port are left out.
  ///   - uplinks: of the uplinks, in their order; nil where nobody has looked.
  /// - Throws: a policy that is not there, a VLAN without an uplink, a port that is not there, more rules or drop reasons than
  ///   there can be.
  public init(_ node: NodeConfiguration, tenants: [Tenant], uplinks: [PortFacts]? = nil) throws(XSKError) {
    var builder = NodePolicyBuilder(node)
    for tenant in tenants.sorted(by: { ($0.port ?? .max, $0.id) < ($1.port ?? .max, $1.id) }) where tenant.port != nil {
      try builder.add(tenant)
    }
    builder.finish(firstUplinkMAC: uplinks?.first?.mac)
    _ = try builder.configuration.dropReasons
    (configuration, roles, self.tenants) = (builder.configuration, builder.roles, builder.tenants)
  }

  /// Those tenants that a configuration has place for, each beside those ahead of it.
  static func fitting(_ tenants: [Tenant], _ node: NodeConfiguration) -> [Tenant] {
    var builder = NodePolicyBuilder(node)
    return tenants.filter { tenant in
      do throws(XSKError) {
        if tenant.port != nil { try builder.add(tenant) }
        return true
      } catch { return false }
    }
  }

  /// Whether the first uplink has VLANs of tenants. It takes packets to all MAC addresses, and of all VLANs, then: network cards
  /// keep those that they were not told of to themselves.
  public var hasBridgedTenants: Bool { tenants.values.contains { $0.vlan != nil } }

  /// What routing must know of each port.
  ///
  /// - Parameter uplinks: of the uplinks, in their order.
  public func facts(uplinks: [PortFacts]) -> [PortFacts] {
    configuration.ports.indices.map { port in
      if port < uplinks.count { return uplinks[port] }
      guard let tenant = tenants[port] else { return PortFacts(mac: 0, mtu: 1500) }
      return PortFacts(mac: tenant.hostMACNumber ?? 0, mtu: tenant.mtu)
    }
  }

  /// Routes and next hops; ICMP answers to tenants come from the gateway that they know.
  ///
  /// - Throws: a gateway that is no neighbour, or too much memory.
  public func makeRoutes(uplinks: [PortFacts]) throws(XSKError) -> Routes {
    var plan = try configuration.routePlan(facts(uplinks: uplinks))
    adapt(&plan)
    return try Routes(ipv4: plan.ipv4, ipv6: plan.ipv6, hops: plan.hops, routers: plan.routers)
  }

  /// Has answers to tenants come from the gateway.
  public func adapt(_ plan: inout RoutePlan) {
    for port in tenants.keys where port < plan.routers.count {
      plan.routers[port].ipv4 = Self.gateway4
      plan.routers[port].ipv6 = Self.gateway6
    }
  }

  /// 169.254.1.1 and fe80::1: what tenants send everything to.
  public static var gateway4: UInt32 { 0xA9FE_0101 }
  public static var gateway6: UInt128 { 0xFE80 << 112 | 1 }
}
