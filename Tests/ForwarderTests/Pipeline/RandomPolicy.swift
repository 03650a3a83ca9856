import PacketHeaders
import PacketSamples
import XSKEngine

@testable import Forwarder

/// Random policies and traffic out of the small world of `RandomRules`: three ports, a few sets, routes and limiters.
struct RandomPolicy {
  var world: RandomRules
  /// Limits are for each flow: GRO changes the order of packets of different flows.
  let limitsFlows: Bool
  /// Each is for one rule: a unit takes all of its tokens from one limiter before it comes to the next, so a limiter that is met
  /// twice would pass others than if each packet had come by itself.
  private var unusedLimiters: [Int] = []
  static let facts = [1, 2, 3].map { PortFacts(mac: 0x0200_0000_0A00 | $0, mtu: 1500) }

  init(_ seed: UInt64, limitsFlows: Bool) {
    world = RandomRules(seed)
    self.limitsFlows = limitsFlows
  }

  /// Ports, sets and routes, and tables of the routes: a few, which worlds share, as the tables take their time.
  struct Network: Sendable {
    var configuration: ForwarderConfiguration
    var routes: Routes

    init(_ number: UInt64) throws {
      var random = RandomPolicy(number << 32, limitsFlows: false)
      configuration = random.network()
      routes = try configuration.makeRoutes(RandomPolicy.facts)
    }
  }

  private mutating func network() -> ForwarderConfiguration {
    var configuration = ForwarderConfiguration(ports: (0..<3).map { ForwarderPort("p\($0)", device: "sim\($0)") })
    for port in 0..<3 {
      configuration.ports[port].vlan = world.random.once(in: 4) ? 7 : nil
      configuration.ports[port].mtu = world.random.once(in: 4) ? 120 : nil
    }
    configuration.sets = RandomRules.setNames.map { name in
      let prefixes = (0..<4).map { _ in prefix() }
      return NamedPrefixes(
        name, ipv4: prefixes.compactMap { if case .ipv4(let prefix) = $0 { prefix } else { nil } },
        ipv6: prefixes.compactMap { if case .ipv6(let prefix) = $0 { prefix } else { nil } })
    }
    addRoutes(to: &configuration)
    return configuration
  }

  /// - Parameter usesSets: rules may ask for prefix sets, which are made for each world.
  mutating func configuration(
    _ network: Network, rules count: Int, gro: Bool, limiters: Int, usesSets: Bool
  ) throws -> ForwarderConfiguration {
    var configuration = network.configuration
    configuration.engine.gro = gro ? .chain : nil
    configuration.limiters = try (0..<limiters).map {
      let limit = try RateLimit(.packets, perSecond: 1, burst: world.number(1...40))
      return RateLimiter("l\($0)", limit, forEach: limitsFlows ? .flow : nil)
    }
    unusedLimiters = Array(0..<limiters)
    let rules = (0..<count).map { number in
      var match = world.random.once(in: 12) ? RuleMatch() : world.match()
      if !usesSets { (match.sourceSet, match.destinationSet) = (nil, nil) }
      var actions = actions()
      if actions.last?.isTerminal != true, world.random.once(in: 3) {
        actions.append(.skip(to: world.number(number + 1...count)))
      }
      return Rule("r\(number)", match, actions)
    }
    let malformed = world.random.once(in: 2) ? terminal() : nil
    configuration.rules = RuleSet(rules, default: terminal(), malformed: malformed)
    for port in 0..<3 {
      let access = PortAccess(
        arriving: try accessList("\(port)i", rules: count, usesSets: usesSets, limiters > 0, &configuration),
        leaving: try accessList("\(port)o", rules: count, usesSets: usesSets, limiters > 0, &configuration))
      if access != PortAccess() { configuration.access[port] = access }
    }
    return configuration
  }

  /// Some are the same as others but for names and limits; of many rules they take more than one word.
  private mutating func accessList(
    _ name: String, rules: Int, usesSets: Bool, _ isLimited: Bool, _ configuration: inout ForwarderConfiguration
  ) throws -> AccessList? {
    guard !world.random.once(in: 3) else { return nil }
    var matches = configuration.access.values.compactMap(\.arriving).first?.rules.map(\.match) ?? []
    if matches.isEmpty || !world.random.once(in: 4) {
      matches = (0..<world.number(0...(rules < 30 ? 4 : 50))).map { _ in
        var match = world.match()
        if !usesSets { (match.sourceSet, match.destinationSet) = (nil, nil) }
        return match
      }
    }
    var list = AccessList()
    for (number, match) in matches.enumerated() {
      let drop = world.random.once(in: 2) ? reason() : nil
      list.rules.append(AccessList.Rule("a\(name)\(number)", match, drop: drop))
    }
    if isLimited && !limitsFlows { try addLimits(to: &list, name, &configuration) }
    return list
  }

