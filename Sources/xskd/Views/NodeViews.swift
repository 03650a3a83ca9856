import ContainerDataplane
import FoundationEssentials
import TenantAPI
import XSKEngine

/// Columns as wide as what is in them.
struct TextTable {
  private var rows: [[String]]

  init(_ head: [String]) { rows = [head] }

  mutating func add(_ row: [String]) { rows.append(row) }

  /// A container's id is long; its beginning and the interface tell enough.
  static func shortened(_ id: String) -> String { id.count > 20 ? "\(id.prefix(12))…\(id.suffix(6))" : id }

  var text: String {
    let columns = rows[0].count
    let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      zip(row, widths).enumerated().map { index, cell in
        index == columns - 1 ? cell.0 : cell.0 + String(repeating: " ", count: cell.1 - cell.0.count)
      }.joined(separator: "  ")
    }.joined(separator: "\n")
  }
}

extension PhysicalQueues {
  /// `eth2 queue 2,3`
  fileprivate var text: String { "\(device) queue \(queues.map { "\($0)" }.joined(separator: ","))" }
}

/// `xskd show tenants`.
struct TenantsView: Decodable {
  struct Entry: Decodable {
    let id: String
    let name: String
    let device: String
    let hostDevice: String
    let mac: String
    let addresses: [String]
    let vlan: Int?
    let policy: String
    let physicalQueues: PhysicalQueues?
    let socketPath: String
    let handover: TenantEndpoint.Counts?
    let sockets: Int?
    let problems: [String]?

    /// Whether its processes have what they need.
    var socketText: String { (sockets.map { "\($0)" } ?? "unknown") + (handover == nil ? ", no more are served" : "") }
  }

  let tenants: [Entry]

  var text: String {
    guard !tenants.isEmpty else { return "no tenants" }
    var table = TextTable(["TENANT", "NAME", "INSIDE", "HERE", "MAC", "ADDRESSES", "POLICY", "SOCKETS NOW"])
    for tenant in tenants {
      let addresses = tenant.addresses + (tenant.vlan.map { ["VLAN \($0)"] } ?? [])
      table.add([
        TextTable.shortened(tenant.id), tenant.name, tenant.device,
        tenant.physicalQueues?.text ?? tenant.hostDevice, tenant.mac,
        addresses.isEmpty ? "-" : addresses.joined(separator: " "), tenant.policy.isEmpty ? "-" : tenant.policy,
        tenant.socketText,
      ])
    }
    let problems = tenants.flatMap { tenant in
      (tenant.problems ?? []).map { "\(TextTable.shortened(tenant.id)): \($0)" }
    }
    return ([table.text] + problems).joined(separator: "\n")
  }
}

/// `xskd show status`.
extension NodeReport {
  var text: String {
    let process = dataplane.pid.map { ", process \($0)" } ?? ""
    let lines =
      [
        "xskd \(version), process \(pid), up \(Int(uptimeSeconds)) s",
        "tenants: \(slots.used) of \(slots.capacity) slots",
        "since the daemon's start: \(attachments.attached) attached, \(attachments.refused) refused, \(attachments.detached) detached, "
          + "\(attachments.lost) lost with their namespaces",
        "dataplane: \(dataplane.state.rawValue)\(process), started again \(dataplane.restarts) times since the daemon's start"
          + (dataplane.problem.map { "; last problem: \($0)" } ?? ""),
        "uplinks: \(uplinks.isEmpty ? "none" : uplinks.joined(separator: ", "))",
        "policies: \(policies.joined(separator: ", "))",
      ] + tiers.map { "tier \($0.text)" }
    return (lines + messages.suffix(10).map { "  \($0)" }).joined(separator: "\n")
  }
}

/// `xskd show counters`.
struct CountersView: Decodable {
  let tenants: [FollowedTenant]
  let uncounted: [CounterReport.Uncounted]

  var text: String {
    ((uncounted.isEmpty || !tenants.isEmpty ? [counted] : []) + uncounted.map(Self.text)).joined(separator: "\n")
  }

  private static func text(_ tenant: CounterReport.Uncounted) -> String {
    "\(TextTable.shortened(tenant.tenant))  \(tenant.name)  \(tenant.physicalQueues.text): not counted here; see its own "
      + "counters (XDP_STATISTICS), and ethtool -S \(tenant.physicalQueues.device)"
  }

  private var counted: String {
    guard !tenants.isEmpty else { return "no tenants" }
    var table = TextTable(["TENANT", "NAME", "", "PACKETS", "BYTES", "MATCHED", "DROPPED"])
    for tenant in tenants {
      let traffic = tenant.traffic
      for (direction, counts) in [("in", traffic.ingress), ("out", traffic.egress)] {
        table.add([
          TextTable.shortened(traffic.tenant), traffic.name, direction, "\(counts.packets)", "\(counts.bytes)",
          Self.text(counts.rules.mapValues(\.packets)), Self.text(counts.dropped),
        ])
      }
    }
    return table.text
  }

  /// The most first; none that is 0.
  private static func text(_ counts: [String: UInt64]) -> String {
    let sorted = counts.filter { $0.value > 0 }.sorted { $0.value == $1.value ? $0.key < $1.key : $0.value > $1.value }
    return sorted.isEmpty ? "-" : sorted.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
  }
}

/// `xskd show policy`.
struct PoliciesView: Decodable {
  let policies: [PolicyReport.Policy]

  var text: String {
    var table = TextTable(["POLICY", "", "RULES", "ELSE", "LIMITS", "TENANTS"])
    for policy in policies {
      for (name, direction) in [("in", policy.ingress), ("out", policy.egress)] {
        table.add([
          policy.name, name, direction.map { $0.rules.isEmpty ? "-" : $0.rules.joined(separator: " ") } ?? "?",
          direction?.otherwise ?? "?",
          direction.map { $0.limits.isEmpty ? "-" : $0.limits.joined(separator: ", ") } ?? "?",
          "\(policy.tenants.count)",
        ])
      }
    }
    return table.text
  }
}
