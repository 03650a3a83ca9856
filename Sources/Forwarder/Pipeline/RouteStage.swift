public import GROLite
public import PacketHeaders
public import XSKEngine

/// Routes: prefixes, next hops, and whom answers come from. Made off the packet path, and never changed.
public final class Routes: Sendable {
  let ipv4: IPv4RouteTable
  let ipv6: IPv6RouteTable
  /// What the tables' values are indices of.
  let hops: [NextHop]
  /// The addresses that ICMP answers come from, for each ingress port.
  let routers: [RouterAddresses]
  /// Routes to each of the hops.
  let ipv4Counts: [Int]
  let ipv6Counts: [Int]

  /// - Throws: a route that leads to a next hop which is not there, or more memory than there is.
  public init(
    ipv4: RouteList<UInt32>, ipv6: RouteList<UInt128>, hops: [NextHop], routers: [RouterAddresses]
  ) throws(XSKError) {
    if let last = [ipv4.largestValue, ipv6.largestValue].compactMap({ $0 }).max(), Int(last) >= hops.count {
      throw Self.missing(last, of: hops.count)
    }
    self.ipv4 = try IPv4RouteTable(ipv4)
    self.ipv6 = try IPv6RouteTable(ipv6)
    (self.hops, self.routers) = (hops, routers)
    (ipv4Counts, ipv6Counts) = (ipv4.counts(hops.count), ipv6.counts(hops.count))
  }

  /// Routes of a plan, with the tables of a former one where these are still right: a change of neighbours costs no table.
  ///
  /// - Parameter changes: the lists that are not as they were when `former` was made.
  /// - Throws: a route that leads to a next hop which is not there, fewer next hops than `former` has if one of its tables is
  ///   kept, or more memory than there is.
  public init(_ plan: RoutePlan, after former: Routes, changes: RouteChanges) throws(XSKError) {
    var needed = changes == .all ? 0 : former.hops.count
    if changes.contains(.ipv4), let last = plan.ipv4.largestValue { needed = max(needed, Int(last) + 1) }
    if changes.contains(.ipv6), let last = plan.ipv6.largestValue { needed = max(needed, Int(last) + 1) }
    guard needed <= plan.hops.count else { throw Self.missing(UInt32(needed - 1), of: plan.hops.count) }
    ipv4 = changes.contains(.ipv4) ? try IPv4RouteTable(plan.ipv4) : former.ipv4
    ipv6 = changes.contains(.ipv6) ? try IPv6RouteTable(plan.ipv6) : former.ipv6
    (hops, routers) = (plan.hops, plan.routers)
    let others = [Int](repeating: 0, count: max(0, plan.hops.count - former.hops.count))
    ipv4Counts = changes.contains(.ipv4) ? plan.ipv4.counts(plan.hops.count) : former.ipv4Counts + others
    ipv6Counts = changes.contains(.ipv6) ? plan.ipv6.counts(plan.hops.count) : former.ipv6Counts + others
  }

  private static func missing(_ hop: UInt32, of count: Int) -> XSKError {
    XSKError("next hop \(hop)", "a route leads to it, but there are \(count)", remedy: "number next hops from 0")
  }
}

/// Sends packets on by longest prefix match: MAC addresses rewritten, TTL or hop limit taken down, VLAN set; what can't be
/// sent is dropped under its reason, and its sender told (ICMP, RFC 1812, RFC 4443), limited in rate.
///
/// Its methods are mutating because what borrows it out of line is given a copy of it.
///
/// Everything is decided once for a unit: its packets have one destination and one TTL, and none is larger than the first.
@frozen public struct RouteStage: ~Copyable {
  // Keeps what the two views look into; changes together with them.
  @usableFromInline let routes: Routes
  @usableFromInline let ipv4: IPv4RouteTable.View
  @usableFromInline let ipv6: IPv6RouteTable.View
  @usableFromInline let hops: FixedArray<NextHop>
  /// What of the hops nearly all packets need.
  @usableFromInline let links: FixedArray<PlainLink>
  @usableFromInline let routers: FixedArray<RouterAddresses>

  /// Senders are told at once that a neighbour is not known: nobody is going to ask for it.
  let answersUnresolved: Bool