  /// In packets, in bits, both, or none.
  private mutating func addLimits(
    to list: inout AccessList, _ name: String, _ configuration: inout ForwarderConfiguration
  ) throws {
    if world.random.once(in: 2) {
      list.packets = configuration.limiters.count
      let limit = try RateLimit(.packets, perSecond: 1, burst: world.number(1...40))
      configuration.limiters.append(RateLimiter("a\(name)p", limit, excess: reason()))
    }
    if world.random.once(in: 2) {
      list.bits = configuration.limiters.count
      // No whole bytes: what clocks round makes no difference.
      let limit = try RateLimit(.bits, perSecond: 1000, burst: 12_148 + 8 * world.number(0...2000))
      configuration.limiters.append(RateLimiter("a\(name)b", limit, excess: reason()))
    }
  }

  /// Nothing but lists' limits, and rules that leave most of what `runs` has to them.
  mutating func limitedLists() throws -> ForwarderConfiguration {
    var configuration = AccessListTests.configuration([:])
    let matches = [
      AccessListTests.udp, AccessListTests.web, RuleMatch { $0.tcpFlags = [TCPFlagsPattern(.psh, mask: .psh)] },
    ]
    for port in 0..<3 {
      var access = PortAccess()
      for (name, list) in [("\(port)i", \PortAccess.arriving), ("\(port)o", \.leaving)] {
        guard !world.random.once(in: 4) else { continue }
        var made = AccessList()
        for (number, match) in matches.enumerated() where world.random.once(in: 3) {
          let drop = world.random.once(in: 2) ? reason() : nil
          made.rules.append(AccessList.Rule("a\(name)\(number)", match, drop: drop))
        }
        try addLimits(to: &made, name, &configuration)
        access[keyPath: list] = made
      }
      configuration.access[port] = access
    }
    return configuration
  }

  /// Packets of one flow and one size each, which GRO makes few units of.
  mutating func runs() -> [(port: Int, frames: [[UInt8]])] {
    (0..<world.number(2...8)).map { number in
      let size = world.number(1...900)
      let (host, port) = (UInt8(world.number(0...2)), UInt16([22, 80][world.number(0...1)]))
      let isUDP = world.random.once(in: 4)
      let count = world.number(1...40)
      let pushed = world.number(1...80)
      let frames = PipelineTests.stream(count, port: UInt16(number)) {
        $0.destinationHost = host
        $0.destinationPort = port
        if isUDP { $0.transport = .udp }
        if Int($0.identification) + 1 == pushed { $0.tcpFlags |= 0x08 }
        $0.sequence = $0.sequence / 100 * UInt32(size)
        $0.payload = SamplePacket.fill(size, from: number)
      }
      return (world.number(0...2), frames)
    }
  }

  /// The same lists: of port 0 they ask for protocol and ports only, of port 1 for the flow.
  static func plain(_ access: [Int: PortAccess]) -> [Int: PortAccess] {
    func plain(_ list: AccessList?, _ port: Int) -> AccessList? {
      guard var list, port < 2 else { return list }
      for place in list.rules.indices {
        list.rules[place].match = list.rules[place].match.flowPart
        guard port == 0 else { continue }
        (list.rules[place].match.source, list.rules[place].match.destination) = (nil, nil)
        (list.rules[place].match.sourceSet, list.rules[place].match.destinationSet) = (nil, nil)
      }
      return list
    }
    return Dictionary(
      uniqueKeysWithValues: access.map { port, access in
        (port, PortAccess(arriving: plain(access.arriving, port), leaving: plain(access.leaving, port)))
      })
  }

  /// The same rules, each for port 2 or for tagged packets only.
  static func bound(_ set: RuleSet) -> RuleSet {
    var set = set
    for number in set.rules.indices {
      if number % 3 == 0 {
        set.rules[number].match.vlan = [.tagged]
      } else {
        set.rules[number].match.ingressPort = number % 3 == 1 ? [2] : .noneOf(0, 1)
      }
    }
    return set
  }

