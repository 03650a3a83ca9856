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
  func plug() {
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
    switch status.occupancy {
    case .open: state = .open
    case .closing: state = .closing
    case .opening(let problem): (state, obstacle) = (.opening, problem?.description)
    case .empty, .fixed: state = .opening
    }
  }
}