  /// - Parameter answersUnresolved: false where somebody asks for neighbours that are not known: then packets to them are
  ///   dropped without a word until they are, as their senders will try again.
  public init(_ routes: Routes, answersUnresolved: Bool = true) {
    self.routes = routes
    self.answersUnresolved = answersUnresolved
    // Safe: `routes` is kept beside the views.
    unsafe (ipv4, ipv6) = (routes.ipv4.view, routes.ipv6.view)
    hops = FixedArray(routes.hops)
    links = FixedArray(routes.hops.map(PlainLink.init))
    routers = FixedArray(routes.routers)
  }

  /// Asks for the memory that finding the route of a packet will need. Call it some packets ahead.
  @inlinable @inline(__always) public func prefetch(_ key: FlowKey) {
    if key.version == 4 { ipv4.prefetch(key.destinationIPv4) } else { ipv6.prefetch(key.destinationIPv6) }
  }

  @inlinable @inline(__always) func prefetch(ipv4 address: UInt32) { ipv4.prefetch(address) }

  /// Routes a unit: rewrites its packets and answers where they go, or why not.
  ///
  /// - Parameter summary: of its first packet.
  @inlinable
  public mutating func route(
    _ unit: GROUnit, _ summary: PacketSummary, of gro: borrowing GROLite, in burst: inout Burst,
    _ answers: inout AnswerQueue
  ) -> Verdict {
    let place = plainHop(summary)
    guard place != Self.noPlainHop else { return routeOtherwise(unit, summary, gro, &burst, &answers) }
    _ = rewrite(
      unit, for: place, network: Int(summary.networkOffset), version: summary.key.version, of: gro, in: &burst)
    return verdict(place)
  }

  /// Rewrites a unit's packets for a hop that `plainHop` has found.
  ///
  /// - Parameters:
  ///   - network: where the IP header begins.
  ///   - version: the IP header's.
  /// - Returns: their bytes together.
  @inlinable @inline(__always)
  func rewrite(
    _ unit: GROUnit, for place: Int, network: Int, version: UInt8, of gro: borrowing GROLite, in burst: inout Burst
  ) -> Int {
    let addresses = links[place].addresses
    let isCommon = network == 14 && version == 4
    var packets = burst.mutablePackets
    var (index, left, bytes) = (unit.first, unit.count, 0)
    while true {
      bytes &+= packets.packetLength(at: index)
      var frame = packets.mutableBytes(at: index)
      if isCommon {
        frame.forwardIPv4(to: addresses)
      } else {
        frame.setEthernetAddresses(addresses)
        frame.decrementHopLimit(at: network, version: version)
      }
      left &-= 1
      guard left > 0 else { return bytes }
      index = gro.next(after: index)
    }
  }

  /// The same of one untagged IPv4 packet.
  @inlinable @inline(__always)
  func rewrite(plain frame: inout MutableRawSpan, for place: Int) { frame.forwardIPv4(to: links[place].addresses) }

  /// What packets get that were rewritten for a hop.
  @inlinable @inline(__always)
  func verdict(_ place: Int) -> Verdict { .forward(to: links[place].port) }

  /// The port of a hop that `plainHop` has found.
  @inlinable @inline(__always)
  func port(_ place: Int) -> UInt8 { links[place].port }

  @inlinable static var noPlainHop: Int { -1 }

  /// The next hop of packets that need new MAC addresses and a lower hop limit, and nothing else: nearly all. Of others
  /// `noPlainHop`.
  @inlinable @inline(__always)
  func plainHop(_ summary: borrowing PacketSummary) -> Int {
    let value = lookup(summary.key)
    guard value != IPv4RouteTable.View.noRoute else { return Self.noPlainHop }
    let link = links[Int(value)]
    guard summary.timeToLive > 1, summary.ipLength <= Int(link.mtu), summary.vlanTags == 0,
      !summary.flags.contains(.ipv4ChecksumBad), !summary.isMalformed, !summary.isMartian
    else { return Self.noPlainHop }
    return Int(value)
  }

  /// What `plainHop` has none for.
  @usableFromInline @inline(never)
  mutating func routeOtherwise(
    _ unit: GROUnit, _ summary: PacketSummary, _ gro: borrowing GROLite, _ burst: inout Burst,
    _ answers: inout AnswerQueue
  ) -> Verdict {
    let value = lookup(summary.key)
    // The host's own stack looks at what is for it.
    if value == IPv4RouteTable.View.noRoute || hops[Int(value)].kind != .host {
      if summary.malformation.forbidsRouting { return .drop(.malformed(summary.malformation)) }
      if summary.isMartian { return .drop(.martian) }
    }
    guard value != IPv4RouteTable.View.noRoute else {
      return refuse(summary, unit, summary.isIP ? .noRoute : nil, .noRoute, &burst, &answers)
    }
    return routeWithCare(unit, summary, gro, &burst, hops[Int(value)], &answers)
  }