  /// The same rules without what plain packets would have to be looked at more closely for.
  static func plain(_ set: RuleSet) -> RuleSet {
    let rules = set.rules.map { rule in
      let actions = rule.actions.compactMap { plain($0) }
      return Rule(rule.name, rule.match.flowPart, actions.isEmpty ? [.route] : actions)
    }
    return RuleSet(rules, default: plain(set.defaultAction) ?? .route, malformed: set.malformedAction)
  }

  private static func plain(_ action: RuleAction) -> RuleAction? {
    switch action {
    case .drop, .forward, .reflect, .route, .rateLimit, .count, .skip: action
    case .host: .route
    case .sample, .setVLAN, .setMark: nil
    }
  }

  private mutating func actions() -> [RuleAction] {
    var actions: [RuleAction] = []
    for _ in 0..<world.number(0...2) {
      switch world.number(unusedLimiters.isEmpty ? 2...6 : 0...6) {
      case 0, 1: actions.append(.rateLimit(limiter: unusedLimiters.removeLast(), excess: reason()))
      case 2: actions.append(.setVLAN(world.random.once(in: 3) ? .remove : tag()))
      case 3:
        actions.append(.setMark(UInt32(world.number(0...3)) * 0x11, mask: [.max, 0xF0, 0x0F][world.number(0...2)]))
      case 4: actions.append(.sample(oneIn: 3))
      default: actions.append(.count(["n", "m"][world.number(0...1)]))
      }
    }
    if actions.isEmpty || world.random.once(in: 2) { actions.append(terminal()) }
    return actions
  }

  private mutating func tag() -> RuleAction.VLANAction {
    .tag(id: world.number(0...13), priority: world.random.once(in: 2) ? world.number(0...7) : nil)
  }

  private mutating func reason() -> String { ["policy", "rate_limit", "a", "b", "c"][world.number(0...4)] }

  private mutating func terminal() -> RuleAction {
    switch world.number(0...9) {
    case 0, 1: .drop(reason())
    case 2: .reflect
    case 3: .host
    case 4, 5, 6: .route
    default: .forward(port: world.number(0...2))
    }
  }

  private mutating func prefix() -> AnyPrefix {
    switch world.prefix() {
    case .ipv4(let address, let length): .ipv4(IPv4Prefix(masking: address, length: length))
    case .ipv6(let address, let length): .ipv6(IPv6Prefix(masking: address, length: length))
    }
  }

  private mutating func addRoutes(to configuration: inout ForwarderConfiguration) {
    let hosts = [IPAddress("10.0.1.2"), IPAddress("10.0.0.9"), IPAddress("2001:db8::2")].compactMap(\.self)
    configuration.neighbours = hosts.prefix(world.number(1...3)).map {
      ConfiguredNeighbour($0, mac: mac(), port: world.number(0...2))
    }
    for _ in 0..<world.number(0...12) {
      var route = ConfiguredRoute(
        world.random.once(in: 5) ? .set(world.number(0...2)) : .prefix(prefix()), target(configuration.neighbours))
      if world.random.once(in: 3) { route.mtu = UInt16(world.number(60...260)) }
      if world.random.once(in: 3) { route.vlan = UInt16(world.number(0...9)) }
      configuration.routes.append(route)
    }
  }

  private mutating func mac() -> UInt64 { 0x0200_0000_0B00 | UInt64(world.number(0...255)) }

  private mutating func target(_ neighbours: [ConfiguredNeighbour]) -> ConfiguredRoute.Target {
    switch world.number(0...8) {
    case 0: .connected(port: world.number(0...2))
    case 1: .blackhole
    case 2: .unreachable
    case 3: .prohibited
    case 4: .gateway(neighbours[0].address, port: neighbours[0].port)
    default: .mac(mac(), port: world.number(0...2))
    }
  }

  /// Streams that merge, and between them all kinds of single packets, malformed ones too.
  mutating func frames(trouble: Bool, _ rules: RuleSet) -> [[UInt8]] {
    var frames = SampleTraffic(&world.random, trouble: trouble).packets.map(\.frame)
    for _ in 0..<world.number(5...40) {
      let single = world.packet(sets: rules).frame
      guard !single.isEmpty else { continue }
      frames.insert(single, at: world.number(0...frames.count))
    }
    return frames
  }
}
