import Forwarder

/// One way that a route leads: out of a device, to a gateway or (nil) to the destination itself.
struct RoutePath: Hashable, Sendable {
  var device: Int32
  var gateway: IPAddress?
  /// The kernel puts something around the packet on this way (RTA_ENCAP), which the forwarder does not.
  var isEncapsulated = false
}

/// What a route does with packets, apart from which: equal ones are kept once.
struct RouteTarget: Hashable, Sendable {
  enum Kind: UInt8, Sendable {
    case forward, host, unreachable, prohibited, blackhole
  }

  var kind: Kind
  /// RTAX_MTU; 0: none.
  var mtu: UInt16 = 0
  /// The nexthop object that has the paths; 0: none.
  var nexthop: UInt32 = 0
  /// The first path apart from the others: hardly any route has more, and then nothing is allocated.
  var first: RoutePath?
  var more: [RoutePath] = []

  var paths: [RoutePath] { (first.map { [$0] } ?? []) + more }

  mutating func append(_ path: RoutePath) {
    if first == nil { first = path } else { more.append(path) }
  }
}

/// A route of one table (struct rtmsg).
struct KernelRoute: Hashable, Sendable {
  var prefix: AnyPrefix
  var table: UInt32
  /// RTA_PRIORITY: of several routes with a prefix the lowest counts.
  var metric: UInt32
  var target: RouteTarget

  /// A whole message's body. Routes for some packets only (by TOS, by source), link-local ones, and those that a lookup has
  /// left behind are irrelevant.
  static func decode(_ body: RawSpan) -> Decoded<KernelRoute> {
    guard let family = body.number(at: 0, as: UInt8.self), let length = body.number(at: 1, as: UInt8.self),
      let sourceLength = body.number(at: 2, as: UInt8.self), let tos = body.number(at: 3, as: UInt8.self),
      let table = body.number(at: 4, as: UInt8.self), let type = body.number(at: 7, as: UInt8.self),
      let flags = body.number(at: 8, as: UInt32.self)
    else { return .malformed }
    guard family == AddressFamily.ipv4 || family == AddressFamily.ipv6 else { return .irrelevant }
    guard length <= (family == AddressFamily.ipv4 ? 32 : 128) else { return .malformed }
    // RTM_F_CLONED.
    guard sourceLength == 0, tos == 0, flags & 0x200 == 0, let kind = kind(type) else { return .irrelevant }
    var reader = RouteReader(family: family, kind: kind, table: UInt32(table))
    guard NetlinkBytes.forEachAttribute(body, from: 12, { reader.read($0, $1) }) else { return .malformed }
    guard let prefix = reader.prefix(length: Int(length)) else { return .malformed }
    guard let target = reader.target() else { return .malformed }
    guard !prefix.isLinkLocal else { return .irrelevant }
    return .value(KernelRoute(prefix: prefix, table: reader.table, metric: reader.metric, target: target))
  }

  /// RTN_*: local, broadcast, anycast and multicast packets are the host's, and RTN_THROW ends the search in this table: as
  /// if there were no route.
  private static func kind(_ type: UInt8) -> RouteTarget.Kind? {
    switch type {
    case 1: .forward
    case 2...5: .host
    case 6: .blackhole
    case 7, 9: .unreachable
    case 8: .prohibited
    default: nil
    }
  }
}

extension AnyPrefix {
  /// In fe80::/10: never routed.
  var isLinkLocal: Bool {
    if case .ipv6(let prefix) = self { return prefix.length >= 10 && prefix.address >> 118 == 0xFE80 >> 6 }
    return false
  }
}

/// Gathers a route's attributes.
private struct RouteReader {
  let family: UInt8
  let kind: RouteTarget.Kind
  var table: UInt32
  var metric: UInt32 = 0
  private var destination: IPAddress?
  private var own = PathReader()
  private var paths: [RoutePath] = []
  private var mtu: UInt16 = 0
  private var nexthop: UInt32 = 0

  init(family: UInt8, kind: RouteTarget.Kind, table: UInt32) {
    (self.family, self.kind, self.table) = (family, kind, table)
  }

  mutating func read(_ type: UInt16, _ value: RawSpan) -> Bool {
    switch type {
    case 1:
      destination = IPAddress(value, family: family)
      return destination != nil
    case 6: return assign(value.number(), to: &metric)
    case 8: return readMetrics(value)
    case 9: return readPaths(value)
    case 15: return assign(value.number(), to: &table)
    case 30: return assign(value.number(), to: &nexthop)
    default: return own.read(type, value, family)
    }
  }

  private func assign(_ number: UInt32?, to field: inout UInt32) -> Bool {
    if let number { field = number }
    return number != nil
  }

