import Forwarder
public import XSKEngine

extension NodeConfiguration {
  /// The engine's part: the uplinks, and a spare port for each tenant. Counter page's tool, version and command are the
  /// program's to fill in.
  public func engineConfiguration() throws(XSKError) -> EngineConfiguration {
    var forwarder = ForwarderConfiguration(ports: uplinks, rules: RuleSet(default: .route))
    forwarder.engine = engine
    var configuration = try forwarder.engineConfiguration()
    for place in configuration.ports.indices where uplinks[place].vlan == nil {
      // The VLANs of an uplink are tenants': the host's own are not told from those.
      configuration.ports[place].punt.onlyUntagged = true
    }
    var receive: UInt32 = 64
    while receive < framesPerTenant { receive *= 2 }
    configuration.spares = SparePorts(
      count: capacity, rings: RingSizes(receive: receive * 2, transmit: receive), fillLevel: framesPerTenant,
      punt: .host)
    configuration.workers = queuesPerTenant
    configuration.counterPage = .standard
    configuration.dropsWorkerCapabilities = true
    return configuration
  }

  /// What a running dataplane can't take from a changed configuration.
  func obstacles(to changed: NodeConfiguration) -> [XSKError] {
    var obstacles: [XSKError] = []
    func check<Value: Equatable>(_ key: String, _ value: (NodeConfiguration) -> Value) {
      guard value(self) != value(changed) else { return }
      obstacles.append(XSKError(key, "can't be changed while it runs", remedy: "put it back, or restart the dataplane"))
    }
    check("uplinks") { $0.uplinks.map { [$0.name, $0.device, "\($0.queues ?? [])", $0.vlan == nil ? "" : "vlan"] } }
    check("capacity") { [$0.capacity, $0.framesPerTenant] }
    check("engine") { $0.engine }
    check("routes.kernel") { $0.kernelRoutes != nil }
    return obstacles
  }
}
