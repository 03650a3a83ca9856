import Forwarder
import PacketHeaders
import XSKEngine

extension KernelModel {
  /// Makes a plan of what is known now.
  ///
  /// Routes cost something only if they changed themselves, or if a device came or went.
  ///
  /// - Returns: nil if it would be as the one before.
  mutating func makePlan() throws(XSKError) -> RouteUpdate? {
    isChanged = false
    remakeHops()
    if neighboursChanged {
      neighboursChanged = false
      remakeNeighbours()
    }
    let hops = hops
    let isUsable = { (number: UInt32) in hops[Int(number)] != nil }
    var changes: RouteChanges = []
    if try ipv4.publish(isUsable) { changes.insert(.ipv4) }
    if try ipv6.publish(isUsable) { changes.insert(.ipv6) }
    var plan = RoutePlan()
    plan.hops = hops.map { $0 ?? NextHop(.unreachable) }
    plan.routers = configuration.ports.indices.map { router($0) }
    if let published, changes.isEmpty, published.hops == plan.hops, published.routers == plan.routers { return nil }
    if published == nil { changes = .all }
    published = (plan.hops, plan.routers)
    (plan.ipv4, plan.ipv6) = (ipv4.list, ipv6.list)
    return RouteUpdate(plan: plan, changes: changes)
  }

  /// Makes all next hops anew. If the way of one was cut, or is there again, other routes take over.
  private mutating func remakeHops() {
    let (former, formerGenerations) = (hops, hopGenerations)
    gateways = []
    hops = []
    hops.reserveCapacity(numbers.sources.count)
    var isCut = false
    for (number, source) in numbers.sources.enumerated() {
      var hop: NextHop?
      if let source { hop = self.hop(source) }
      hops.append(hop)
      guard number < former.count, source != nil, formerGenerations[number] == numbers.generations[number] else {
        continue
      }
      isCut = isCut || (former[number] == nil) != (hop == nil)
    }
    hopGenerations = numbers.generations
    guard isCut else { return }
    ipv4.changeAll()
    ipv6.changeAll()
    neighboursChanged = true
  }

  /// Neighbours that are not known any more keep their routes, unresolved, up to this many: so one that fails and is found
  /// again, as gateways do, costs no table.
  private static let lostNeighbours = 1024

  /// A neighbour is reached directly if the longest match for its address says that its network is connected, by its device.
  private mutating func remakeNeighbours() {
    var (ipv4, ipv6): ([IPv4Prefix: UInt32], [IPv6Prefix: UInt32]) = ([:], [:])
    let hops = hops
    let isUsable = { (number: UInt32) in hops[Int(number)] != nil }
    let former = (self.ipv4.neighbours, self.ipv6.neighbours)
    let lost = (Array(former.0.values) + Array(former.1.values)).lazy.compactMap { [numbers, neighbours] number in
      if case .neighbour(let key) = numbers[number], neighbours[key] == nil { return key }
      return nil
    }
    for key in Array(neighbours.keys) + Array(lost.prefix(Self.lostNeighbours)) as [NeighbourKey] {
      guard let place = places[key.device], !key.address.isLinkLocal else { continue }
      switch key.address {
      case .ipv4(let address):
        guard isConnected(self.ipv4.longestMatch(address, isUsable), key, place) else { continue }
        ipv4[IPv4Prefix(masking: address, length: 32)] = numbers.use(.neighbour(key))
      case .ipv6(let address):
        guard isConnected(self.ipv6.longestMatch(address, isUsable), key, place) else { continue }
        ipv6[IPv6Prefix(masking: address, length: 128)] = numbers.use(.neighbour(key))
      }
    }
    self.ipv4.replace(neighbours: ipv4)
    self.ipv6.replace(neighbours: ipv6)
    for number in former.0.values { numbers.release(number) }
    for number in former.1.values { numbers.release(number) }
    while self.hops.count < numbers.sources.count { self.hops.append(nil) }
    for number in Array(ipv4.values) + Array(ipv6.values) {
      guard let source = numbers[number] else { continue }
      self.hops[Int(number)] = hop(source)
    }
    hopGenerations = numbers.generations
  }

  private func isConnected(_ number: UInt32?, _ key: NeighbourKey, _ place: Place) -> Bool {
    guard let number else { return false }
    switch numbers[number] {
    case .kernel(let target):
      guard target.kind == .forward, case .path(let path, _) = way(target) else { return false }
      return path.device == key.device && path.gateway == nil
    case .configured(.connected(let port), let mtu, let vlan):
      return place.port == port && place.vlan == self.place(port, mtu, vlan).vlan
    default: return false
    }
  }

  /// Whom ICMP answers to what came in on a port are from: the first address of each version, of the file if it has any, else
  /// of the device, else of a VLAN device on it.
  private func router(_ port: Int) -> RouterAddresses {
    let own = configuration.ports[port]
    guard own.addresses.isEmpty else { return own.router }
    var router = RouterAddresses()
    let devices = places.filter { $0.value.port == port }.keys.sorted {
      (links[$0]?.name == own.device ? 0 : 1, $0) < (links[$1]?.name == own.device ? 0 : 1, $1)
    }
    for address in devices.flatMap({ addresses[$0] ?? [] }) where address.isSource {
      switch address.address {
      case .ipv4(let number): router.ipv4 = router.ipv4 ?? number
      case .ipv6(let number): router.ipv6 = router.ipv6 ?? number
      }
    }
    return router
  }

  /// The neighbour that packets to a destination wait for.
  func awaited(_ destination: IPAddress, port: Int) -> NeighbourKey? {
    let hops = hops
    let isUsable = { (number: UInt32) in Int(number) < hops.count && hops[Int(number)] != nil }
    let number =
      switch destination {
      case .ipv4(let address): ipv4.longestMatch(address, isUsable)
      case .ipv6(let address): ipv6.longestMatch(address, isUsable)
      }
    switch number.flatMap({ numbers[$0] }) {
    case .kernel(let target):
      guard target.kind == .forward, case .path(let path, _) = way(target) else { return nil }
      return NeighbourKey(device: path.device, address: path.gateway ?? destination)
    case .configured(let target, let mtu, let vlan):
      switch target {
      case .gateway(let gateway, let port):
        return device(port: port, vlan: place(port, mtu, vlan).vlan).map {
          NeighbourKey(device: $0, address: gateway)
        }
      case .connected(let port):
        return device(port: port, vlan: place(port, mtu, vlan).vlan).map {
          NeighbourKey(device: $0, address: destination)
        }
      default: return nil
      }
    case nil:
      guard configuration.ports.indices.contains(port) else { return nil }
      return device(port: port, vlan: place(port, nil, nil).vlan).map { NeighbourKey(device: $0, address: destination) }
    default: return nil
    }
  }
}
