import Forwarder
import XSKEngine

// Routes and neighbours.

extension ConfigurationReader {
  package mutating func readNeighbours(_ element: Element?) -> [ConfiguredNeighbour] {
    guard let element, let entries = entries(element, "a neighbour's address, and its mac and port below it") else {
      return []
    }
    var neighbours: [ConfiguredNeighbour] = []
    var seen: Set<IPAddress> = []
    for entry in entries {
      var address: IPAddress?
      do throws(ValueFault) { address = try PacketValue.address(entry.key) } catch {
        report(entry.keyElement, value: entry.key, error)
      }
      if let address, !seen.insert(address).inserted {
        report(entry.keyElement, value: entry.key, "this address is there already, written differently", "keep one")
      }
      guard let fields = fields(entry.element, .neighbour) else { continue }
      let mac = value(fields["mac"], "a MAC address", PacketValue.neighbourMAC)
      let port = reference(fields["port"], to: portNames, "port")
      // Kept if only its address is right: gateways are looked for among them.
      if let address { neighbours.append(ConfiguredNeighbour(address, mac: mac ?? 0, port: port ?? -1)) }
    }
    return neighbours
  }

  /// A list of routes, the word `kernel`, or a mapping that says which of the kernel's are followed, and has a list as well.
  package mutating func readRoutes(_ element: Element?, into configuration: inout ForwarderConfiguration) {
    guard let element else { return }
    if case .sequence = element.node {
      configuration.routes = readRoutes(element, configuration)
      return
    }
    guard element.isMapping else {
      let isKernel = value(element, "a list of routes, or kernel") { text throws(ValueFault) in
        guard text == "kernel" else {
          throw ValueFault("no routes", "write a list of routes, or kernel to follow the kernel's")
        }
        return true
      }
      configuration.kernelRoutes = isKernel == true ? KernelRouteSettings() : nil
      return
    }
    guard let fields = fields(element, .routes) else { return }
    let follows = choice(fields["kernel"], ["true", "false"]) == 0
    if follows { configuration.kernelRoutes = KernelRouteSettings() }
    if let table = fields["table"] { readTable(table, follows, &configuration) }
    if let list = fields["static"] { configuration.routes = readRoutes(list, configuration) }
  }

  private mutating func readTable(_ element: Element, _ follows: Bool, _ configuration: inout ForwarderConfiguration) {
    guard let table = integer(element, 1...Int(UInt32.max)) else { return }
    guard table != 255 else {
      report(
        element, value: element.text, "the kernel's own table of local addresses, which is followed always",
        "use the table that has the routes, such as 254 (main)")
      return
    }
    guard follows else {
      report(element, value: element.text, "of no use if the kernel's routes are not followed", "set kernel to true")
      return
    }
    configuration.kernelRoutes?.table = UInt32(table)
  }

  private mutating func readRoutes(_ element: Element, _ configuration: ForwarderConfiguration) -> [ConfiguredRoute] {
    var routes: [ConfiguredRoute] = []
    var owners: [ConfiguredRoute.Destination: String] = [:]
    var gateways: [(gateway: Element, address: IPAddress, hasPort: Bool)] = []
    for element in list(element, "routes, each with prefix and via, port or type") {
      guard let fields = fields(element, .route) else { continue }
      let destination = readDestination(fields)
      if let destination, let owner = owners.updateValue(element.path, forKey: destination) {
        let value = (fields["prefix"] ?? fields["set"])?.text
        report(fields["prefix"] ?? element, value: value, "\(owner) is for the same", "keep one of the two")
      }
      let target = readTarget(fields, configuration)
      let mtu = integer(fields["mtu"], 576...65_535).map { UInt16($0) }
      let vlan = value(fields["vlan"], "a VLAN id or none") { text throws(ValueFault) in
        guard text != "none" else { return UInt16(0) }
        do throws(ValueFault) { return UInt16(try NumberValue.integer(text, 1...4094)) } catch {
          throw ValueFault(error.problem, "use 1 to 4094, or none")
        }
      }
      guard let destination, let target else { continue }
      if case .gateway(let address, _) = target, let gateway = fields["via"] {
        gateways.append((gateway, address, fields["port"] != nil))
      }
      routes.append(ConfiguredRoute(destination, target, mtu: mtu, vlan: vlan))
    }
    for (gateway, address, hasPort) in gateways { check(gateway, address, hasPort, routes, configuration) }
    return routes
  }

