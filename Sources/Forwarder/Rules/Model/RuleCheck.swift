import PacketHeaders
import XSKEngine

/// Looks at one rule, and collects what is wrong.
struct RuleCheck {
  var subject: String
  let environment: RuleEnvironment
  private(set) var problems: [XSKError] = []

  init(subject: String, _ environment: RuleEnvironment) {
    self.subject = subject
    self.environment = environment
  }

  init(_ rule: Rule, _ place: Int, _ environment: RuleEnvironment) {
    self.init(subject: rule.name.isEmpty ? "rule \(place + 1)" : "rule \(place + 1) \"\(rule.name)\"", environment)
  }

  mutating func report(_ problem: String, remedy: String) {
    problems.append(XSKError(subject, problem, remedy: remedy))
  }

  mutating func checkName(_ name: String, takenBy other: Int?) {
    if let other { report("rule \(other + 1) has the same name", remedy: "give each rule a name of its own") }
    checkWord(name, "its name")
  }

  /// Names stand in counters, metrics and command lines, so they are words.
  mutating func checkWord(_ word: String, _ what: String) {
    let isGood = (1...64).contains(word.utf8.count) && word.utf8.allSatisfy(Self.isWordByte)
    guard !isGood else { return }
    report("\(what) \"\(word)\" is not a word", remedy: "use 1 to 64 letters, digits, _ - and .")
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
      true
    default: false
    }
  }
}

// MARK: Actions

extension RuleCheck {
  mutating func checkActions(_ actions: [RuleAction]) {
    if actions.isEmpty { report("it has no action", remedy: "add one: drop, forward, host, count, …") }
    for action in actions.dropLast() where action.isTerminal {
      report("actions follow \(action), which ends the packet's way", remedy: "put it last, or take the others out")
    }
    for action in actions.dropLast() {
      if case .skip(let rule) = action {
        report("actions follow the skip to rule \(rule + 1)", remedy: "put it last, or take the others out")
      }
    }
    for action in actions { checkAction(action) }
  }

  /// Only forward: a packet's way ends.
  mutating func checkSkips(_ actions: [RuleAction], from place: Int, of count: Int) {
    for case .skip(let rule) in actions where !(place + 1...count).contains(rule) {
      report("it skips to rule \(rule + 1)", remedy: "name one behind it, or \(count + 1): the default")
    }
  }

  mutating func checkLastResort(_ action: RuleAction) {
    if !action.isTerminal {
      report(
        "\(action) lets the packet go on, and nothing follows", remedy: "use drop, forward, reflect, route or host")
    }
    checkAction(action)
  }

  private mutating func checkAction(_ action: RuleAction) {
    switch action {
    case .drop(let reason): checkReason(reason)
    case .forward(let port): checkNumber(port, "forwards to port", below: environment.ports, "ports")
    case .reflect, .route, .host, .setVLAN(.remove), .setMark, .skip: break
    case .rateLimit(let limiter, let excess):
      checkNumber(limiter, "uses rate limiter", below: environment.limiters, "rate limiters")
      checkReason(excess)
    case .sample(let oneIn):
      if oneIn < 1 || oneIn > Int(UInt32.max) {
        report("it samples one packet in \(oneIn)", remedy: "use 1 to \(UInt32.max)")
      }
    case .count(let name): checkWord(name, "the counter")
    case .setVLAN(.tag(let id, let priority)):
      if !(0...4094).contains(id) { report("it sets VLAN \(id)", remedy: "use 0 to 4094") }
      if let priority, !(0...7).contains(priority) {
        report("it sets VLAN priority \(priority)", remedy: "use 0 to 7")
      }
    }
  }

  private mutating func checkNumber(_ number: Int, _ what: String, below count: Int, _ those: String) {
    guard !(0..<max(0, count)).contains(number) else { return }
    report("it \(what) \(number)", remedy: count > 0 ? "use 0 to \(count - 1)" : "configure \(those) first")
  }

  /// The engine's and the pipeline's reasons are counted apart: an operator's reason of the same name would hide them. Two are
  /// what an operator means too.
  private mutating func checkReason(_ reason: String) {
    checkWord(reason, "the drop reason")
    guard !RuleSet.sharedReasons.contains(reason) else { return }
    let isTaken =
      DropReason.own.contains { $0.name == reason } || DropReason.pipelineNames.values.contains(reason)
    if isTaken { report("the drop reason \"\(reason)\" is one of the engine's own", remedy: "choose another name") }
  }
}

// MARK: Conditions

