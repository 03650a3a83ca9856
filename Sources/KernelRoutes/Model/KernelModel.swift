import Forwarder
import PacketHeaders
import XSKEngine

/// What the kernel has said, and what the file says: everything that a plan is made of.
struct KernelModel {
  private(set) var configuration: ForwarderConfiguration
  private(set) var settings: KernelRouteSettings

  var links: [Int32: KernelLink] = [:]
  var addresses: [Int32: [KernelAddress]] = [:]
  /// Those whose MAC address is known; what is not known is not kept.
  var neighbours: [NeighbourKey: KernelNeighbour] = [:]
  var nexthops: [UInt32: KernelNexthop] = [:]
  var numbers = HopNumbers()
  var ipv4 = RouteFamily<UInt32>()
  var ipv6 = RouteFamily<UInt128>()
  /// MAC addresses that the file has.
  private(set) var configuredMACs: [PortNeighbour: UInt64] = [:]

  /// What must be made anew, or asked for, before the next plan.
  var isChanged = true
  var neighboursChanged = true
  var doubts: Doubts = []
  /// Messages that were refused.
  var malformed: UInt64 = 0

  /// What the configuration's devices were when they were last found, by the names that it has for them.
  var portLinks: [String: KernelLink] = [:]
  /// Where devices are, by index: made anew when links change.
  var places: [Int32: Place] = [:]
  /// The next hops by number, as they were last made; nil: no way there.
  var hops: [NextHop?] = []
  var hopGenerations: [UInt32] = []
  /// The gateways that next hops lead to.
  var gateways: Set<NeighbourKey> = []
  /// What was published last.
  var published: (hops: [NextHop], routers: [RouterAddresses])?

  struct PortNeighbour: Hashable {
    var port: Int
    var address: IPAddress
  }

  /// What the kernel must be asked again.
  struct Doubts: OptionSet {
    let rawValue: UInt8
    static let routes = Doubts(rawValue: 1)
    static let others = Doubts(rawValue: 2)
    static let all: Doubts = [.routes, .others]
  }

  init(_ configuration: ForwarderConfiguration) {
    self.configuration = configuration
    settings = configuration.kernelRoutes ?? KernelRouteSettings()
    let host = numbers.use(.host)
    // Multicast and broadcast packets, and link-local ones, are not to be routed (RFC 1812 section 5.2.1.3, RFC 4291
    // section 2.5.6): the host may want them.
    ipv4.setNever([Self.prefix("224.0.0.0/4"), Self.prefix("255.255.255.255/32")], host)
    ipv6.setNever([Self.prefix("ff00::/8"), Self.prefix("fe80::/10")], host)
    configure(configuration)
  }

  private static func prefix<Address: IPAddressNumber>(_ text: String) -> IPPrefix<Address> {
    do { return try IPPrefix(text) } catch { preconditionFailure("\(error)") }
  }

  /// Takes another file's routes, neighbours and ports. If it follows another table, that is a doubt.
  mutating func configure(_ configuration: ForwarderConfiguration) {
    let followed = configuration.kernelRoutes ?? KernelRouteSettings()
    if followed != settings { doubts.insert(.routes) }
    (self.configuration, settings) = (configuration, followed)
    let former = (ipv4.configured, ipv6.configured)
    var overlay = ConfiguredOverlay()
    overlay.add(configuration, &numbers)
    configuredMACs = overlay.macs
    ipv4.replace(configured: overlay.ipv4)
    ipv6.replace(configured: overlay.ipv6)
    for number in former.0.values { numbers.release(number) }
    for number in former.1.values { numbers.release(number) }
    placeDevices()
    (isChanged, neighboursChanged) = (true, true)
  }
}

/// The file's routes as numbers, by the same rules as `ForwarderConfiguration.routePlan`.
private struct ConfiguredOverlay {
  var ipv4: [IPv4Prefix: UInt32] = [:]
  var ipv6: [IPv6Prefix: UInt32] = [:]
  var macs: [KernelModel.PortNeighbour: UInt64] = [:]

  mutating func add(_ configuration: ForwarderConfiguration, _ numbers: inout HopNumbers) {
    for (index, port) in configuration.ports.enumerated() {
      for address in port.addresses where !address.address.isLinkLocal {
        set(address.network, .configured(.connected(port: index), mtu: nil, vlan: nil), &numbers)
      }
    }
    for neighbour in configuration.neighbours {
      macs[KernelModel.PortNeighbour(port: neighbour.port, address: neighbour.address)] = neighbour.mac
      guard !neighbour.address.isLinkLocal else { continue }
      let source = HopSource.configured(.mac(neighbour.mac, port: neighbour.port), mtu: nil, vlan: nil)
      set(AnyPrefix(neighbour.address), source, &numbers)
    }
    for route in configuration.routes {
      let source = HopSource.configured(route.target, mtu: route.mtu, vlan: route.vlan)
      switch route.destination {
      case .prefix(let prefix): set(prefix, source, &numbers)
      case .set(let set):
        for prefix in configuration.sets[set].ipv4 { self.set(.ipv4(prefix), source, &numbers) }
        for prefix in configuration.sets[set].ipv6 { self.set(.ipv6(prefix), source, &numbers) }
      }
    }
  }

  private mutating func set(_ prefix: AnyPrefix, _ source: HopSource, _ numbers: inout HopNumbers) {
    let number = numbers.use(source)
    let former =
      switch prefix {
      case .ipv4(let prefix): ipv4.updateValue(number, forKey: prefix)
      case .ipv6(let prefix): ipv6.updateValue(number, forKey: prefix)
      }
    if let former { numbers.release(former) }
  }
}
