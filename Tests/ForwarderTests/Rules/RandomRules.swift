import Forwarder
import PacketHeaders
import PacketSamples

/// Random rules and packets out of a small world, so that they often meet.
struct RandomRules {
  var random: SeededGenerator
  /// How many kinds of conditions a rule has at most.
  var conditions = 4
  /// Rules ask for addresses, prefix sets, ports and protocol only.
  var isFlowOnly = false
  static let setNames = ["alpha", "beta", "gamma"]
  static let macs: [UInt64] = (0..<6).map { 0x0200_0000_0000 | UInt64($0) }

  init(_ seed: UInt64) { random = SeededGenerator(seed) }

  mutating func ruleSet(_ count: Int) -> RuleSet {
    RuleSet((0..<count).map { Rule("r\($0)", match(), random.once(in: 3) ? .count("n") : .drop("policy")) })
  }

  mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

  mutating func some<Value>(_ count: ClosedRange<Int> = 1...3, _ make: (inout Self) -> Value) -> Condition<Value> {
    Condition((0..<number(count)).map { _ in make(&self) }, isNegated: random.once(in: 5))
  }

  mutating func match() -> RuleMatch {
    var match = RuleMatch()
    for _ in 0..<number(0...conditions) { addCondition(&match) }
    let isICMP = match.ipProtocol == .anyOf(.icmp) || match.ipProtocol == .anyOf(.icmpv6)
    if !isICMP { (match.icmpType, match.icmpCode) = (nil, nil) }
    return match
  }

  private mutating func addCondition(_ match: inout RuleMatch) {
    switch isFlowOnly ? number(7...16) : number(0...21) {
    case 0: match.ingressPort = some { UInt8($0.number(0...4)) }
    case 1: match.sourceMAC = macCondition()
    case 2: match.destinationMAC = macCondition()
    case 3: match.vlan = some { $0.vlan() }
    case 4: match.vlanPriority = some { UInt8($0.number(0...7)) }
    case 5: match.etherType = some { [0x0800, 0x86DD, 0x0806, 0x8847][$0.number(0...3)] }
    case 6: match.ipVersion = some(1...1) { $0.random.once(in: 2) ? 4 : 6 }
    case 7: match.ipProtocol = some { IPProtocol(rawValue: [1, 6, 17, 47, 58][$0.number(0...4)]) }
    case 8, 9: match.source = some { $0.prefix() }
    case 10, 11: match.destination = some { $0.prefix() }
    case 12: match.sourceSet = some { $0.setName() }
    case 13: match.destinationSet = some { $0.setName() }
    case 14: match.sourcePort = some { $0.ports() }
    case 15, 16: match.destinationPort = some { $0.ports() }
    case 17:
      match.ipProtocol = random.once(in: 2) ? .anyOf(.icmp) : .anyOf(.icmpv6)
      match.icmpType = some { [0, 3, 8, 128, 135][$0.number(0...4)] }
      if random.once(in: 2) { match.icmpCode = some { UInt8($0.number(0...3)) } }
    case 18: match.tcpFlags = some { $0.flags() }
    case 19: match.isFragment = random.once(in: 2)
    case 20: match.length = some { $0.lengths() }
    default: match.metadata = (0..<number(1...2)).map { _ in metadata() }
    }
  }

  private mutating func macCondition() -> Condition<MACPattern> {
    let mask: UInt64 = [0xFFFF_FFFF_FFFF, 0xFFFF_FFFF_FFFF, 0x0100_0000_0000, 0xFF_FFFE][number(0...3)]
    return some { MACPattern(Self.macs[$0.number(0...5)] | ($0.random.once(in: 9) ? 0x0100_0000_0000 : 0), mask: mask) }
  }

  private mutating func vlan() -> VLANPattern {
    let low = number(0...12)
    return [.untagged, .tagged, .ids(UInt16(low)...UInt16(low)), .ids(UInt16(low)...UInt16(number(low...4095)))][
      number(0...3)]
  }

