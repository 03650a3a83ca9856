import ContainerDataplane
import Forwarder
import PacketHeaders
import XSKEngine

/// What a node with 64 tenants does about packets from one to another.
enum TenantTrafficKind: String, CaseIterable {
  /// Routes, and nothing else: what the others are compared with.
  case none = "tenants-none"
  /// The default policy: MAC and IP addresses are the tenant's own.
  case guarded = "tenants"
  /// An ACL of each tenant in both directions as well.
  case filtered = "tenants-acl"
  /// That, and limits of packets and bits in both directions.
  case limited = "tenants-limits"

  static let count = 64

  /// A tenant's sixteen addresses.
  static func addresses(of number: Int) -> [UInt32] { (0..<16).map { 0x0A01_0000 | UInt32(number) << 8 | $0 + 1 } }

  func policy() throws(XSKError) -> Policy {
    var node = NodeConfiguration()
    node.capacity = Self.count
    node.policies["default"] = try policies()
    let policy = try NodePolicy(node, tenants: (0..<Self.count).map(Self.tenant))
    var configuration = policy.configuration
    if self == .none {
      configuration.sources = nil
      configuration.rules = RuleSet(default: .route)
      configuration.access = [:]
      configuration.limiters = []
    }
    return try Policy(configuration, facts: [], routes: try policy.makeRoutes(uplinks: []))
  }

  /// The packets of the traffic are UDP to a port that the ACL's last rule lets in.
  private func policies() throws(XSKError) -> TenantPolicy {
    guard self == .filtered || self == .limited else { return TenantPolicy() }
    func rule(_ name: String, _ ports: ClosedRange<UInt16>, tcp: Bool, accepts: Bool) -> TenantPolicy.Rule {
      TenantPolicy.Rule(
        name,
        RuleMatch {
          $0.ipProtocol = [tcp ? .tcp : .udp]
          $0.destinationPort = [ports]
        }, accepts: accepts)
    }
    var ingress = TenantPolicy.Direction(
      rules: [
        rule("http", 80...80, tcp: true, accepts: true), rule("https", 443...443, tcp: true, accepts: true),
        rule("udp", 1...65_535, tcp: false, accepts: true),
      ], accepts: false)
    var egress = TenantPolicy.Direction(rules: [
      rule("smtp", 25...25, tcp: true, accepts: false), rule("smb", 445...445, tcp: true, accepts: false),
    ])
    if self == .limited {
      (ingress.packets, egress.packets) = (try Self.packets(), try Self.packets())
      (ingress.bits, egress.bits) = (try Self.bits(), try Self.bits())
    }
    return TenantPolicy(ingress: ingress, egress: egress)
  }

  /// So much that nothing is over the limit.
  private static func packets() throws(XSKError) -> RateLimit { try RateLimit(.packets, perSecond: 1_000_000_000) }
  private static func bits() throws(XSKError) -> RateLimit { try RateLimit(.bits, perSecond: 400_000_000_000) }

  private static func tenant(_ number: Int) -> Tenant {
    Tenant(
      id: "bench\(number)-eth0", name: "bench\(number)", namespace: "/run/netns/bench\(number)", device: "eth0",
      mac: TenantAddress.macText(0x0200_0000_0001 + UInt64(number)),
      hostMAC: TenantAddress.macText(0x0200_0000_0101 + UInt64(number)),
      addresses: addresses(of: number).map { "\($0.addressText)/32" }, port: number, createdAt: "now")
  }
}
