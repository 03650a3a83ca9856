public import Forwarder
import XSKEngine

/// What a tenant has sent and was sent, and what of it was dropped, since it was plugged in.
public struct TenantTraffic: Codable, Hashable, Sendable {
  public struct Direction: Codable, Hashable, Sendable {
    /// Egress: received from the tenant. Ingress: transmitted to it.
    public var packets: UInt64 = 0
    public var bytes: UInt64 = 0
    /// Packets by reason. Ingress: what the tenant's own policy dropped.
    public var dropped: [String: UInt64] = [:]
    /// What each rule of the policy matched, by its name there; `default`: what none did.
    public var rules: [String: RuleCount] = [:]
  }

  public var tenant: Tenant.ID
  public var name: String
  /// The engine's port.
  public var port: Int
  public var device: String
  public var policy: String
  public var ingress = Direction()
  public var egress = Direction()
}

/// A port's counters at some time, over all workers.
struct PortTotals: Hashable, Sendable {
  var received = RuleCount()
  var transmitted = RuleCount()
  var dropped: [String: UInt64] = [:]

  /// - Parameter port: its number.
  init(_ snapshot: CounterSnapshot, port: Int) {
    for (place, slot) in zip(snapshot.description.slots, snapshot.slots) where place.port == port {
      received.packets &+= slot[.receivedPackets]
      received.bytes &+= slot[.receivedBytes]
      transmitted.packets &+= slot[.transmittedPackets]
      transmitted.bytes &+= slot[.transmittedBytes]
      for (reason, count) in slot.drops where count > 0 { dropped[reason, default: 0] &+= count }
    }
  }
}

extension NodePolicy {
  /// What each tenant's traffic was.
  ///
  /// - Parameters:
  ///   - counts: of the rules, whose names are this policy's.
  ///   - before: each port's totals when its tenant was plugged in.
  func traffic(_ snapshot: CounterSnapshot, _ counts: PipelineCounts, since before: [Int: PortTotals])
    -> [TenantTraffic]
  {
    var traffic: [Tenant.ID: TenantTraffic] = [:]
    for (port, tenant) in tenants {
      var one = TenantTraffic(
        tenant: tenant.id, name: tenant.name, port: port, device: tenant.hostDevice, policy: tenant.policy)
      let now = PortTotals(snapshot, port: port)
      let then = before[port]
      one.egress.packets = now.received.packets &- (then?.received.packets ?? 0)
      one.egress.bytes = now.received.bytes &- (then?.received.bytes ?? 0)
      one.ingress.packets = now.transmitted.packets &- (then?.transmitted.packets ?? 0)
      one.ingress.bytes = now.transmitted.bytes &- (then?.transmitted.bytes ?? 0)
      for (reason, count) in now.dropped {
        let count = count &- (then?.dropped[reason] ?? 0)
        if count > 0 { one.egress.dropped[reason] = count }
      }
      traffic[tenant.id] = one
    }
    for rule in counts.rules {
      guard let role = roles[rule.name] else { continue }
      let count = RuleCount(packets: rule.packets, bytes: rule.bytes)
      guard role.direction == .ingress else {
        traffic[role.tenant]?.egress.rules[role.name] = count
        continue
      }
      traffic[role.tenant]?.ingress.rules[role.name] = count
      if let reason = role.reason, count.packets > 0 {
        traffic[role.tenant]?.ingress.dropped[reason, default: 0] &+= count.packets
      }
    }
    for limiter in counts.limiters where limiter.exceeded.packets > 0 {
      guard let role = roles[limiter.name], role.direction == .ingress, let reason = role.reason else { continue }
      traffic[role.tenant]?.ingress.dropped[reason, default: 0] &+= limiter.exceeded.packets
    }
    return traffic.values.sorted { $0.port < $1.port }
  }
}
