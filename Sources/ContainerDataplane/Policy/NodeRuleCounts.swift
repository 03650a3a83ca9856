import Forwarder
import XSKEngine

/// How many rules the tenants of a node have, against what the forwarder takes.
struct NodeRuleCounts {
  /// Of VLAN tenants, and of the other tenants' access lists.
  private var bridged = 0
  private var listed = 0
  /// What access lists ask for, each once, and how many rules that is.
  private var asked: Set<[RuleMatch]> = []
  private var distinct = 0
  /// Lists that have been looked at: a policy's name and its direction.
  private var seen: Set<[String]> = []

  /// Of VLAN tenants beside their policies' rules: the last resort each way, and two about MAC addresses.
  private static let ownBridgedRules = 4
  /// Behind all VLAN tenants' rules.
  private static let lastBridgedRules = 3

  /// Counts in a tenant.
  ///
  /// - Throws: more rules than there can be. Nothing has changed then.
  mutating func add(_ tenant: Tenant, _ policy: TenantPolicy) throws(XSKError) {
    let subject = "tenant \(tenant.id): policy \"\(tenant.policy)\""
    if tenant.vlan != nil {
      let count = bridged + policy.ingress.rules.count + policy.egress.rules.count + Self.ownBridgedRules
      guard count + Self.lastBridgedRules <= RuleSet.maximumRules else {
        throw XSKError(
          subject, "VLAN tenants would have \(count + Self.lastBridgedRules) rules together",
          remedy: "have \(RuleSet.maximumRules) at most: shorten policies, or have fewer such tenants")
      }
      bridged = count
      return
    }
    var next = self
    for (name, direction) in [("ingress", policy.ingress), ("egress", policy.egress)] where !direction.isOpen {
      let count = direction.rules.count + (direction.listsDefault ? 1 : 0)
      next.listed += count
      guard next.seen.insert([tenant.policy, name, "\(count)"]).inserted else { continue }
      let matches = direction.rules.map(\.match) + (direction.listsDefault ? [RuleMatch()] : [])
      if next.asked.insert(matches).inserted { next.distinct += count }
    }
    guard next.listed <= ForwarderConfiguration.maximumAccessRules else {
      throw XSKError(
        subject, "tenants would have \(next.listed) rules together",
        remedy: "have \(ForwarderConfiguration.maximumAccessRules) at most: shorten policies, or have fewer tenants")
    }
    guard next.distinct <= RuleSet.maximumRules else {
      throw XSKError(
        subject, "tenants' policies would have \(next.distinct) different rules",
        remedy: "have \(RuleSet.maximumRules) at most: shorten policies, or let tenants share them")
    }
    self = next
  }
}

extension TenantPolicy.Direction {
  /// An access list names what falls through: it passes anyway, but where there are limits it is counted as well.
  var listsDefault: Bool { !accepts || packets != nil || bits != nil }
}
