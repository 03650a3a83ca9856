import Forwarder

// One message at a time, from dumps and notifications alike.

extension KernelModel {
  /// Takes a notification in.
  mutating func apply(_ header: NetlinkHeader, _ body: RawSpan) {
    switch header.type {
    case MessageType.link: take(KernelLink.decode(body)) { $0.add($1) }
    case MessageType.link + 1: take(KernelLink.decode(body)) { $0.remove($1) }
    case MessageType.address: take(KernelAddress.decode(body)) { $0.add($1) }
    case MessageType.address + 1: take(KernelAddress.decode(body)) { $0.remove($1) }
    case MessageType.neighbour: take(KernelNeighbour.decode(body)) { $0.add($1) }
    case MessageType.neighbour + 1: take(KernelNeighbour.decode(body)) { $0.remove($1.key) }
    case MessageType.nexthop: take(KernelNexthop.decode(body)) { $0.add($1) }
    case MessageType.nexthop + 1: take(KernelNexthop.decode(body)) { $0.removeNexthop($1.id) }
    case MessageType.route: take(KernelRoute.decode(body)) { $0.add($1, header.flags) }
    case MessageType.route + 1: take(KernelRoute.decode(body)) { $0.remove($1) }
    default: break
    }
  }

  mutating func take<Value>(_ decoded: Decoded<Value>, _ body: (inout KernelModel, Value) -> Void) {
    switch decoded {
    case .value(let value): body(&self, value)
    case .irrelevant: break
    case .malformed: malformed += 1
    }
  }
}

// MARK: Devices and their addresses

extension KernelModel {
  mutating func add(_ link: KernelLink) {
    let former = links.updateValue(link, forKey: link.index)
    guard former != link else { return }
    linksChanged()
    // The kernel takes routes away with their device, and does not say so for IPv4.
    if former?.isUsable == true && !link.isUsable { doubts = .all }
  }

  mutating func remove(_ link: KernelLink) {
    guard links.removeValue(forKey: link.index) != nil else { return }
    addresses[link.index] = nil
    neighbours = neighbours.filter { $0.key.device != link.index }
    linksChanged()
    doubts = .all
  }

  mutating func linksChanged() {
    placeDevices()
    (isChanged, neighboursChanged) = (true, true)
  }

  mutating func add(_ address: KernelAddress) {
    var own = addresses[address.device] ?? []
    let place = own.firstIndex { $0.address == address.address && $0.length == address.length }
    guard let place else {
      addresses[address.device] = own + [address]
      isChanged = true
      return
    }
    guard own[place] != address else { return }
    own[place] = address
    addresses[address.device] = own
    isChanged = true
  }

  mutating func remove(_ address: KernelAddress) {
    let left = addresses[address.device]?.filter { $0.address != address.address || $0.length != address.length }
    addresses[address.device] = left
    isChanged = true
    // Routes that have it as their source go without a word.
    doubts.insert(.routes)
  }
}

// MARK: Neighbours and nexthop objects

extension KernelModel {
  mutating func add(_ neighbour: KernelNeighbour) {
    guard let mac = neighbour.mac else { return remove(neighbour.key) }
    let former = neighbours.updateValue(neighbour, forKey: neighbour.key)
    // Between reachable, stale and the like they go all the time.
    guard former?.mac != mac else { return }
    isChanged = true
    if former == nil { neighboursChanged = true }
  }

  mutating func remove(_ key: NeighbourKey) {
    guard neighbours.removeValue(forKey: key) != nil else { return }
    (isChanged, neighboursChanged) = (true, true)
  }

  mutating func add(_ nexthop: KernelNexthop) {
    guard nexthops.updateValue(nexthop, forKey: nexthop.id) != nexthop else { return }
    (isChanged, neighboursChanged) = (true, true)
  }

  mutating func removeNexthop(_ id: UInt32) {
    guard nexthops.removeValue(forKey: id) != nil else { return }
    (isChanged, neighboursChanged) = (true, true)
    // Its routes go with it, and groups lose a member: not everything of this is said.
    doubts = .all
  }
}

// MARK: Routes

extension KernelModel {
  /// Whether a table is one of those that are followed.
  func isFollowed(_ table: UInt32) -> Bool { table == settings.table || table == Self.localTable }

  static var localTable: UInt32 { 255 }

  mutating func add(_ route: KernelRoute, _ flags: UInt16) {
    guard isFollowed(route.table) else { return }
    switch route.prefix {
    case .ipv4(let prefix): settle(ipv4.add(route, prefix, flags, &numbers))
    case .ipv6(let prefix): settle(ipv6.add(route, prefix, flags, &numbers))
    }
  }

  mutating func remove(_ route: KernelRoute) {
    guard isFollowed(route.table) else { return }
    switch route.prefix {
    case .ipv4(let prefix): settle(ipv4.remove(route, prefix, &numbers))
    case .ipv6(let prefix): settle(ipv6.remove(route, prefix, &numbers))
    }
  }

  private mutating func settle(_ outcome: RouteOutcome) {
    if outcome == .unchanged { return }
    (isChanged, neighboursChanged) = (true, true)
    if outcome == .doubtful { doubts.insert(.routes) }
  }
}

extension RouteFamily {
  mutating func add(
    _ route: KernelRoute, _ prefix: Prefix, _ flags: UInt16, _ numbers: inout HopNumbers
  ) -> RouteOutcome {
    let (target, metric) = (route.target, route.metric)
    let outcome =
      route.table == KernelModel.localTable
      ? local.apply(new: target, prefix, metric: metric, flags: flags, &numbers)
      : main.apply(new: target, prefix, metric: metric, flags: flags, &numbers)
    if outcome != .unchanged { change(prefix) }
    return outcome
  }

  mutating func remove(_ route: KernelRoute, _ prefix: Prefix, _ numbers: inout HopNumbers) -> RouteOutcome {
    let (target, metric) = (route.target, route.metric)
    let outcome =
      route.table == KernelModel.localTable
      ? local.apply(deleted: target, prefix, metric: metric, &numbers)
      : main.apply(deleted: target, prefix, metric: metric, &numbers)
    if outcome != .unchanged { change(prefix) }
    return outcome
  }
}
