import Glibc
import Rtnetlink
import Synchronization
import TenantAPI
import XSKEngine

/// A node's tenants: attaches, detaches, remembers them on disk, and puts right what a killed predecessor left.
///
/// Everything is done one at a time. An attachment is made in this order, and ended in the opposite one, so that whatever a kill
/// leaves is found at the next start: devices, program and map, socket, state, dataplane. What is in the state and has a device
/// is a tenant; what is not in the state is a leftover.
public final class Node: Sendable {
  struct Book {
    var settings: NodeSettings
    var state: NodeState
    /// By the tenant's id. One whose namespace can't be entered any more has none.
    var endpoints: [String: TenantEndpoint] = [:]
    /// By the device's name: those of the configuration.
    var queueDevices: [String: QueueDevice] = [:]
    /// Which namespace each tenant's path leads to: if it leads elsewhere one day the container is gone.
    var namespaces: [String: TenantNamespace.Identity] = [:]
    var statistics = NodeStatistics()
  }

  public let places: NodePlaces
  let file: StateFile
  /// Tells the dataplane that the state has changed.
  let notify: @Sendable () -> Void
  /// Waits until the dataplane takes a tenant's packets, or until a time.
  let settle: @Sendable (Tenant.ID, UInt64, Double) -> Void
  let log: @Sendable (String) -> Void
  let book: Mutex<Book>
  /// What was found; nil: to be looked for.
  let tiers = Mutex<[TierReport]?>(nil)

  /// Reads the state; touches nothing. `reconcile` is what has to follow.
  ///
  /// - Parameters:
  ///   - notify: called when the state on disk has changed; should not wait.
  ///   - settle: called with a new tenant's id and the state's generation, after `notify`; may wait until its packets are
  ///     taken, or until the time given (CLOCK_MONOTONIC seconds).
  ///   - log: takes a line for the operator, on any thread.
  /// - Throws: a state file that is damaged.
  public init(
    places: NodePlaces, settings: NodeSettings, notify: @escaping @Sendable () -> Void = {},
    settle: @escaping @Sendable (Tenant.ID, UInt64, Double) -> Void = { _, _, _ in },
    log: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(XSKError) {
    self.places = places
    self.notify = notify
    self.settle = settle
    self.log = log
    file = StateFile(path: places.stateFile)
    book = Mutex(Book(settings: settings, state: try file.read() ?? NodeState()))
  }

  /// All tenants, and the generation.
  public var state: NodeState { book.withLock { $0.state } }

  public func tenant(_ id: String) throws(NodeRefusal) -> Tenant {
    guard let tenant = state.tenants.first(where: { $0.id == id }) else { throw Self.unknown(id) }
    return tenant
  }

  /// Takes over a new configuration; tenants that are there stay.
  ///
  /// - Throws: a configuration that they don't fit; then nothing has changed.
  public func apply(_ settings: NodeSettings) throws(XSKError) {
    try book.withLock { book throws(XSKError) in
      try Self.check(settings, book.state)
      let uplinks = UplinkNeighbours(uplinks: settings.uplinks.filter { !book.settings.uplinks.contains($0) })
      for tenant in book.state.tenants { report(uplinks.add(tenant)) }
      book.settings = settings
      openQueueDevices(&book)
    }
    tiers.withLock { $0 = nil }
  }

  /// - Throws: why the tenants that are there don't fit a configuration.
  func check(_ settings: NodeSettings) throws(XSKError) { try Self.check(settings, state) }

  static func check(_ settings: NodeSettings, _ state: NodeState) throws(XSKError) {
    try checkQueues(settings, state)
    for tenant in state.tenants where tenant.tier == .veth && !settings.policies.contains(tenant.policy) {
      throw XSKError(
        "policy \(tenant.policy)", "taken out, but tenant \(tenant.id) has it",
        remedy: "keep it, or detach the tenant")
    }
    try settings.accept(state)
  }

  /// What is not as it was made; empty if all is well.
  public func problems(of id: String) throws(NodeRefusal) -> [String] {
    try book.withLock { book throws(NodeRefusal) in
      guard let tenant = book.state.tenants.first(where: { $0.id == id }) else { throw Self.unknown(id) }
      do throws(XSKError) {
        var problems = tenant.tier == .veth ? try link(of: tenant).problems() : queueProblems(tenant, book)
        if book.endpoints[id] == nil { problems.append("its sockets are not served") }
        return problems
      } catch {
        return ["\(error)"]
      }
    }
  }

  /// Ends the service of all sockets; tenants and their traffic stay.
  public func stop() {
    let endpoints = book.withLock { book in
      defer { book.endpoints = [:] }
      return Array(book.endpoints.values)
    }
    for endpoint in endpoints { endpoint.stop() }
  }

  func link(of tenant: Tenant) -> TenantLink { TenantLink(tenant: tenant, group: places.deviceGroup) }

  func report(_ problems: [XSKError]) { for problem in problems { log("\(problem)") } }

  static func unknown(_ id: String) -> NodeRefusal {
    NodeRefusal(.unknown, XSKError("tenant \(id)", "there is none", remedy: "see: xskd show tenants"))
  }

  /// Writes the state with a change, and only then takes it over.
  func change(_ book: inout Book, _ body: (inout NodeState) -> Void) throws(XSKError) {
    var next = book.state
    body(&next)
    next.generation += 1
    try file.write(next)
    book.state = next
  }
}

/// What a node has done since it was started.
struct NodeStatistics: Sendable {
  var attached: UInt64 = 0
  var refused: UInt64 = 0
  var detached: UInt64 = 0
  /// Tenants whose namespaces went without a word.
  var lost: UInt64 = 0
  /// How many attachments took up to so many seconds; the last: longer.
  static let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]
  var durations = [UInt64](repeating: 0, count: bounds.count + 1)
  var seconds = 0.0

  mutating func addAttachment(_ duration: Double) {
    attached += 1
    seconds += duration
    durations[Self.bounds.firstIndex { duration <= $0 } ?? Self.bounds.count] += 1
  }
}
