import Forwarder
import PacketHeaders
import XSKEngine

/// Routing as it is written in a configuration: looks through all routes, and rewrites a byte at a time.
struct ReferenceRouter {
  enum Outcome {
    case refused(DropReason)
    case sent([UInt8], port: Int)
  }

  private struct Route {
    var prefix: AnyPrefix
    var target: ConfiguredRoute.Target
    var mtu: Int
    var vlan: UInt16
  }

  /// Later ones count more than earlier ones of the same prefix.
  private var routes: [Route] = []
  private let facts: [PortFacts]
  private let neighbours: [ConfiguredNeighbour]

  init(_ configuration: ForwarderConfiguration, facts: [PortFacts]) {
    self.facts = facts
    neighbours = configuration.neighbours
    func add(_ prefix: AnyPrefix, _ target: ConfiguredRoute.Target, _ mtu: UInt16? = nil, _ vlan: UInt16? = nil) {
      let port = Self.port(of: target).map { configuration.ports[$0] }
      let own = Self.port(of: target).map { facts[$0].mtu } ?? 1500
      let largest = mtu ?? port?.mtu
      routes.append(
        Route(prefix: prefix, target: target, mtu: largest.map { Int($0) } ?? own, vlan: vlan ?? port?.vlan ?? 0))
    }
    for neighbour in neighbours { add(AnyPrefix(neighbour.address), .mac(neighbour.mac, port: neighbour.port)) }
    for route in configuration.routes {
      switch route.destination {
      case .prefix(let prefix): add(prefix, route.target, route.mtu, route.vlan)
      case .set(let number):
        let set = configuration.sets[number]
        for prefix in set.ipv4 { add(.ipv4(prefix), route.target, route.mtu, route.vlan) }
        for prefix in set.ipv6 { add(.ipv6(prefix), route.target, route.mtu, route.vlan) }
      }
    }
  }

  private static func port(of target: ConfiguredRoute.Target) -> Int? {
    switch target {
    case .gateway(_, let port), .mac(_, let port), .connected(let port): port
    case .blackhole, .unreachable, .prohibited: nil
    }
  }

  private func find(_ destination: IPAddress) -> Route? {
    var best: Route?
    for route in routes where route.prefix.contains(destination) && route.prefix.length >= best?.prefix.length ?? 0 {
      best = route
    }
    return best
  }

  /// The port that packets to a destination leave by.
  func egress(_ summary: PacketSummary) -> Int? {
    switch summary.key.version {
    case 4: find(.ipv4(summary.key.destinationIPv4)).flatMap { Self.port(of: $0.target) }
    case 6: find(.ipv6(summary.key.destinationIPv6)).flatMap { Self.port(of: $0.target) }
    default: nil
    }
  }

  func route(_ frame: [UInt8], _ summary: PacketSummary) -> Outcome {
    if Self.faults.contains(summary.malformation) { return .refused(.malformed(summary.malformation)) }
    let destination: IPAddress
    switch summary.key.version {
    case 4: destination = .ipv4(summary.key.destinationIPv4)
    case 6: destination = .ipv6(summary.key.destinationIPv6)
    default: return .refused(.noRoute)
    }
    if Self.isMartian(frame, summary) { return .refused(.martian) }
    guard let route = find(destination) else { return .refused(.noRoute) }
    if summary.flags.contains(.ipv4ChecksumBad) { return .refused(.ipv4Checksum) }
    if summary.timeToLive <= 1 { return .refused(.hopLimit) }
    let target: (mac: UInt64, port: Int)
    switch route.target {
    case .blackhole, .unreachable, .prohibited: return .refused(.refusedByRoute)
    case .connected: return .refused(.neighbourUnknown)
    case .mac(let mac, let port): target = (mac, port)
    case .gateway(let address, let port):
      guard let neighbour = neighbours.last(where: { $0.address == address }) else { return .refused(.noRoute) }
      target = (neighbour.mac, port)
    }
    if summary.ipLength > route.mtu { return .refused(.needsFragmentation) }
    let network = Int(summary.networkOffset)
    var packet = Array(frame[network...])
    Self.age(&packet, isIPv6: summary.key.version == 6)
    let tag: [UInt8] = route.vlan == 0 ? [] : [0x81, 0x00] + Self.bytes(UInt64(route.vlan), 2)
    let link = Self.bytes(target.mac, 6) + Self.bytes(facts[target.port].mac, 6) + tag
    return .sent(link + Array(frame[network - 2..<network]) + packet, port: target.port)
  }

