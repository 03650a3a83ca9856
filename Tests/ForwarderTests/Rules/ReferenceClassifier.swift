import Forwarder
import PacketHeaders

/// What a test knows of a packet that is not in its bytes.
struct SampleContext: RuleContext {
  var keys: [UInt8: UInt64] = [:]
  /// By number.
  var sets: [[RulePrefix]] = []

  func metadata(_ key: UInt8) -> UInt64? { keys[key] }
  func contains(_ address: UInt32, inSet set: Int) -> Bool {
    sets[set].contains { ReferenceClassifier.contains($0, UInt128(address), isIPv6: false) }
  }
  func contains(_ address: UInt128, inSet set: Int) -> Bool {
    sets[set].contains { ReferenceClassifier.contains($0, address, isIPv6: true) }
  }
}

/// A packet with all that rules may ask about.
struct RulePacket {
  var frame: [UInt8]
  var summary: PacketSummary
  var length: Int
  var ingressPort: UInt8 = 0
  var context = SampleContext()

  init(_ frame: [UInt8], link: PacketSummary.LinkLayer = .ethernet) {
    self.frame = frame
    length = frame.count
    summary = PacketSummary(frame.packet, link: link)
  }
}

/// Rules as they are written, one after the other: slow and plain. Reads the link header, flags and ICMP off the frame's bytes.
struct ReferenceClassifier {
  let rules: [Rule]
  let sets: [String]

  init(_ set: RuleSet) {
    rules = set.rules
    sets = set.prefixSets
  }

  func firstMatch(_ packet: RulePacket, from first: Int = 0) -> Int? {
    for number in rules.indices.dropFirst(first) where matches(rules[number].match, packet) { return number }
    return nil
  }

  func matches(_ match: RuleMatch, _ packet: RulePacket) -> Bool {
    matchesLink(match, packet) && matchesNetwork(match, packet) && matchesTransport(match, packet)
      && match.metadata.allSatisfy { pattern in
        guard let value = packet.context.keys[pattern.key] else { return false }
        return (value & pattern.mask == pattern.value) != pattern.isNegated
      }
  }

  /// - Parameter value: nil if the packet doesn't have the field.
  func met<Value, Field>(_ condition: Condition<Value>?, _ field: Field?, _ isIn: (Value, Field) -> Bool) -> Bool {
    guard let condition else { return true }
    guard let field else { return false }
    return condition.values.contains { isIn($0, field) } != condition.isNegated
  }

  func met<Value>(_ condition: Condition<Value>?, _ field: Value?) -> Bool { met(condition, field) { $0 == $1 } }

  func matchesLink(_ match: RuleMatch, _ packet: RulePacket) -> Bool {
    let (summary, frame) = (packet.summary, packet.frame)
    let isEthernet = summary.networkOffset != 0 && frame.count >= 14
    let areTagsWhole = ![.ethernetTruncated, .vlanTruncated].contains(summary.malformation)
    let tag = isEthernet && summary.vlanTags != 0 ? UInt16(frame[14]) << 8 | UInt16(frame[15]) : nil
    let destination = isEthernet ? Self.number(frame[0..<6]) : nil
    let source = isEthernet ? Self.number(frame[6..<12]) : nil
    let hasType = isEthernet && areTagsWhole && summary.malformation != .vlanTooDeep
    let type = hasType ? UInt16(Self.number(frame[Int(summary.networkOffset) - 2..<Int(summary.networkOffset)])) : nil
    // The id of a tag, or -1 for none.
    let vlan = tag.map { Int($0 & 0xFFF) } ?? (areTagsWhole ? -1 : nil)
    return met(match.ingressPort, packet.ingressPort) && met(match.length, packet.length) { $0.contains(UInt16($1)) }
      && met(match.destinationMAC, destination) { $1 & $0.mask == $0.address & $0.mask }
      && met(match.sourceMAC, source) { $1 & $0.mask == $0.address & $0.mask }
      && met(match.etherType, type) && met(match.vlanPriority, tag.map { UInt8($0 >> 13) })
      && met(match.vlan, vlan) { pattern, id in
        switch pattern {
        case .untagged: id < 0
        case .tagged: id >= 0
        case .ids(let range): id >= 0 && range.contains(UInt16(id))
        }
      }
  }

