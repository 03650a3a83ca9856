import PacketHeaders

/// What packets a rule can meet, as far as its conditions tell by themselves: prefix sets' contents, metadata and MAC addresses
/// are only compared.
///
/// A condition is met by packets that have its field, so that one condition says something about other fields too: TCP flags
/// are had by whole TCP segments only, ports by TCP and UDP, and all of that by IP packets.
struct RuleReach {
  let match: RuleMatch
  /// By field, addresses left out: the keys that the conditions name; nil: none does.
  private let asked: [KeyRanges?]
  /// The same, with what follows from other conditions.
  private var reached: [KeyRanges?]
  /// Versions of the addresses, where only IP packets meet the rule.
  private var versions: Set<Int>?
  /// What no packet meets.
  private(set) var contradiction: RuleContradiction?

  init(_ match: RuleMatch) {
    self.match = match
    asked = RuleField.allCases.map { RuleFields.ranges(of: match, $0) }
    reached = asked
    follow()
  }

  /// Whether every packet that meets `other` meets this one.
  func covers(_ other: RuleReach) -> Bool {
    guard match.metadata.isEmpty, Self.covers(match.sourceMAC, other.match.sourceMAC),
      Self.covers(match.destinationMAC, other.match.destinationMAC),
      Self.covers(match.sourceSet, other.match.sourceSet),
      Self.covers(match.destinationSet, other.match.destinationSet)
    else { return false }
    for field in asked.indices {
      guard let wide = asked[field] else { continue }
      guard let narrow = other.reached[field], Self.isPart(narrow, of: wide) else { return false }
    }
    return [RuleField.source, .destination].allSatisfy { coversAddresses(of: other, $0) }
  }

  private func coversAddresses(of other: RuleReach, _ field: RuleField) -> Bool {
    guard (field == .source ? match.source : match.destination) != nil else { return true }
    guard let versions = other.versions else { return false }
    return versions.allSatisfy { version in
      let isIPv6 = version == 6
      let all: KeyRanges = [0...(isIPv6 ? .max : UInt128(UInt32.max))]
      let wide = RuleFields.addresses(of: match, field, isIPv6: isIPv6) ?? all
      return Self.isPart(RuleFields.addresses(of: other.match, field, isIPv6: isIPv6) ?? all, of: wide)
    }
  }

  /// Both are in order, and apart from each other.
  private static func isPart(_ narrow: KeyRanges, of wide: KeyRanges) -> Bool {
    narrow.allSatisfy { part in
      wide.contains { $0.lowerBound <= part.lowerBound && part.upperBound <= $0.upperBound }
    }
  }

  /// Values are compared, not looked into.
  private static func covers<Value>(_ wide: Condition<Value>?, _ narrow: Condition<Value>?) -> Bool {
    guard let wide else { return true }
    guard let narrow else { return false }
    if wide == narrow { return true }
    return !wide.isNegated && !narrow.isNegated && narrow.values.allSatisfy(wide.values.contains)
  }
}

// MARK: What follows from what

extension RuleReach {
  private mutating func follow() {
    followEach()
    if match.tcpFlags != nil {
      narrow(.ipProtocol, to: [6...6], .tcpFlags, .ipProtocol, .onlyTCP)
      narrow(.fragment, to: [0...0], .tcpFlags, .isFragment, .onlyWhole)
    }
    for (isAsked, part) in [
      (match.sourcePort != nil, RuleContradiction.Part.sourcePort), (match.destinationPort != nil, .destinationPort),
    ] where isAsked { narrow(.ipProtocol, to: [6...6, 17...17], part, .ipProtocol, .onlyPorts) }
    for (isAsked, part) in [
      (match.icmpType != nil, RuleContradiction.Part.icmpType), (match.icmpCode != nil, .icmpCode),
    ] where isAsked { narrow(.fragment, to: [0...0], part, .isFragment, .onlyWhole) }
    if match.vlanPriority != nil { narrow(.vlan, to: [0...4095], .vlanPriority, .vlan, .onlyTagged) }
    followVersions()
  }

