public import TenantAPI
import XSKEngine

/// A tenant and where its socket is: what `PUT /v1/tenants/ID` answers, and an element of `GET /v1/tenants`.
struct AttachmentReport: Encodable {
  let tenant: Tenant
  let socketPath: String
  /// What its processes have asked for since xskd was started; nil: its sockets are not served.
  let handover: TenantEndpoint.Counts?
  /// AF_XDP sockets that are bound to its queues now; nil: the kernel doesn't tell, or wasn't asked.
  var sockets: Int?
  /// Of one with physical queues: what keeps them from it; nil: nothing.
  var problems: [String]?
  /// How long the attachment took; only of one that was just made.
  var attachMilliseconds: Double?

  private enum CodingKeys: String, CodingKey { case tier, socketPath, handover, sockets, problems, attachMilliseconds }

  func encode(to encoder: any Encoder) throws {
    try tenant.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(tenant.tier, forKey: .tier)
    try container.encode(socketPath, forKey: .socketPath)
    try container.encodeIfPresent(handover, forKey: .handover)
    try container.encodeIfPresent(sockets, forKey: .sockets)
    try container.encodeIfPresent(problems, forKey: .problems)
    try container.encodeIfPresent(attachMilliseconds, forKey: .attachMilliseconds)
  }
}

struct AttachmentReports: Encodable {
  let generation: UInt64
  let tenants: [AttachmentReport]
}

/// What `GET /v1/counters` answers.
public struct CounterReport: Codable, Sendable {
  /// A tenant whose packets nobody here sees: the kernel counts them on its sockets (XDP_STATISTICS), which are its own.
  public struct Uncounted: Codable, Hashable, Sendable {
    public var tenant: Tenant.ID
    public var name: String
    public var physicalQueues: PhysicalQueues
  }

  public var tenants: [FollowedTenant]
  public var uncounted: [Uncounted]
}

/// What `GET /v1/status` answers.
public struct NodeReport: Codable, Sendable {
  /// Since the daemon was started.
  public struct Attachments: Codable, Sendable {
    public let attached: UInt64
    public let refused: UInt64
    public let detached: UInt64
    public let lost: UInt64
  }

  public let pid: Int32
  public let version: String
  public let uptimeSeconds: Double
  public let generation: UInt64
  public let slots: NodeAvailability.Slots
  public let queues: [QueuePoolStatus]
  public let attachments: Attachments
  public let dataplane: DataplaneWatch.Status
  public let uplinks: [String]
  public let policies: [String]
  /// As they were at the start, or when the configuration was read last.
  public let tiers: [TierReport]
  /// The newest lines of the log, each behind its time.
  public let messages: [String]
}

extension Node {
  /// What ways of having an interface there are here. Looked for once, but for queues, which come and go.
  func tierReports() -> [TierReport] {
    let reports = tiers.withLock { tiers in
      let reports = tiers ?? TierProbe(pools: []).reports()
      tiers = reports
      return reports
    }
    let order = Result { () throws(XSKError) in try HandoverOrder.ofThisKernel() }
    return reports.map { $0.tier == .physicalQueue ? TierReport(queueReports(), order) : $0 }
  }

  /// Tenants whose packets are counted by nobody here.
  func uncounted() -> [CounterReport.Uncounted] {
    state.tenants.compactMap { tenant in
      tenant.physicalQueues.map { .init(tenant: tenant.id, name: tenant.name, physicalQueues: $0) }
    }
  }

  func reports() -> AttachmentReports {
    let (generation, reports) = book.withLock { book in
      (book.state.generation, book.state.tenants.map { report($0, book) })
    }
    let sockets = boundSockets(of: reports.map(\.tenant))
    return AttachmentReports(
      generation: generation,
      tenants: reports.map { report in
        var report = report
        report.sockets = sockets[report.tenant.id]
        return report
      })
  }

  /// - Parameter asksKernel: whether sockets are counted.
  func report(of id: String, asksKernel: Bool) throws(NodeRefusal) -> AttachmentReport {
    var found = try book.withLock { book throws(NodeRefusal) in
      guard let tenant = book.state.tenants.first(where: { $0.id == id }) else { throw Self.unknown(id) }
      return report(tenant, book)
    }
    if asksKernel { found.sockets = boundSockets(of: [found.tenant])[id] }
    return found
  }

  private func report(_ tenant: Tenant, _ book: Book) -> AttachmentReport {
    let problems = queueProblems(tenant, book)
    return AttachmentReport(
      tenant: tenant, socketPath: places.socket(of: tenant.id), handover: book.endpoints[tenant.id]?.counts,
      problems: problems.isEmpty ? nil : problems)
  }
}
