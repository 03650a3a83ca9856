/// The policies that there are, and who has them: what `GET /v1/policies` answers.
public struct PolicyReport: Codable, Hashable, Sendable {
  public struct Policy: Codable, Hashable, Sendable {
    public var name: String
    /// Of tenants that have it.
    public var tenants: [Tenant.ID]
    /// To a tenant, and from it.
    public var ingress, egress: Direction?
  }

  public struct Direction: Codable, Hashable, Sendable {
    /// Names, in order; the first one that matches decides.
    public var rules: [String]
    /// `accept` or `drop`: what becomes of packets that none decides about.
    public var otherwise: String
    /// As in `1000000 packets/s`.
    public var limits: [String]

    public init(rules: [String], otherwise: String, limits: [String]) {
      (self.rules, self.otherwise, self.limits) = (rules, otherwise, limits)
    }
  }

  public var policies: [Policy]
}

extension Node {
  func policies() -> PolicyReport {
    book.withLock { book in
      PolicyReport(
        policies: book.settings.policies.sorted().map { name in
          let directions = book.settings.directions[name]
          return PolicyReport.Policy(
            name: name, tenants: book.state.tenants.filter { $0.policy == name }.map(\.id),
            ingress: directions?.ingress,
            egress: directions?.egress)
        })
    }
  }
}
