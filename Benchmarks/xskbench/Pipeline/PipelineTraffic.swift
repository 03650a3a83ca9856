import Forwarder
import XSKEngine
import XSKLab

/// One kind of traffic that the pipeline is measured with, and the policy that it meets.
struct PipelineTraffic {
  /// What results are named after.
  let name: String
  /// Packets of a flow in a row; they make one unit.
  var train = 1
  /// Bytes of a frame, without FCS.
  var size = 64
  /// Addresses that packets are sent to: the first so many of the routes' destinations.
  var destinations = 64
  /// Rules that match nothing, ahead of the rest.
  var idleRules = 100
  /// These are for the packets' own protocol and port, so that only addresses tell; otherwise for other services.
  var hasAlikeRules = false
  /// Prefixes of a set whose sources are dropped; 0: packets are routed.
  var blocked = 0
  /// Packets from a container to another, and what a node does about them; nil: none of that.
  var tenants: TenantTrafficKind?

  /// The port that packets are sent to.
  static let service: UInt16 = 9

  static let all: [PipelineTraffic] =
    [
      PipelineTraffic(name: "trains-8", train: 8, size: 1514), PipelineTraffic(name: "near"),
      PipelineTraffic(name: "far", destinations: .max), PipelineTraffic(name: "blocklist", blocked: 100_000),
      PipelineTraffic(name: "rules-0", idleRules: 0), PipelineTraffic(name: "rules-10000", idleRules: 10_000),
      PipelineTraffic(name: "rules-10000-alike", idleRules: 10_000, hasAlikeRules: true),
    ] + TenantTrafficKind.allCases.map { PipelineTraffic(name: $0.rawValue, tenants: $0) }

  /// IPv4 prefixes, lengths spread as in the internet's tables: mostly /24.
  static func prefixes(_ count: Int) throws(XSKError) -> [IPv4Prefix] {
    var random = SeededNumbers(seed: 1)
    var seen: Set<IPv4Prefix> = []
    var prefixes: [IPv4Prefix] = []
    while prefixes.count < count {
      let draw = random.next()
      let length = [24, 24, 24, 24, 24, 24, 23, 22, 22, 20][Int(draw % 10)]
      // 1.0.0.0 … 223.255.255.255, without loopback addresses.
      let address = UInt32(0x0100_0000) + UInt32(truncatingIfNeeded: random.next() % 0xDF00_0000)
      guard address >> 24 != 127 else { continue }
      let prefix = IPv4Prefix(masking: address, length: length)
      if seen.insert(prefix).inserted { prefixes.append(prefix) }
    }
    return prefixes
  }

  /// The policy: rules that match nothing, the blocklist, and the routes to one neighbour.
  ///
  /// - Parameter last: what becomes of packets that no rule decides about.
  func policy(
    _ prefixes: [IPv4Prefix], blocked list: [IPv4Prefix], last: RuleAction = .route
  ) throws(XSKError) -> Policy {
    if let tenants { return try tenants.policy() }
    var configuration = ForwarderConfiguration(
      ports: [ForwarderPort("in", device: "sim0"), ForwarderPort("out", device: "sim1")])
    var rules = (0..<idleRules).map { number in
      Rule(
        "idle-\(number)",
        RuleMatch {
          let port = hasAlikeRules ? Self.service : UInt16(1 + number % 1000)
          $0.ipProtocol = [hasAlikeRules && train == 1 ? .udp : .tcp]
          $0.source = [.ipv4(0xE000_0000 | UInt32(number) << 8, length: 24)]
          $0.destinationPort = [port...port]
        }, .drop("idle"))
    }
    if blocked > 0 {
      configuration.sets = [NamedPrefixes("blocked", ipv4: Array(list.prefix(blocked)))]
      rules.append(Rule("blocked", RuleMatch { $0.sourceSet = ["blocked"] }, .drop("blocked")))
    }
    configuration.rules = RuleSet(rules, default: last)
    var routes = RouteList<UInt32>()
    for prefix in prefixes { try routes.set(prefix, 0) }
    let hop = NextHop(port: 1, destination: 0x0200_0000_0B02, source: 0x0200_0000_0B01)
    return try Policy(
      configuration, facts: [], routes: try Routes(ipv4: routes, ipv6: RouteList(), hops: [hop], routers: []))
  }
}

/// Makes the packets of a kind of traffic, one after the other, as a NIC would receive them.
struct PipelineSource {
  private let traffic: PipelineTraffic
  private let destinations: [UInt32]
  private let sources: [UInt32]
  private var random = SeededNumbers(seed: 2)
  private(set) var head: [UInt8]
  private var number = 0

  /// Bytes of a packet that the NIC's half writes: the cache line that has all headers.
  static let headBytes = 64

  init(_ traffic: PipelineTraffic, _ prefixes: [IPv4Prefix], blocked: [IPv4Prefix]) throws(XSKError) {
    self.traffic = traffic
    destinations =
      traffic.tenants == nil
      ? prefixes.prefix(traffic.destinations).map { $0.address | 1 } : TenantTrafficKind.addresses(of: 1)
    sources =
      traffic.tenants == nil
      ? blocked.prefix(traffic.blocked).map { $0.address | 7 } : TenantTrafficKind.addresses(of: 0)
    var template = FrameTemplate(
      sourceAddress: LinkAddress(number: 0x0200_0000_0001), destinationAddress: LinkAddress(number: 0x0200_0000_0002),
      source: "198.18.0.1", destination: "203.0.113.1", transport: traffic.train > 1 ? .tcp : .udp)
    template.destinationPort = PipelineTraffic.service
    head = Array(try template.frame(size: traffic.size).prefix(Self.headBytes))
  }

  /// Writes the next packet's headers to `head`.
  mutating func advance() {
    let flow = number / traffic.train, place = number % traffic.train
    number += 1
    let draw = random.next()
    let source =
      sources.isEmpty
      ? 0x0A00_0000 + UInt32(flow & 0xFFFF)
      : sources[traffic.tenants == nil ? Int(draw % UInt64(sources.count)) : flow % sources.count]
    // Packets of a burst are of as many flows.
    let other = traffic.tenants == nil ? flow : flow / sources.count
    let destination =
      traffic.destinations > 1000
      ? destinations[Int(draw % UInt64(destinations.count))] : destinations[other % destinations.count]
    put(source, at: 26)
    put(destination, at: 30)
    put(UInt16(truncatingIfNeeded: place), at: 18)
    if traffic.train > 1 { put(UInt32(place * (traffic.size - 54)), at: 38) }
    put(UInt16(0), at: 24)
    var sum: UInt32 = 0
    for offset in stride(from: 14, to: 34, by: 2) { sum += UInt32(head[offset]) << 8 | UInt32(head[offset + 1]) }
    sum = (sum & 0xFFFF) + sum >> 16
    put(~UInt16(truncatingIfNeeded: (sum & 0xFFFF) + sum >> 16), at: 24)
  }

  private mutating func put<Number: FixedWidthInteger>(_ number: Number, at offset: Int) {
    for place in 0..<Number.bitWidth / 8 {
      head[offset + place] = UInt8(truncatingIfNeeded: number >> (Number.bitWidth - 8 - 8 * place))
    }
  }
}
