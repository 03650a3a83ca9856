import Forwarder
import PacketHeaders
import XSKEngine

// What a rule asks of a packet.

extension ConfigurationReader {
  package mutating func readMatch(_ element: Element) -> RuleMatch {
    var match = RuleMatch()
    guard let fields = fields(element, .match) else { return match }
    let ports = portNames
    match.ingressPort = condition(fields["iif"], "the name of a port") { text throws(ValueFault) in
      let remedy = ports.isEmpty ? "take it out" : "use \(Words.list(ports))"
      return UInt8(clamping: try Self.place(of: text, in: ports, "there is no port of this name", remedy))
    }
    match.sourceMAC = condition(fields["ether-saddr"], "a MAC address", PacketValue.macPattern)
    match.destinationMAC = condition(fields["ether-daddr"], "a MAC address", PacketValue.macPattern)
    match.vlan = condition(fields["vlan"], "a VLAN id, none or any", PacketValue.vlan)
    match.vlanPriority = condition(fields["vlan-pcp"], "0 to 7") { text throws(ValueFault) in
      UInt8(try NumberValue.integer(text, 0...7))
    }
    match.etherType = condition(fields["ethertype"], "an EtherType", PacketValue.etherType)
    match.ipVersion = condition(fields["ip-version"], "4 or 6") { text throws(ValueFault) in
      guard text == "4" || text == "6" else { throw ValueFault("no IP version", "use 4 or 6") }
      return text == "4" ? 4 : 6
    }
    match.ipProtocol = condition(fields["protocol"], "a protocol", PacketValue.ipProtocol)
    match.source = condition(fields["saddr"], "a prefix", PacketValue.rulePrefix)
    match.destination = condition(fields["daddr"], "a prefix", PacketValue.rulePrefix)
    match.sourceSet = setCondition(fields["saddr-set"])
    match.destinationSet = setCondition(fields["daddr-set"])
    match.sourcePort = condition(fields["sport"], "a port number", Self.portRange)
    match.destinationPort = condition(fields["dport"], "a port number", Self.portRange)
    readICMP(fields, &match)
    match.tcpFlags = condition(fields["tcp-flags"], "flags such as syn / syn,ack", PacketValue.tcpFlags)
    match.isFragment = boolean(fields["fragment"])
    match.length = condition(fields["length"], "a number of bytes", Self.portRange)
    match.metadata = readMetadataPatterns(fields["metadata"])
    return match
  }

  private static func portRange(_ text: String) throws(ValueFault) -> ClosedRange<UInt16> {
    try NumberValue.range(text, 0...65_535)
  }

  private mutating func setCondition(_ element: Element?) -> Condition<String>? {
    let sets = setNames
    let condition: Condition<String>? = condition(element, "the name of a set") { text throws(ValueFault) in
      _ = try Self.place(
        of: text, in: sets, "there is no set of this name",
        sets.isEmpty ? "define it under sets" : "use \(Words.list(Array(sets.prefix(8))))")
      return text
    }
    usedSets.formUnion(condition?.values ?? [])
    return condition
  }

  /// A value, a list of values, or either below `not`.
  private mutating func condition<Value: Hashable & Sendable>(
    _ element: Element?, _ example: String, _ parse: (String) throws(ValueFault) -> Value
  ) -> Condition<Value>? {
    guard let element else { return nil }
    guard element.isMapping else { return values(element, example, parse).map { Condition($0) } }
    guard let negated = fields(element, .negation)?["not"] else { return nil }
    return values(negated, example, parse).map { Condition($0, isNegated: true) }
  }

  private mutating func values<Value>(
    _ element: Element, _ example: String, _ parse: (String) throws(ValueFault) -> Value
  ) -> [Value]? {
    guard let items = items(element) else { return nil }
    var values: [Value] = []
    for item in items {
      if let value = value(item, example, parse) { values.append(value) }
    }
    return values.isEmpty ? nil : values
  }

  /// Names of types depend on the protocol.
  private mutating func readICMP(_ fields: Fields, _ match: inout RuleMatch) {
    let isIPv6: Bool? =
      match.ipProtocol == .anyOf(.icmp) ? false : match.ipProtocol == .anyOf(.icmpv6) ? true : nil
    match.icmpType = condition(fields["icmp-type"], "an ICMP type") { text throws(ValueFault) in
      try PacketValue.icmpType(text, isIPv6: isIPv6)
    }
    match.icmpCode = condition(fields["icmp-code"], "an ICMP code") { text throws(ValueFault) in
      UInt8(try NumberValue.integer(text, 0...255))
    }
  }

  private mutating func readMetadataPatterns(_ element: Element?) -> [MetadataPattern] {
    guard let element, let entries = entries(element, "a metadata key and its value") else { return [] }
    var patterns: [MetadataPattern] = []
    for entry in entries {
      guard let key = metadataKeys[entry.key] else {
        let names = metadataKeys.keys.sorted()
        report(
          entry.keyElement, "there is no metadata key of this name",
          Words.nearest(entry.key, names).map { "did you mean \"\($0)\"?" } ?? "use \(Words.list(names))")
        continue
      }
      let isNegated = entry.element.isMapping
      let element = isNegated ? fields(entry.element, .negation)?["not"] : entry.element
      let found = value(element, "a number, or a number with a mask") { text throws(ValueFault) in
        try NumberValue.masked(text, bits: 64)
      }
      guard let found else { continue }
      patterns.append(MetadataPattern(key: key, value: found.value, mask: found.mask, isNegated: isNegated))
    }
    return patterns
  }
}