extension RuleCheck {
  mutating func checkMatch(_ match: RuleMatch) {
    checkAny(match.ingressPort, "ingress port") { _ in nil }
    checkMACs(match.sourceMAC, "source MAC")
    checkMACs(match.destinationMAC, "destination MAC")
    checkAny(match.vlan, "VLAN") { pattern in
      guard case .ids(let range) = pattern, range.upperBound > 4095 else { return nil }
      return ("\(range)", "use ids 0 to 4095")
    }
    checkAny(match.vlanPriority, "VLAN priority") { $0 > 7 ? ("\($0)", "use 0 to 7") : nil }
    checkAny(match.etherType, "EtherType") {
      $0 < 0x600 ? ("\($0)", "use 0x0600 to 0xffff; smaller ones are lengths") : nil
    }
    checkAny(match.ipVersion, "IP version") { $0 != 4 && $0 != 6 ? ("\($0)", "use 4 or 6") : nil }
    checkAny(match.ipProtocol, "protocol") { _ in nil }
    checkAny(match.source, "source", Self.prefixFault)
    checkAny(match.destination, "destination", Self.prefixFault)
    checkSets(match.sourceSet, "source set")
    checkSets(match.destinationSet, "destination set")
    checkAny(match.sourcePort, "source port") { _ in nil }
    checkAny(match.destinationPort, "destination port") { _ in nil }
    checkAny(match.length, "length") { _ in nil }
    checkAny(match.tcpFlags, "TCP flags") { pattern in
      let (value, mask) = (pattern.value.rawValue, pattern.mask.rawValue)
      if mask == 0 { return ("mask 0", "name the flags to look at") }
      return value & ~mask != 0 ? ("value \(value) with mask \(mask)", "the mask must cover the value") : nil
    }
    checkICMP(match)
    for pattern in match.metadata { checkMetadata(pattern) }
  }

  /// An empty condition would be met by nothing, negated by all that has the field: most likely a mistake.
  private mutating func checkAny<Value>(
    _ condition: Condition<Value>?, _ what: String, _ fault: (Value) -> (value: String, remedy: String)?
  ) {
    guard let condition else { return }
    if condition.values.isEmpty { report("its \(what) has no values", remedy: "name one, or leave the condition out") }
    for value in condition.values {
      guard let fault = fault(value) else { continue }
      report("\(what) \(fault.value) is out of range", remedy: fault.remedy)
    }
  }

  private static func prefixFault(_ prefix: RulePrefix) -> (value: String, remedy: String)? {
    let maximum = prefix.isIPv6 ? 128 : 32
    guard !(0...maximum).contains(prefix.length) else { return nil }
    return ("prefix length \(prefix.length)", "use 0 to \(maximum)")
  }

  /// One mask a condition: the compiled rules look at each mask by itself.
  private mutating func checkMACs(_ condition: Condition<MACPattern>?, _ what: String) {
    checkAny(condition, what) { pattern in
      let isWide = (pattern.address | pattern.mask) >> 48 != 0
      if isWide { return ("more than 48 bits", "use a MAC address of 6 bytes") }
      return pattern.mask == 0 ? ("mask 0", "leave the condition out") : nil
    }
    if Set((condition?.values ?? []).map(\.mask)).count > 1 {
      report("its \(what) has addresses with different masks", remedy: "write a rule for each mask")
    }
  }

  private mutating func checkSets(_ condition: Condition<String>?, _ what: String) {
    checkAny(condition, what) { _ in nil }
    for name in condition?.values ?? [] where !environment.prefixSets.contains(name) {
      report("there is no prefix set \"\(name)\"", remedy: "define it, or correct the name")
    }
  }

  /// The numbers mean something else in the other version: a rule must say which it means.
  private mutating func checkICMP(_ match: RuleMatch) {
    checkAny(match.icmpType, "ICMP type") { _ in nil }
    checkAny(match.icmpCode, "ICMP code") { _ in nil }
    guard match.icmpType != nil || match.icmpCode != nil else { return }
    let isClear = match.ipProtocol == .anyOf(.icmp) || match.ipProtocol == .anyOf(.icmpv6)
    if !isClear { report("it asks for an ICMP type or code", remedy: "set its protocol to icmp or to icmpv6") }
  }

  private mutating func checkMetadata(_ pattern: MetadataPattern) {
    if pattern.key > 63 { report("metadata key \(pattern.key) is out of range", remedy: "use 0 to 63") }
    if pattern.value & ~pattern.mask != 0 {
      report("metadata key \(pattern.key) can't have value \(pattern.value)", remedy: "let the mask cover the value")
    }
  }
}