  /// Conditions that nothing meets by themselves.
  private mutating func followEach() {
    for (field, part) in RuleContradiction.Part.fields where asked[field.rawValue]?.isEmpty == true {
      tell(part, nil, .empty)
    }
    for (field, part) in [(RuleField.source, RuleContradiction.Part.source), (.destination, .destination)] {
      if addressVersions(field)?.isEmpty == true { tell(part, nil, .empty) }
    }
  }

  /// Keys that a field must have for the sake of another condition.
  private mutating func narrow(
    _ field: RuleField, to keys: KeyRanges, _ part: RuleContradiction.Part, _ other: RuleContradiction.Part,
    _ reason: RuleContradiction.Reason
  ) {
    guard let known = reached[field.rawValue] else { return reached[field.rawValue] = keys }
    let left = Self.common(known, keys)
    reached[field.rawValue] = left
    if left.isEmpty { tell(part, other, reason) }
  }

  private static func common(_ one: KeyRanges, _ other: KeyRanges) -> KeyRanges {
    var common: KeyRanges = []
    for left in one {
      for right in other where left.overlaps(right) { common.append(left.clamped(to: right)) }
    }
    return RuleFields.merge(common)
  }

  private mutating func followVersions() {
    guard let first = firstOfIP else { return }
    var known: [(part: RuleContradiction.Part, versions: Set<Int>)] = []
    if match.ipVersion != nil {
      let versions = versions(.ipVersion, 4, 6)
      if versions.isEmpty { tell(.ipVersion, nil, .empty) }
      known.append((.ipVersion, versions))
    }
    if let versions = addressVersions(.source) { known.append((.source, versions)) }
    if let versions = addressVersions(.destination) { known.append((.destination, versions)) }
    if match.etherType != nil {
      let versions = versions(.etherType, 0x0800, 0x86DD)
      if versions.isEmpty { tell(first, .etherType, .onlyIP) }
      known.append((.etherType, versions))
    }
    var left: Set<Int> = [4, 6]
    for (place, each) in known.enumerated() {
      if let other = known[..<place].first(where: { $0.versions.isDisjoint(with: each.versions) }) {
        tell(each.part, other.part, .versions)
      }
      left.formIntersection(each.versions)
    }
    versions = left
    reached[RuleField.ipVersion.rawValue] = left.sorted().map { UInt128($0)...UInt128($0) }
  }

  /// The first condition that only IP packets meet.
  private var firstOfIP: RuleContradiction.Part? {
    let parts: [(Bool, RuleContradiction.Part)] = [
      (match.source != nil, .source), (match.destination != nil, .destination), (match.sourceSet != nil, .sourceSet),
      (match.destinationSet != nil, .destinationSet), (match.ipVersion != nil, .ipVersion),
      (match.ipProtocol != nil, .ipProtocol), (match.sourcePort != nil, .sourcePort),
      (match.destinationPort != nil, .destinationPort), (match.icmpType != nil, .icmpType),
      (match.icmpCode != nil, .icmpCode), (match.tcpFlags != nil, .tcpFlags), (match.isFragment != nil, .isFragment),
    ]
    return parts.first { $0.0 }?.1
  }

  /// The versions that a field's keys allow.
  private func versions(_ field: RuleField, _ ipv4: UInt128, _ ipv6: UInt128) -> Set<Int> {
    let keys = asked[field.rawValue] ?? []
    return Set([(4, ipv4), (6, ipv6)].filter { pair in keys.contains { $0.contains(pair.1) } }.map(\.0))
  }

  /// The versions of which an address condition takes any; nil: there is none.
  private func addressVersions(_ field: RuleField) -> Set<Int>? {
    guard (field == .source ? match.source : match.destination) != nil else { return nil }
    return Set([4, 6].filter { RuleFields.addresses(of: match, field, isIPv6: $0 == 6)?.isEmpty == false })
  }

  /// The first that is found is told.
  private mutating func tell(
    _ part: RuleContradiction.Part, _ other: RuleContradiction.Part?, _ reason: RuleContradiction.Reason
  ) {
    contradiction = contradiction ?? RuleContradiction(part: part, other: other, reason: reason)
  }
}
