import Forwarder
import PacketHeaders
import PacketSamples
import XSKEngine

/// A configuration carried out packet by packet, as it is written: slow and plain. Rules one after the other, routes by looking
/// through all of them, headers rewritten a byte at a time.
///
/// Limits have as many tokens as their burst, and never get another one: a test has to stop the time.
struct ReferencePipeline {
  let configuration: ForwarderConfiguration
  let classifier: ReferenceClassifier
  /// Knows the sets of access lists' rules, too.
  let accessClassifier: ReferenceClassifier
  /// The prefix sets' prefixes, by their numbers in the rules.
  let sets: [[RulePrefix]]
  let router: ReferenceRouter

  /// Frames by port, in order.
  private(set) var sent: [[[UInt8]]]
  /// Packets by ingress port and reason.
  private(set) var drops: [[DropReason: UInt64]]
  private(set) var rules: [RuleCount]
  private(set) var defaultAction = RuleCount()
  private(set) var malformed = RuleCount()
  private(set) var counters: [String: RuleCount] = [:]
  private(set) var passed: [RuleCount]
  private(set) var exceeded: [RuleCount]
  private var tokens: [Bucket: Int] = [:]
  private let reasons: [String: DropReason]
  /// Where access lists' rules are counted, by their names.
  private let accessPlaces: [String: Int]

  private struct Bucket: Hashable {
    var limiter: Int
    var flow: FlowKey?
  }

  init(_ configuration: ForwarderConfiguration, facts: [PortFacts]) throws {
    self.configuration = configuration
    reasons = try configuration.dropReasons
    classifier = ReferenceClassifier(configuration.rules)
    // In the order in which they are counted, behind the rule set's.
    let listed = configuration.access.sorted { $0.key < $1.key }.flatMap { _, access in
      [access.arriving, access.leaving].compactMap { $0 }.flatMap(\.rules)
    }
    let all = RuleSet(configuration.rules.rules + listed.map { Rule($0.name, $0.match, .reflect) })
    accessClassifier = ReferenceClassifier(all)
    accessPlaces = Dictionary(
      uniqueKeysWithValues: listed.enumerated().map { ($1.name, configuration.rules.rules.count + $0) })
    sets = all.prefixSets.map { name in
      let set = configuration.sets.first { $0.name == name } ?? NamedPrefixes(name)
      return set.ipv4.map(RulePrefix.init) + set.ipv6.map(RulePrefix.init)
    }
    router = ReferenceRouter(configuration, facts: facts)
    sent = configuration.ports.map { _ in [] }
    drops = configuration.ports.map { _ in [:] }
    rules = all.rules.map { _ in RuleCount() }
    passed = configuration.limiters.map { _ in RuleCount() }
    exceeded = passed
  }

  /// What actions have said so far.
  private struct Progress {
    var tag: RuleAction.VLANAction?
    var mark: UInt32?
  }

  mutating func handle(_ frame: [UInt8], on port: Int) {
    var packet = RulePacket(frame)
    packet.ingressPort = UInt8(port)
    packet.context.sets = sets
    var progress = Progress()
    var first = 0
    while true {
      let found = classifier.firstMatch(packet, from: first)
      let actions = actions(found, packet)
      first = (found ?? 0) + 1
      for action in actions {
        if case .skip(let rule) = action { first = rule }
        if carryOut(action, packet, &progress, on: port) { return }
      }
      if let mark = progress.mark { packet.context.keys[MetadataKey.mark.number] = UInt64(mark) }
    }
  }

  /// The actions of a rule, or of the last resort; counts that it was asked.
  private mutating func actions(_ rule: Int?, _ packet: RulePacket) -> [RuleAction] {
    if let rule {
      rules[rule].add(packet)
      return configuration.rules.rules[rule].actions
    }
    guard packet.summary.isMalformed else {
      defaultAction.add(packet)
      return [configuration.rules.defaultAction]
    }
    malformed.add(packet)
    return [configuration.rules.malformedAction ?? .drop("malformed")]
  }

