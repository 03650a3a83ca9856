public import PacketHeaders
public import XSKEngine

/// What routing must know about a port's device.
public struct PortFacts: Hashable, Sendable {
  /// Its MAC address, in the low 48 bits, first byte highest.
  public var mac: UInt64
  public var mtu: Int

  public init(mac: UInt64, mtu: Int) { (self.mac, self.mtu) = (mac, mtu) }

  public init(_ device: NetworkDevice) {
    self.init(mac: device.hardwareAddress.prefix(6).reduce(0) { $0 << 8 | UInt64($1) }, mtu: device.mtu)
  }
}

extension ForwarderConfiguration {
  /// Routes and next hops for the pipeline.
  ///
  /// The networks of the ports' addresses are connected routes, and each neighbour is a route to its own address, so that
  /// packets to a connected network reach the neighbours that are configured and no others. What is configured for the same
  /// prefix counts more than these.
  ///
  /// - Parameter facts: of each port, in order.
  /// - Throws: a gateway that is no neighbour; tables that take more memory than there is.
  public func makeRoutes(_ facts: [PortFacts]) throws(XSKError) -> Routes {
    let plan = try routePlan(facts)
    return try Routes(ipv4: plan.ipv4, ipv6: plan.ipv6, hops: plan.hops, routers: plan.routers)
  }

  /// What `makeRoutes` makes tables of, for whoever adds to it.
  ///
  /// With `kernelRoutes` this is the file's part alone, and gateways whose neighbours only the kernel knows are unresolved.
  ///
  /// - Throws: a gateway that is no neighbour, unless the kernel's neighbours are followed.
  public func routePlan(_ facts: [PortFacts]) throws(XSKError) -> RoutePlan {
    precondition(facts.count == ports.count)
    var builder = RouteBuilder(facts: facts, ports: ports, kernelKnowsMore: kernelRoutes != nil)
    for (index, port) in ports.enumerated() {
      for address in port.addresses where !address.address.isLinkLocal {
        try builder.add(address.network, builder.unresolved(index))
      }
    }
    var macs: [IPAddress: UInt64] = [:]
    for neighbour in neighbours {
      macs[neighbour.address] = neighbour.mac
      guard !neighbour.address.isLinkLocal else { continue }
      try builder.add(AnyPrefix(neighbour.address), builder.hop(neighbour.mac, neighbour.port))
    }
    for route in routes {
      let hop = try builder.hop(route, macs)
      switch route.destination {
      case .prefix(let prefix): try builder.add(prefix, hop)
      case .set(let set):
        for prefix in sets[set].ipv4 { try builder.add(.ipv4(prefix), hop) }
        for prefix in sets[set].ipv6 { try builder.add(.ipv6(prefix), hop) }
      }
    }
    return builder.plan
  }
}

extension ForwarderPort {
  /// Whom ICMP answers to packets that came in here are from.
  public var router: RouterAddresses {
    var router = RouterAddresses()
    for address in addresses {
      switch address.address {
      case .ipv4(let number): router.ipv4 = router.ipv4 ?? number
      case .ipv6(let number): router.ipv6 = router.ipv6 ?? number
      }
    }
    return router
  }
}

/// Routes by prefix, the next hops that their values are indices of, and whom answers come from on each port.
public struct RoutePlan: Sendable {
  public var ipv4 = RouteList<UInt32>()
  public var ipv6 = RouteList<UInt128>()
  public var hops: [NextHop] = []
  public var routers: [RouterAddresses] = []

  public init() {}
}

/// The lists of a plan that differ from those of the plan before it.
public struct RouteChanges: OptionSet, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let ipv4 = RouteChanges(rawValue: 1)
  public static let ipv6 = RouteChanges(rawValue: 2)
  public static let all: RouteChanges = [.ipv4, .ipv6]
}

/// Gathers routes; next hops that are alike are one.
private struct RouteBuilder {
  let facts: [PortFacts]
  let ports: [ForwarderPort]
  let kernelKnowsMore: Bool
  var plan = RoutePlan()
  private var numbers: [NextHop: UInt32] = [:]

  init(facts: [PortFacts], ports: [ForwarderPort], kernelKnowsMore: Bool) {
    (self.facts, self.ports, self.kernelKnowsMore) = (facts, ports, kernelKnowsMore)
    plan.routers = ports.map(\.router)
  }

  func unresolved(_ port: Int, _ mtu: UInt16? = nil, _ vlan: UInt16? = nil) -> NextHop {
    var hop = hop(0, port, mtu, vlan)
    hop.kind = .unresolved
    return hop
  }

  func hop(_ mac: UInt64, _ port: Int, _ mtu: UInt16? = nil, _ vlan: UInt16? = nil) -> NextHop {
    let own = ports[port]
    return NextHop(
      port: UInt8(port), destination: mac, source: facts[port].mac,
      mtu: mtu ?? own.mtu ?? UInt16(clamping: facts[port].mtu), vlan: vlan ?? own.vlan ?? 0)
  }

  func hop(_ route: ConfiguredRoute, _ macs: [IPAddress: UInt64]) throws(XSKError) -> NextHop {
    switch route.target {
    case .gateway(let gateway, let port):
      guard let mac = macs[gateway] else {
        if kernelKnowsMore { return unresolved(port, route.mtu, route.vlan) }
        throw XSKError("gateway \(gateway)", "its MAC address is not known", remedy: "add it to the neighbours")
      }
      return hop(mac, port, route.mtu, route.vlan)
    case .mac(let mac, let port): return hop(mac, port, route.mtu, route.vlan)
    case .connected(let port): return unresolved(port, route.mtu, route.vlan)
    case .blackhole: return NextHop(.blackhole)
    case .unreachable: return NextHop(.unreachable)
    case .prohibited: return NextHop(.prohibited)
    }
  }

  mutating func add(_ prefix: AnyPrefix, _ hop: NextHop) throws(XSKError) {
    let number = numbers[hop] ?? UInt32(plan.hops.count)
    if Int(number) == plan.hops.count {
      plan.hops.append(hop)
      numbers[hop] = number
    }
    switch prefix {
    case .ipv4(let prefix): try plan.ipv4.set(prefix, number)
    case .ipv6(let prefix): try plan.ipv6.set(prefix, number)
    }
  }
}