  /// The port that a packet's route leads to; nil: there is no route.
  func port(_ key: FlowKey) -> UInt8? {
    let value = lookup(key)
    return value == IPv4RouteTable.View.noRoute ? nil : hops[Int(value)].port
  }

  /// The port that packets to a destination leave by, or would if their neighbour were known; nil: they don't leave.
  func egress(_ key: FlowKey) -> UInt8? {
    let value = lookup(key)
    guard value != IPv4RouteTable.View.noRoute else { return nil }
    let hop = hops[Int(value)]
    return hop.kind == .neighbour || hop.kind == .unresolved ? hop.port : nil
  }

  /// The next hop for a destination; `noRoute`: there is none, or it is not IP.
  @inlinable @inline(__always)
  func lookup(_ key: FlowKey) -> UInt32 {
    // Both tables answer the same number for "none".
    var value = IPv4RouteTable.View.noRoute
    if key.version == 4 {
      value = ipv4.lookup(key.destinationIPv4)
    } else if key.version == 6 {
      value = ipv6.lookup(key.destinationIPv6)
    }
    return value
  }

  /// What is seldom: VLAN tags on either side, and all that ends in an answer.
  private mutating func routeWithCare(
    _ unit: GROUnit, _ summary: PacketSummary, _ gro: borrowing GROLite, _ burst: inout Burst, _ hop: NextHop,
    _ answers: inout AnswerQueue
  ) -> Verdict {
    if hop.kind == .host { return Self.forHost }
    guard !summary.flags.contains(.ipv4ChecksumBad) else { return .drop(.ipv4Checksum) }
    guard summary.timeToLive > 1 else {
      return refuse(summary, unit, .timeExceeded, .hopLimit, &burst, &answers)
    }
    switch hop.kind {
    case .unreachable: return refuse(summary, unit, .noRoute, .refusedByRoute, &burst, &answers)
    case .prohibited: return refuse(summary, unit, .prohibited, .refusedByRoute, &burst, &answers)
    case .blackhole: return .drop(.refusedByRoute)
    case .unresolved:
      let error = answersUnresolved ? ICMPError.addressUnreachable : nil
      return refuse(summary, unit, error, .neighbourUnknown, &burst, &answers)
    case .neighbour, .host: break
    }
    guard summary.ipLength <= Int(hop.mtu) else {
      let mayBeToldOf = summary.key.version == 6 || summary.dontFragment
      let error = mayBeToldOf ? ICMPError.tooBig(mtu: hop.mtu) : nil
      return refuse(summary, unit, error, .needsFragmentation, &burst, &answers)
    }
    var isWhole = true
    gro.forEachPacket(of: unit) { index in
      isWhole = rewrite(index, &burst, hop, summary) && isWhole
    }
    return isWhole ? .forward(to: hop.port) : .drop(.noHeadroom)
  }

  /// What becomes of packets whose route leads to the host: the stage has no way there of its own.
  static var forHost: Verdict { .drop(.noHost) }

  /// Rewrites one packet, its VLAN tags included.
  private mutating func rewrite(_ index: Int, _ burst: inout Burst, _ hop: NextHop, _ summary: PacketSummary) -> Bool {
    var frame = burst.mutableBytes(index)
    frame.decrementHopLimit(at: Int(summary.networkOffset), version: summary.key.version)
    for _ in 0..<summary.vlanCount { _ = burst.removeVLAN(index) }
    guard hop.vlan == 0 || burst.setVLAN(index, to: hop.vlan) else { return false }
    var link = burst.mutableBytes(index)
    link.setEthernetAddresses(destination: hop.destination, source: hop.source)
    return true
  }

  /// Drops a unit, and tells its sender if there is something to tell: once for all of its packets.
  private mutating func refuse(
    _ summary: PacketSummary, _ unit: GROUnit, _ error: ICMPError?, _ reason: DropReason, _ burst: inout Burst,
    _ answers: inout AnswerQueue
  ) -> Verdict {
    if let error, Int(burst.port) < routers.count {
      answers.add(
        error, about: burst.bytes(unit.first), summary, from: routers[Int(burst.port)], port: burst.port,
        now: burst.now)
    }
    return .drop(reason)
  }
}
