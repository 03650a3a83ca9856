import Forwarder

/// What a device is to the forwarder: a port, or a VLAN on one.
struct Place: Hashable {
  var port: Int
  /// The VLAN that packets leave in; 0: untagged.
  var vlan: UInt16
  var mac: UInt64
  var mtu: UInt16
}

extension KernelModel {
  /// Finds the ports among the devices, by name: a device that was made anew is the port again. One that was found stays the
  /// port, whatever it is called later, as long as it is there: the engine goes on with it, too.
  mutating func placeDevices() {
    places = [:]
    for (index, port) in configuration.ports.enumerated() {
      guard let link = known(port.device) ?? links.values.first(where: { $0.name == port.device }) else { continue }
      portLinks[port.device] = link
      places[link.index] = Place(
        port: index, vlan: port.vlan ?? 0, mac: link.mac, mtu: port.mtu ?? UInt16(clamping: link.mtu))
    }
    for link in links.values {
      guard let vlan = link.vlan, places[link.index] == nil, let parent = places[vlan.parent],
        links[vlan.parent]?.vlan == nil
      else { continue }
      let mtu = min(UInt16(clamping: link.mtu), parent.mtu)
      places[link.index] = Place(port: parent.port, vlan: vlan.id, mac: link.mac, mtu: mtu)
    }
  }

  /// The device that a port was found to be before.
  private func known(_ device: String) -> KernelLink? {
    guard let former = portLinks[device], let now = links[former.index] else { return nil }
    return now.name == former.name || now.mac == former.mac ? now : nil
  }

  /// The device that packets leave by from a port in a VLAN.
  func device(port: Int, vlan: UInt16) -> Int32? {
    places.first { $0.value.port == port && $0.value.vlan == vlan }?.key
  }

  /// The MAC address of a neighbour: the file's, else the kernel's.
  func mac(_ address: IPAddress, on device: Int32, _ place: Place) -> UInt64? {
    configuredMACs[PortNeighbour(port: place.port, address: address)]
      ?? neighbours[NeighbourKey(device: device, address: address)]?.mac
  }

  /// Where a route leads.
  enum Way {
    case path(RoutePath, Place)
    /// Not by a port.
    case host
    case blackhole
    /// Its devices are down or gone, and so is the route as long as they are.
    case none
  }

  /// Of several paths the first that leads out of a port counts.
  func way(_ target: RouteTarget) -> Way {
    var leadsElsewhere = false
    var isBlackhole = false
    func visit(_ path: RoutePath?) -> (RoutePath, Place)? {
      guard let path, links[path.device]?.isUsable == true else { return nil }
      if !path.isEncapsulated, let place = places[path.device] { return (path, place) }
      leadsElsewhere = true
      return nil
    }
    if target.nexthop == 0 {
      if let found = visit(target.first) { return .path(found.0, found.1) }
      for path in target.more {
        if let found = visit(path) { return .path(found.0, found.1) }
      }
    } else if let nexthop = nexthops[target.nexthop] {
      for id in nexthop.group.isEmpty ? [nexthop.id] : nexthop.group {
        if let found = visit(nexthops[id]?.path) { return .path(found.0, found.1) }
        isBlackhole = isBlackhole || nexthops[id]?.isBlackhole == true
      }
    }
    return leadsElsewhere ? .host : isBlackhole ? .blackhole : .none
  }

  /// The next hop of a source; nil: its way is cut.
  mutating func hop(_ source: HopSource) -> NextHop? {
    switch source {
    case .host: return NextHop(.host)
    case .kernel(let target): return hop(target)
    case .neighbour(let key):
      guard let place = places[key.device] else { return nil }
      return Self.hop(neighbours[key]?.mac, place)
    case .configured(let target, let mtu, let vlan): return hop(target, mtu, vlan)
    }
  }

  private mutating func hop(_ target: RouteTarget) -> NextHop? {
    switch target.kind {
    case .host: return NextHop(.host)
    case .unreachable: return NextHop(.unreachable)
    case .prohibited: return NextHop(.prohibited)
    case .blackhole: return NextHop(.blackhole)
    case .forward: break
    }
    switch way(target) {
    case .none: return nil
    case .host: return NextHop(.host)
    case .blackhole: return NextHop(.blackhole)
    case .path(let path, var place):
      if target.mtu > 0 { place.mtu = min(place.mtu, target.mtu) }
      guard let gateway = path.gateway else { return Self.hop(nil, place) }
      gateways.insert(NeighbourKey(device: path.device, address: gateway))
      return Self.hop(mac(gateway, on: path.device, place), place)
    }
  }

  /// The file's routes stay, whatever becomes of devices.
  private mutating func hop(_ target: ConfiguredRoute.Target, _ mtu: UInt16?, _ vlan: UInt16?) -> NextHop {
    switch target {
    case .blackhole: return NextHop(.blackhole)
    case .unreachable: return NextHop(.unreachable)
    case .prohibited: return NextHop(.prohibited)
    case .mac(let mac, let port): return Self.hop(mac, place(port, mtu, vlan))
    case .connected(let port): return Self.hop(nil, place(port, mtu, vlan))
    case .gateway(let gateway, let port):
      let place = place(port, mtu, vlan)
      if let mac = configuredMACs[PortNeighbour(port: port, address: gateway)] { return Self.hop(mac, place) }
      guard let device = device(port: port, vlan: place.vlan) else { return Self.hop(nil, place) }
      gateways.insert(NeighbourKey(device: device, address: gateway))
      return Self.hop(neighbours[NeighbourKey(device: device, address: gateway)]?.mac, place)
    }
  }

  /// A port as a route of the file uses it.
  func place(_ port: Int, _ mtu: UInt16?, _ vlan: UInt16?) -> Place {
    let own = configuration.ports[port]
    let vlan = vlan ?? own.vlan ?? 0
    let known = places.values.first { $0.port == port && $0.vlan == own.vlan ?? 0 }
    return Place(port: port, vlan: vlan, mac: known?.mac ?? 0, mtu: mtu ?? own.mtu ?? known?.mtu ?? 1500)
  }

  private static func hop(_ mac: UInt64?, _ place: Place) -> NextHop {
    var hop = NextHop(
      port: UInt8(place.port), destination: mac ?? 0, source: place.mac, mtu: place.mtu, vlan: place.vlan)
    if mac == nil { hop.kind = .unresolved }
    return hop
  }
}
