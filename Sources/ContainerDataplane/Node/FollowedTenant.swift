public import Forwarder

/// A tenant as the dataplane answers about it: what the daemon and its clients need of that.
public struct FollowedTenant: Codable, Hashable, Sendable {
  public struct Direction: Codable, Hashable, Sendable {
    public var packets: UInt64
    public var bytes: UInt64
    /// Packets by reason.
    public var dropped: [String: UInt64]
    /// What each rule of its policy matched, by the rule's name; `default`: what none did.
    public var rules: [String: RuleCount]
  }

  public struct Traffic: Codable, Hashable, Sendable {
    public var tenant: Tenant.ID
    public var name: String
    public var policy: String
    /// To the tenant, and from it.
    public var ingress, egress: Direction
  }

  public var traffic: Traffic
  /// `open`: its packets are taken.
  public var state: String
  /// `up`, `down`, or `gone`.
  public var link: String
}