  /// What no router sends on: headers that are too short, of another version, with wrong lengths.
  static let faults: Set<Malformation> = [
    .ethernetTruncated, .vlanTruncated, .vlanTooDeep, .ipVersion, .ipv4Truncated, .ipv4HeaderLength,
    .ipv4HeaderPastFrame, .ipv4TotalLengthSmall, .ipv4TotalLengthPastFrame, .ipv4OptionLength, .ipv4OptionOverrun,
    .ipv6Truncated, .ipv6PayloadPastFrame,
  ]

  /// From or to what is not routed: by prefixes; and whatever came in a frame for a group.
  static func isMartian(_ frame: [UInt8], _ summary: PacketSummary) -> Bool {
    if summary.networkOffset > 0 && frame[0] & 1 == 1 { return true }
    let key = summary.key
    let both: [IPAddress] =
      key.version == 4
      ? [.ipv4(key.sourceIPv4), .ipv4(key.destinationIPv4)] : [.ipv6(key.sourceIPv6), .ipv6(key.destinationIPv6)]
    return both.contains { address in martians.contains { $0.contains(address) } }
  }

  private static let martians: [AnyPrefix] =
    [(0, 8), (0x7F00_0000, 8), (0xE000_0000, 3)].map { .ipv4(IPv4Prefix(masking: $0, length: $1)) }
    + [(0, 128), (1, 128), (0xFE80 << 112, 10), (0xFF00 << 112, 8)].map { .ipv6(IPv6Prefix(masking: $0, length: $1)) }

  /// One off TTL or hop limit; IPv4's checksum as RFC 1624 has it, equation 3.
  private static func age(_ packet: inout [UInt8], isIPv6: Bool) {
    guard !isIPv6 else {
      packet[7] -= 1
      return
    }
    let old = UInt32(packet[8]) << 8 | UInt32(packet[9])
    packet[8] -= 1
    let new = UInt32(packet[8]) << 8 | UInt32(packet[9])
    var sum = (~(UInt32(packet[10]) << 8 | UInt32(packet[11])) & 0xFFFF) + (~old & 0xFFFF) + new
    while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
    (packet[10], packet[11]) = (UInt8(~sum >> 8 & 0xFF), UInt8(~sum & 0xFF))
  }

  /// A frame with its outer tag set or taken off; nil: it is too short for one.
  static func retagged(_ frame: [UInt8], _ action: RuleAction.VLANAction) -> [UInt8]? {
    let isTagged = frame.count >= 18 && [[0x81, 0x00], [0x88, 0xA8]].contains(Array(frame[12..<14]))
    switch action {
    case .remove: return isTagged ? Array(frame[..<12] + frame[16...]) : frame
    case .tag(let id, let priority):
      guard frame.count >= 14 else { return nil }
      let control = isTagged ? UInt16(frame[14]) << 8 | UInt16(frame[15]) : 0
      var new = control & 0xF000 | UInt16(id)
      if let priority { new = new & 0x1FFF | UInt16(priority) << 13 }
      let type = isTagged ? Array(frame[12..<14]) : [0x81, 0x00]
      return Array(frame[..<12] + type + bytes(UInt64(new), 2) + frame[(isTagged ? 16 : 12)...])
    }
  }

  private static func bytes(_ number: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * (count - 1 - $0))) }
  }
}
