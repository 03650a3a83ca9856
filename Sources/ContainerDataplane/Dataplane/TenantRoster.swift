import Forwarder
import Glibc
import Operations
import Synchronization
import XSKEngine

/// Which tenant is on which port: plugs and unplugs their devices, and knows what each has sent and got since.
final class TenantRoster: Sendable {
  private struct State: Sendable {
    /// What a port's counters were when its tenant was plugged in.
    var before: [Int: PortTotals] = [:]
    /// The tenant whose device is in a port, or is to be.
    var plugged: [Int: Tenant] = [:]
    /// Of the node's state that this is.
    var generation: UInt64 = 0
  }

  private let engine: Engine
  private let pipeline: Pipeline
  private let current: CurrentPolicy
  private let state = Mutex(State())

  init(_ engine: Engine, _ pipeline: Pipeline, _ current: CurrentPolicy) {
    (self.engine, self.pipeline, self.current) = (engine, pipeline, current)
  }

  /// Unplugs the devices of tenants that a policy doesn't have where they are, and waits a bounded time until they are out.
  func unplug(all next: NodePolicy) {
    let gone = state.withLock { state in
      state.plugged.filter { port, tenant in !tenant.isPluggedAlike(next.tenants[port]) }.map(\.key)
    }
    for port in gone { try? engine.unplug(port) }
    let end = TimestampClock.monotonicNanoseconds + Self.patience
    // Its counters stand still once it is empty.
    while TimestampClock.monotonicNanoseconds < end {
      let status = engine.portStatus
      if gone.allSatisfy({ status[$0].occupancy == .empty }) { break }
      usleep(2000)
    }
    state.withLock { state in
      for port in gone { (state.plugged[port], state.before[port]) = (nil, nil) }
    }
  }

  private static let patience: UInt64 = 3_000_000_000

  /// Plugs the devices of all tenants of the policy that are not plugged in.
  ///
  /// - Parameter generation: of the state that the policy was made of.
  func plug(generation: UInt64) {
    defer { state.withLock { $0.generation = generation } }
    let tenants = current.policy.tenants
    let new = state.withLock { state in tenants.filter { state.plugged[$0.key] == nil } }
    guard !new.isEmpty else { return }
    let snapshot = try? engine.counters.snapshot()
    for (port, tenant) in new.sorted(by: { $0.key < $1.key }) {
      state.withLock { state in
        state.before[port] = snapshot.map { PortTotals($0, port: port) }
        state.plugged[port] = tenant
      }
      // Ports and devices are each tenant's own: that is checked before.
      // Neighbours of a tenant that has a VLAN are in that VLAN: nothing of it is the host's.
      try? engine.plug(tenant.hostDevice, into: port, punts: tenant.vlan == nil)
    }
  }

  /// Adds what the control socket answers about tenants.
  func add(to router: inout HTTPRouter) {
    router.add("GET", "/v1/tenants", "tenants, their ports, and what they sent and got") { [self] _ in
      do throws(XSKError) { return .json(try report()) } catch { return .refusal(error, .internalError) }
    }
    router.add("GET", "/v1/tenants/{id}", "how far a tenant's port is, and by which generation of the state") {
      [self] request in
      guard let standing = standing(of: request.parameters["id"] ?? "") else {
        return .refusal(.notFound, "no such tenant")
      }
      return .json(standing)
    }
  }

  /// Nothing is counted for it: it is asked again and again while somebody waits.
  private func standing(of id: Tenant.ID) -> TenantStanding? {
    let (port, generation) = state.withLock { state in
      (state.plugged.first { $0.value.id == id }?.key, state.generation)
    }
    return port.map { TenantStanding(state: .init(engine.occupancy(of: $0)), generation: generation) }
  }

  func report() throws(XSKError) -> [TenantReport] {
    let before = state.withLock { $0.before }
    let traffic = current.policy.traffic(try engine.counters.snapshot(), pipeline.counts, since: before)
    let status = engine.portStatus
    return traffic.map { TenantReport($0, status[$0.port]) }
  }
}

extension Tenant {
  /// Nothing has to be done about its device.
  fileprivate func isPluggedAlike(_ other: Tenant?) -> Bool {
    guard let other else { return false }
    return id == other.id && hostDevice == other.hostDevice && (vlan == nil) == (other.vlan == nil)
  }
}

/// A tenant as the dataplane has it: what `GET /v1/tenants` of its control socket answers a list of.
public struct TenantReport: Codable, Hashable, Sendable {
  public enum State: String, Codable, Sendable {
    /// Its device's packets are taken.
    case open
    /// Its device is not there, or not ready.
    case opening
    case closing
  }

  public var traffic: TenantTraffic
  public var state: State
  /// What stands in the way.
  public var obstacle: String?
  /// `up`, `down`, or `gone`.
  public var link: String

  init(_ traffic: TenantTraffic, _ status: PortStatus) {
    self.traffic = traffic
    link = status.link
    state = State(status.occupancy)
    if case .opening(let problem) = status.occupancy { obstacle = problem?.description }
  }
}

extension TenantReport.State {
  init(_ occupancy: PortOccupancy) {
    switch occupancy {
    case .open: self = .open
    case .closing: self = .closing
    case .opening, .empty, .fixed: self = .opening
    }
  }
}

/// How far a tenant's port is: what `GET /v1/tenants/ID` of the dataplane's control socket answers.
public struct TenantStanding: Codable, Hashable, Sendable {
  public var state: TenantReport.State
  /// Of the node's state that is followed.
  public var generation: UInt64
}
