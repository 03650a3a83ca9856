public import XSKEngine

extension ForwarderConfiguration {
  /// What a running forwarder can't take from a changed configuration: how its ports are opened, and how its workers work.
  /// Everything else is replaced as it runs.
  public func obstacles(to changed: ForwarderConfiguration) -> [XSKError] {
    var obstacles: [XSKError] = []
    func check<Value: Equatable>(_ key: String, _ value: (ForwarderConfiguration) -> Value) {
      guard value(self) != value(changed) else { return }
      obstacles.append(XSKError(key, "can't be changed while it runs", remedy: "put it back, or restart"))
    }
    check("ports") { $0.ports.map { [$0.name, $0.device] } }
    check("engine") { $0.engine }
    check("metadata") { $0.metadata }
    check("routes.kernel") { $0.kernelRoutes != nil }
    check("offload") { [$0.offload.flows, $0.offload.sources] }
    if changed.rules.offloads, !rules.offloads {
      obstacles.append(
        XSKError("offload", "was not in use at the start", remedy: "take it out of the rules, or restart"))
    }
    guard obstacles.isEmpty else { return obstacles }
    for (place, port) in ports.enumerated() {
      check("ports.\(port.name).queues") { $0.ports[place].queues }
      check("ports.\(port.name).tap") { $0.ports[place].tap }
      let new = changed.ports[place]
      guard port.tap == new.tap, punt(of: port) != changed.punt(of: new) else { continue }
      obstacles.append(puntObstacle(port, isAuto: port.punt == .auto && new.punt == .auto, changed.rules.routes))
    }
    return obstacles
  }

  /// - Parameter isAuto: nobody has touched the key: the rules gave it another meaning.
  private func puntObstacle(_ port: ForwarderPort, isAuto: Bool, _ routes: Bool) -> XSKError {
    let key = "ports.\(port.name).punt"
    guard isAuto else { return XSKError(key, "can't be changed while it runs", remedy: "put it back, or restart") }
    return XSKError(
      key, "\"auto\" means something else, now that \(routes ? "an action is" : "no action is") \"route\"",
      remedy: "restart; \"punt: host\" stays what it is, whatever the rules are")
  }
}
