public import XSKEngine

/// All tenants of a node: what is on disk, and what the dataplane follows.
public struct NodeState: Codable, Hashable, Sendable {
  /// The form of the file.
  public static var currentVersion: Int { 1 }

  public var version: Int
  /// Grows with each change.
  public var generation: UInt64
  public var tenants: [Tenant]

  public init(generation: UInt64 = 0, tenants: [Tenant] = []) {
    (version, self.generation, self.tenants) = (Self.currentVersion, generation, tenants)
  }

  /// Everything that is wrong with it: each tenant by itself, and what two of them can't both have.
  public func problems() -> [XSKError] {
    guard version == Self.currentVersion else {
      return [
        XSKError(
          "version \(version)", "not a form that this program knows",
          remedy: "use the program that wrote it; this one reads version \(Self.currentVersion)")
      ]
    }
    var problems = tenants.flatMap { $0.problems() }
    var owners: [String: String] = [:]
    for tenant in tenants {
      for claim in tenant.claims {
        if let owner = owners.updateValue(tenant.id, forKey: claim) {
          problems.append(
            XSKError(
              "tenant \(ProblemList.shorten(tenant.id)): \(ProblemList.shorten(claim))",
              "tenant \(ProblemList.shorten(owner)) has it already", remedy: "give each its own"))
        }
      }
    }
    return problems
  }

  /// Throws the first thing that is wrong with it.
  public func check() throws(XSKError) {
    if let problem = problems().first { throw problem }
  }
}

extension Tenant {
  /// What it must have alone.
  fileprivate var claims: [String] {
    var claims = ["id \(id)", "device \(device) in \(namespace)"]
    // A physical device is several tenants', but each of its queues is one's.
    claims +=
      physicalQueues.map { physical in physical.queues.map { "queue \($0) of \(physical.device)" } }
      ?? ["hostDevice \(hostDevice)"]
    if let port { claims.append("port \(port)") }
    if let vlan { claims.append("VLAN \(vlan)") }
    // Networks behind two physical devices may have the same addresses, and nobody here sees to who has them.
    let place = physicalQueues.map { " behind \($0.device)" } ?? ""
    // As numbers, so that two ways to write an address are one.
    return claims + ipAddresses.map { "address \($0)\(place)" }
  }
}
