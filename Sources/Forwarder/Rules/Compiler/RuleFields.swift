import PacketHeaders
import XSKEngine

/// The fields that rules are compiled for. Each gives a packet one class; what a packet doesn't have is a class of its own.
@usableFromInline enum RuleField: Int, CaseIterable {
  case destination, source
  case destinationPort, sourcePort, ipProtocol
  case ipVersion, fragment, tcpFlags, icmpType, icmpCode, length, ingressPort, vlan, vlanPriority, etherType

  /// Looked up by exact value under a mask: `HashedField`. They follow the others.
  static let firstHashed = 16
  static let maximumHashed = 16

  /// How many keys it has; of addresses, which have trees: none here.
  var keyCount: Int {
    switch self {
    case .destination, .source: 0
    case .destinationPort, .sourcePort, .length, .etherType: 1 << 16
    case .vlan: 17 << 8
    default: 1 << 8
    }
  }
}

/// Keys that the compiler and the packet path must agree on.
@usableFromInline enum RuleKeys {
  /// Behind the 4096 ids.
  @inlinable static var untagged: UInt16 { 4096 }
}

/// A field that only exact values are asked of, under one mask. Another mask makes another field.
struct HashedField: Hashable {
  enum Kind: Hashable { case sourceMAC, destinationMAC, metadata(UInt8) }
  var kind: Kind
  var mask: UInt64
}

/// What a rule asks of a hashed field.
struct HashedDemand {
  /// nil: any value but the excluded.
  var allowed: Set<UInt64>?
  var excluded: Set<UInt64> = []

  func accepts(_ value: UInt64) -> Bool { (allowed?.contains(value) ?? true) && !excluded.contains(value) }
}

typealias KeyRanges = [ClosedRange<UInt128>]

/// Rules as the compiler sees them: per field, the keys that a rule accepts.
enum RuleFields {
  static func problems(of rules: [Rule]) -> [XSKError] {
    let count = hashedFields(of: rules).count
    guard count > RuleField.maximumHashed else { return [] }
    return [
      XSKError(
        "rules", "they look at \(count) different metadata keys, MAC fields and masks of these",
        remedy: "use at most \(RuleField.maximumHashed)")
    ]
  }

  static func hashedFields(of rules: [Rule]) -> [HashedField] {
    var seen: Set<HashedField> = []
    return rules.flatMap { demands(of: $0.match).map(\.field) }.filter { seen.insert($0).inserted }
  }

  /// What a rule asks of hashed fields: each field once.
  static func demands(of match: RuleMatch) -> [(field: HashedField, demand: HashedDemand)] {
    var found: [(field: HashedField, demand: HashedDemand)] = []
    func add(_ kind: HashedField.Kind, _ mask: UInt64, _ values: [UInt64], isNegated: Bool) {
      let field = HashedField(kind: kind, mask: mask)
      if !found.contains(where: { $0.field == field }) { found.append((field, HashedDemand())) }
      guard let place = found.firstIndex(where: { $0.field == field }) else { return }
      if isNegated {
        found[place].demand.excluded.formUnion(values)
      } else {
        found[place].demand.allowed = found[place].demand.allowed?.intersection(values) ?? Set(values)
      }
    }
    for (kind, condition) in [(HashedField.Kind.sourceMAC, match.sourceMAC), (.destinationMAC, match.destinationMAC)] {
      guard let condition, let mask = condition.values.first?.mask else { continue }
      add(kind, mask, condition.values.map { $0.address & mask }, isNegated: condition.isNegated)
    }
    for pattern in match.metadata {
      add(.metadata(pattern.key), pattern.mask, [pattern.value & pattern.mask], isNegated: pattern.isNegated)
    }
    return found
  }

  /// The keys of a field other than addresses that a rule accepts, in order, apart from each other; nil if it doesn't ask.
  static func ranges(of match: RuleMatch, _ field: RuleField) -> KeyRanges? {
    guard let (values, isNegated) = values(of: match, field) else { return nil }
    let accepted = merge(values)
    return isNegated ? complement(accepted, UInt128(field.keyCount - 1)) : accepted
  }

  /// The addresses of a version that a rule accepts; nil if it doesn't ask.
  static func addresses(of match: RuleMatch, _ field: RuleField, isIPv6: Bool) -> KeyRanges? {
    guard let condition = field == .source ? match.source : match.destination else { return nil }
    let accepted = merge(condition.values.filter { $0.isIPv6 == isIPv6 }.map(\.bounds))
    return condition.isNegated ? complement(accepted, isIPv6 ? .max : UInt128(UInt32.max)) : accepted
  }

  private static func values(of match: RuleMatch, _ field: RuleField) -> (KeyRanges, Bool)? {
    switch field {
    case .destination, .source: nil
    case .destinationPort: spans(match.destinationPort) { [$0] }
    case .sourcePort: spans(match.sourcePort) { [$0] }
    case .length: spans(match.length) { [$0] }
    case .ipProtocol: spans(match.ipProtocol) { [$0.rawValue...$0.rawValue] }
    case .ipVersion: spans(match.ipVersion) { [$0...$0] }
    case .fragment: match.isFragment.map { ([$0 ? 1...1 : 0...0], false) }
    case .tcpFlags: spans(match.tcpFlags, flagBytes)
    case .icmpType: spans(match.icmpType) { [$0...$0] }
    case .icmpCode: spans(match.icmpCode) { [$0...$0] }
    case .ingressPort: spans(match.ingressPort) { [$0...$0] }
    case .vlan: spans(match.vlan, vlanKeys)
    case .vlanPriority: spans(match.vlanPriority) { [$0...$0] }
    case .etherType: spans(match.etherType) { [$0...$0] }
    }
  }

  private static func spans<Value, Key: FixedWidthInteger & UnsignedInteger>(
    _ condition: Condition<Value>?, _ keys: (Value) -> [ClosedRange<Key>]
  ) -> (KeyRanges, Bool)? {
    guard let condition else { return nil }
    let all = condition.values.flatMap(keys)
    return (all.map { UInt128($0.lowerBound)...UInt128($0.upperBound) }, condition.isNegated)
  }

  private static func flagBytes(_ pattern: TCPFlagsPattern) -> [ClosedRange<UInt8>] {
    (0...UInt8.max).filter { $0 & pattern.mask.rawValue == pattern.value.rawValue }.map { $0...$0 }
  }

  private static func vlanKeys(_ pattern: VLANPattern) -> [ClosedRange<UInt16>] {
    switch pattern {
    case .untagged: [RuleKeys.untagged...RuleKeys.untagged]
    case .tagged: [0...4095]
    case .ids(let range): [range]
    }
  }
}

extension RuleFields {
  /// In order, with those that touch joined.
  static func merge(_ ranges: KeyRanges) -> KeyRanges {
    var merged: KeyRanges = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = merged.last, last.upperBound == .max || range.lowerBound <= last.upperBound + 1 {
        merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    return merged
  }

  /// What merged ranges leave of 0…`maximum`.
  static func complement(_ ranges: KeyRanges, _ maximum: UInt128) -> KeyRanges {
    var rest: KeyRanges = []
    var next: UInt128 = 0
    for range in ranges {
      if range.lowerBound > next { rest.append(next...range.lowerBound - 1) }
      guard range.upperBound < maximum else { return rest }
      next = range.upperBound + 1
    }
    rest.append(next...maximum)
    return rest
  }
}