  func matchesNetwork(_ match: RuleMatch, _ packet: RulePacket) -> Bool {
    let (summary, key) = (packet.summary, packet.summary.key)
    let isVersion6 = key.version == 6
    let version = key.version == 0 ? nil : key.version
    let isChainBad = [
      Malformation.ipv6PayloadPastFrame, .ipv6Jumbogram, .ipv6ExtensionTruncated, .ipv6ExtensionOptionOverrun,
      .ipv6ExtensionChain, .ipv6ExtensionOrder,
    ].contains(summary.malformation)
    let isHeaderBad =
      isChainBad
      || [.ipv4HeaderLength, .ipv4HeaderPastFrame, .ipv4TotalLengthSmall, .ipv4TotalLengthPastFrame]
        .contains(summary.malformation)
      || [.ipv4OptionLength, .ipv4OptionOverrun, .ipv4Truncated, .ipv6Truncated].contains(summary.malformation)
    let hasAddresses = summary.flags.contains(.addresses)
    let source = isVersion6 ? key.sourceIPv6 : UInt128(key.sourceIPv4)
    let destination = isVersion6 ? key.destinationIPv6 : UInt128(key.destinationIPv4)
    func met(_ prefixes: Condition<RulePrefix>?, _ names: Condition<String>?, _ address: UInt128) -> Bool {
      let address = hasAddresses ? address : nil
      return self.met(prefixes, address) { Self.contains($0, $1, isIPv6: isVersion6) }
        && self.met(names, address) { name, address in
          packet.context.sets[sets.firstIndex(of: name)!].contains { Self.contains($0, address, isIPv6: isVersion6) }
        }
    }
    return self.met(match.ipVersion, version)
      && self.met(match.ipProtocol, version == nil || isChainBad ? nil : key.ipProtocol)
      && met(match.source, match.sourceSet, source) && met(match.destination, match.destinationSet, destination)
      && (match.isFragment == nil
        || version != nil && !isHeaderBad && match.isFragment == summary.flags.contains(.fragment))
  }

  func matchesTransport(_ match: RuleMatch, _ packet: RulePacket) -> Bool {
    let (summary, key) = (packet.summary, packet.summary.key)
    let hasPorts = summary.flags.contains(.flow)
    let isWhole = !summary.isMalformed && !summary.flags.contains(.fragment)
    let isICMP = key.version == 4 && key.ipProtocol == .icmp || key.version == 6 && key.ipProtocol == .icmpv6
    let start = Int(summary.transportOffset)
    let icmp = isWhole && isICMP ? packet.frame[start..<start + 2] : nil
    let flags = isWhole && key.ipProtocol == .tcp ? packet.frame[start + 13] : nil
    return met(match.sourcePort, hasPorts ? key.sourcePort : nil) { $0.contains($1) }
      && met(match.destinationPort, hasPorts ? key.destinationPort : nil) { $0.contains($1) }
      && met(match.icmpType, icmp?.first) && met(match.icmpCode, icmp?.last)
      && met(match.tcpFlags, flags) { $1 & $0.mask.rawValue == $0.value.rawValue }
  }

  static func contains(_ prefix: RulePrefix, _ address: UInt128, isIPv6: Bool) -> Bool {
    switch prefix {
    case .ipv4(let base, let length):
      !isIPv6 && (length == 0 || (UInt32(address) ^ base) >> (32 - length) == 0)
    case .ipv6(let base, let length):
      isIPv6 && (length == 0 || (address ^ base) >> (128 - length) == 0)
    }
  }

  static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}

/// Rules, compiled, and the same the slow way.
struct RulePair {
  let compiled: CompiledRules
  let reference: ReferenceClassifier

  init(_ set: RuleSet, ports: Int = 8) throws {
    let environment = RuleEnvironment(ports: ports, limiters: 4, prefixSets: Set(set.prefixSets))
    compiled = try CompiledRules(set, in: environment)
    reference = ReferenceClassifier(set)
  }

  func firstMatch(_ packet: RulePacket, from first: Int = 0) -> Int? {
    // The compiled rules live as long as this pair.
    let classifier = unsafe compiled.classifier
    return classifier.firstMatch(
      packet.summary, frame: packet.frame.packet, length: packet.length, ingressPort: packet.ingressPort,
      context: packet.context, from: first)
  }

  /// All matches in order, as non-terminal rules would see them.
  func allMatches(_ packet: RulePacket, limit: Int = .max) -> [Int] {
    var found: [Int] = []
    while found.count < limit, let next = firstMatch(packet, from: (found.last ?? -1) + 1) { found.append(next) }
    return found
  }
}