  /// - Returns: true if the packet goes no further.
  private mutating func carryOut(_ action: RuleAction, _ packet: RulePacket, _ progress: inout Progress, on port: Int)
    -> Bool
  {
    switch action {
    case .drop(let name): drop(reason(name, packet), port)
    case .forward(let egress): send(packet.frame, progress, to: egress, from: port)
    case .reflect: send(packet.frame, progress, to: port, from: port)
    case .host: drop(.noHost, port)
    case .route:
      if let reason = refusal(packet, progress, on: port) {
        drop(reason, port)
        return true
      }
      switch router.route(packet.frame, packet.summary) {
      case .refused(let reason): drop(reason, port)
      case .sent(let frame, let egress): send(frame, progress, to: egress, from: port)
      }
    case .rateLimit(let limiter, let excess):
      guard take(packet, limiter) else {
        drop(reason(excess, packet), port)
        return true
      }
      return false
    case .count(let name):
      counters[name, default: RuleCount()].add(packet)
      return false
    case .setVLAN(let tag):
      progress.tag = tag
      return false
    case .setMark(let value, let mask):
      progress.mark = (progress.mark ?? 0) & ~mask | value & mask
      return false
    case .sample, .skip: return false
    }
    return true
  }

  /// Why a packet that is to be routed doesn't pass the access lists of the ports that it comes in on and leaves by.
  private mutating func refusal(_ packet: RulePacket, _ progress: Progress, on port: Int) -> DropReason? {
    var packet = packet
    if let mark = progress.mark { packet.context.keys[MetadataKey.mark.number] = UInt64(mark) }
    if let reason = refusal(packet, configuration.access[port]?.arriving) { return reason }
    guard let egress = router.egress(packet.summary) else { return nil }
    return refusal(packet, configuration.access[egress]?.leaving)
  }

  private mutating func refusal(_ packet: RulePacket, _ list: AccessList?) -> DropReason? {
    guard let list else { return nil }
    if let rule = list.rules.first(where: { accessClassifier.matches($0.match, packet) }) {
      rules[accessPlaces[rule.name] ?? 0].add(packet)
      if let drop = rule.drop { return reason(drop, packet) }
    }
    // Both or neither.
    for limiter in [list.packets, list.bits].compactMap(\.self) where !hasRoom(packet, limiter) {
      exceeded[limiter].add(packet)
      return reason(configuration.limiters[limiter].excess, packet)
    }
    for limiter in [list.packets, list.bits].compactMap(\.self) { spend(packet, limiter) }
    return nil
  }

  private func reason(_ name: String, _ packet: RulePacket) -> DropReason {
    if name == "malformed" { return .malformed(packet.summary.malformation) }
    return reasons[name] ?? .policy
  }

  private mutating func drop(_ reason: DropReason, _ port: Int) { drops[port][reason, default: 0] += 1 }

  private mutating func take(_ packet: RulePacket, _ number: Int) -> Bool {
    guard hasRoom(packet, number) else {
      exceeded[number].add(packet)
      return false
    }
    spend(packet, number)
    return true
  }

  private func bucket(_ packet: RulePacket, _ number: Int) -> Bucket {
    Bucket(limiter: number, flow: configuration.limiters[number].key == nil ? nil : packet.summary.key)
  }

  private func cost(_ packet: RulePacket, _ number: Int) -> Int {
    configuration.limiters[number].limit.unit == .packets ? 1 : packet.frame.count * 8
  }

  /// A packet larger than a burst takes the whole of it.
  private func hasRoom(_ packet: RulePacket, _ number: Int) -> Bool {
    let burst = configuration.limiters[number].limit.burst
    return min(cost(packet, number), burst) <= tokens[bucket(packet, number)] ?? burst
  }

  private mutating func spend(_ packet: RulePacket, _ number: Int) {
    passed[number].add(packet)
    tokens[bucket(packet, number), default: configuration.limiters[number].limit.burst] -= cost(packet, number)
  }

  private mutating func send(_ frame: [UInt8], _ progress: Progress, to egress: Int, from port: Int) {
    guard let tag = progress.tag else { return sent[egress].append(frame) }
    guard let tagged = ReferenceRouter.retagged(frame, tag) else { return drop(.noHeadroom, port) }
    sent[egress].append(tagged)
  }
}

extension RuleCount {
  fileprivate mutating func add(_ packet: RulePacket) {
    packets += 1
    bytes += UInt64(packet.frame.count)
  }
}