  private mutating func readDestination(_ fields: Fields) -> ConfiguredRoute.Destination? {
    switch (fields["prefix"], fields["set"]) {
    case (let prefix?, nil): return value(prefix, "a prefix", PacketValue.prefix).map { .prefix($0) }
    case (nil, let set?):
      guard let number = reference(set, to: setNames, "set") else { return nil }
      usedSets.insert(setNames[number])
      return .set(number)
    case (nil, nil): report(fields.element, "a route without a destination", "add prefix or set")
    case (_?, let set?): report(set, value: set.text, "a route with both prefix and set", "write a route for each")
    }
    return nil
  }

  private mutating func readTarget(
    _ fields: Fields, _ configuration: ForwarderConfiguration
  ) -> ConfiguredRoute.Target? {
    if let type = fields["type"] {
      for key in ["via", "port", "mac", "mtu", "vlan"] {
        guard let element = fields[key] else { continue }
        report(element, value: element.text, "of no use to a route that has a type", "take it out, or type")
      }
      return choice(type, Words.routeTypes).map { [.blackhole, .unreachable, .prohibited][$0] }
    }
    let port = reference(fields["port"], to: portNames, "port")
    if let via = fields["via"] {
      if let mac = fields["mac"] {
        report(mac, value: mac.text, "a gateway's MAC address is a neighbour's", "write it under neighbours")
      }
      guard let address = value(via, "a gateway's address", PacketValue.address) else { return nil }
      let known = configuration.neighbours.first { $0.address == address }?.port
      if let port, let known, known >= 0, known != port, let element = fields["port"] {
        report(
          element, value: element.text, "gateway \(address) is a neighbour on port \"\(portNames[known])\"",
          "write that port, or none")
      }
      return .gateway(address, port: port ?? known ?? connectedPort(address, configuration) ?? 0)
    }
    guard fields["port"] != nil else {
      report(fields.element, "a route that leads nowhere", "add via, port, or type")
      return nil
    }
    if let mac = fields["mac"] {
      let address = value(mac, "a MAC address", PacketValue.neighbourMAC)
      return address.flatMap { address in port.map { .mac(address, port: $0) } }
    }
    return port.map { .connected(port: $0) }
  }

  /// The port that has an address in the gateway's network.
  private func connectedPort(_ address: IPAddress, _ configuration: ForwarderConfiguration) -> Int? {
    configuration.ports.firstIndex { $0.addresses.contains { $0.network.contains(address) } }
  }

  /// A gateway must be on a network that a port is connected to, and its MAC address known; with the kernel's routes the kernel
  /// knows both, but for the port.
  private mutating func check(
    _ gateway: Element, _ address: IPAddress, _ hasPort: Bool, _ routes: [ConfiguredRoute],
    _ configuration: ForwarderConfiguration
  ) {
    let isNeighbour = configuration.neighbours.contains { $0.address == address }
    var isConnected = connectedPort(address, configuration) != nil
    if configuration.kernelRoutes != nil {
      guard !isNeighbour, !hasPort, !isConnected else { return }
      return report(
        gateway, value: gateway.text, "the gateway's port is not known",
        "add port to the route, or the gateway to neighbours")
    }
    for case .prefix(let prefix) in routes.filter({ $0.target.isConnected }).map(\.destination) {
      isConnected = isConnected || prefix.contains(address)
    }
    if !isConnected && !address.isLinkLocal {
      report(
        gateway, value: gateway.text, "no port is connected to the gateway's network",
        "give a port an address in it, or add a route to it with a port and no via")
    } else if !isNeighbour {
      report(gateway, value: gateway.text, "the gateway's MAC address is not known", "add it to neighbours")
    }
  }
}

extension ConfiguredRoute.Target {
  fileprivate var isConnected: Bool {
    if case .connected = self { return true }
    return false
  }
}