  /// Around the addresses that sample packets have: 10.0.0.1 to 10.0.1.2, 2001:db8::1 to 2001:db8::2.
  mutating func prefix() -> RulePrefix {
    if random.once(in: 2) {
      let address: UInt32 = 0x0A00_0000 | UInt32(number(0...1)) << 8 | UInt32(number(0...255))
      return .ipv4(
        random.once(in: 6) ? random.next() & 1 == 0 ? 0 : .max : address,
        length: [32, 30, 28, 24, 23, 8, 1, 0][number(0...7)])
    }
    let address = UInt128(0x2001_0DB8) << 96 | UInt128(number(0...255))
    let lengths = [128, 128, 127, 126, 120, 96, 64, 48, 32, 3, 0]
    return .ipv6(random.once(in: 6) ? UInt128(random.next()) << 64 : address, length: lengths[number(0...10)])
  }

  private mutating func setName() -> String { Self.setNames[number(0...2)] }

  private mutating func ports() -> ClosedRange<UInt16> {
    let low = UInt16([0, 53, 80, 443, 1024, 8000, number(0...65535), 65535][number(0...7)])
    return random.once(in: 2) ? low...low : low...UInt16(number(Int(low)...65535))
  }

  private mutating func lengths() -> ClosedRange<UInt16> {
    let low = UInt16(number(0...120))
    return low...UInt16(number(Int(low)...200))
  }

  private mutating func flags() -> TCPFlagsPattern {
    let mask = UInt8(number(1...63))
    return TCPFlagsPattern(.init(rawValue: mask & UInt8(number(0...255))), mask: .init(rawValue: mask))
  }

  private mutating func metadata() -> MetadataPattern {
    let mask: UInt64 = [.max, .max, 0xF0, 0x0F][number(0...3)]
    return MetadataPattern(
      key: [5, 32, 40][number(0...2)], value: UInt64(number(0...3)) * 0x11 & mask, mask: mask,
      isNegated: random.once(in: 4))
  }
}

// MARK: Packets

extension RandomRules {
  mutating func packet(sets: RuleSet) -> RulePacket {
    var sample = SamplePacket()
    sample.isIPv6 = random.once(in: 2)
    sample.isRaw = random.once(in: 12)
    sample.transport = [.tcp, .tcp, .udp, .icmp, .other(47)][number(0...4)]
    sample.sourceHost = UInt8(number(0...255))
    sample.destinationHost = UInt8(number(0...255))
    sample.sourceMAC = [2, 0, 0, 0, 0, UInt8(number(0...7))]
    sample.destinationMAC = [random.once(in: 9) ? 3 : 2, 0, 0, 0, 0, UInt8(number(0...7))]
    sample.sourcePort = UInt16([53, 1500, number(0...65535)][number(0...2)])
    sample.destinationPort = UInt16([53, 80, 443, 8000, 65535, number(0...65535)][number(0...5)])
    sample.tcpFlags = UInt8(number(0...255))
    sample.payload = SamplePacket.fill(number(0...80))
    for _ in 0..<[0, 0, 0, 1, 2, 3][number(0...5)] {
      sample.vlans.append((0x8100, UInt16(number(0...7) << 13 | number(0...13))))
    }
    if sample.isIPv6 {
      if random.once(in: 4) { sample.extensions.append(.padding(60)) }
      if random.once(in: 5) { sample.extensions.append(.fragment(offset: UInt16(number(0...1)), more: true)) }
    } else if random.once(in: 5) {
      (sample.fragmentOffset, sample.moreFragments) = (UInt16(number(0...1)), random.once(in: 2))
    }
    return packet(of: sample, sets)
  }

  private mutating func packet(of sample: SamplePacket, _ ruleSet: RuleSet) -> RulePacket {
    var bytes = sample.frame
    switch number(0...9) {
    case 0: bytes.removeLast(number(0...bytes.count))
    case 1: bytes[number(0...bytes.count - 1)] = UInt8(number(0...255))
    case 2 where !sample.isRaw && sample.vlans.isEmpty: (bytes[12], bytes[13]) = (0x08, 0x06)
    default: break
    }
    var packet = RulePacket(bytes, link: sample.isRaw ? .rawIP : .ethernet)
    packet.ingressPort = UInt8(number(0...4))
    for key: UInt8 in [5, 32] where !random.once(in: 3) { packet.context.keys[key] = UInt64(number(0...3)) * 0x11 }
    var prefixes = RandomRules(7)
    packet.context.sets = ruleSet.prefixSets.map { _ in (0..<4).map { _ in prefixes.prefix() } }
    return packet
  }
}