  /// RTA_METRICS: attributes again, of which RTAX_MTU counts.
  private mutating func readMetrics(_ value: RawSpan) -> Bool {
    var mtu: UInt32 = 0
    guard
      NetlinkBytes.forEachAttribute(
        value,
        { type, value in
          if type == 2 { mtu = value.number() ?? 0 }
          return true
        })
    else { return false }
    self.mtu = UInt16(clamping: mtu)
    return true
  }

  /// RTA_MULTIPATH: structs rtnexthop, each with attributes of its own.
  private mutating func readPaths(_ value: RawSpan) -> Bool {
    var offset = 0
    while offset < value.byteCount {
      guard let length = value.number(at: offset, as: UInt16.self).map({ Int($0) }),
        let device = value.number(at: offset + 4, as: Int32.self), length >= 8, length <= value.byteCount - offset
      else { return false }
      var path = PathReader()
      path.device = device
      guard
        NetlinkBytes.forEachAttribute(
          value.extracting(offset..<offset + length), from: 8, { path.read($0, $1, family) })
      else { return false }
      if let path = path.path { paths.append(path) }
      offset += (length + 3) & ~3
    }
    return true
  }

  /// The default route has no destination.
  func prefix(length: Int) -> AnyPrefix? {
    switch destination {
    case .ipv4(let number): return .ipv4(IPv4Prefix(masking: number, length: length))
    case .ipv6(let number): return .ipv6(IPv6Prefix(masking: number, length: length))
    case nil:
      guard length == 0 else { return nil }
      return family == AddressFamily.ipv4
        ? .ipv4(IPv4Prefix(masking: 0, length: 0)) : .ipv6(IPv6Prefix(masking: 0, length: 0))
    }
  }

  /// A route that is sent on leads somewhere; where a nexthop object says so, only it counts.
  func target() -> RouteTarget? {
    var target = RouteTarget(kind: kind)
    guard kind == .forward else { return target }
    target.mtu = mtu
    target.nexthop = nexthop
    guard nexthop == 0 else { return target }
    for path in paths { target.append(path) }
    if paths.isEmpty, let path = own.path { target.append(path) }
    return target.first == nil ? nil : target
  }
}

/// A path's attributes: a route's own, or those of one of several.
struct PathReader {
  var device: Int32?
  var gateway: IPAddress?
  var isEncapsulated = false

  mutating func read(_ type: UInt16, _ value: RawSpan, _ family: UInt8) -> Bool {
    switch type {
    case 4:
      device = value.number()
      return device != nil
    case 5:
      gateway = IPAddress(value, family: family)
      return gateway != nil
    case 18:  // RTA_VIA: a gateway of the other family.
      guard let family = value.number(as: UInt16.self), value.byteCount >= 2 else { return false }
      gateway = IPAddress(value.extracting(2..<value.byteCount), family: UInt8(truncatingIfNeeded: family))
      return gateway != nil
    case 22: isEncapsulated = true
    default: break
    }
    return true
  }

  var path: RoutePath? { device.map { RoutePath(device: $0, gateway: gateway, isEncapsulated: isEncapsulated) } }
}

/// A nexthop object (struct nhmsg): a path, a blackhole, or a group of others.
struct KernelNexthop: Hashable, Sendable {
  var id: UInt32
  var path: RoutePath?
  var isBlackhole = false
  var group: [UInt32] = []

  static func decode(_ body: RawSpan) -> Decoded<KernelNexthop> {
    guard let family = body.number(at: 0, as: UInt8.self), body.byteCount >= 8 else { return .malformed }
    var (nexthop, path, isForwarding) = (KernelNexthop(id: 0), PathReader(), true)
    let isWhole = NetlinkBytes.forEachAttribute(body, from: 8) { type, value in
      switch type {
      case 1: nexthop.id = value.number() ?? 0
      case 2:  // NHA_GROUP: structs nexthop_grp of 8 bytes, the id first.
        for offset in stride(from: 0, to: value.byteCount, by: 8) {
          guard let id = value.number(at: offset, as: UInt32.self), offset + 8 <= value.byteCount else { return false }
          nexthop.group.append(id)
        }
      case 4: nexthop.isBlackhole = true
      case 5: path.device = value.number()
      case 6:
        path.gateway = IPAddress(value, family: family)
        return path.gateway != nil
      case 8: path.isEncapsulated = true
      case 11: isForwarding = false  // NHA_FDB: for bridges.
      default: break
      }
      return true
    }
    guard isWhole, nexthop.id != 0 else { return .malformed }
    guard isForwarding else { return .irrelevant }
    nexthop.path = nexthop.group.isEmpty && !nexthop.isBlackhole ? path.path : nil
    return .value(nexthop)
  }
}
