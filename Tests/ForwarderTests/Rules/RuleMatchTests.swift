import Forwarder
import PacketHeaders
import PacketSamples
import Testing

/// Each kind of condition: packets that meet it, and packets that don't.
@Suite struct RuleMatchTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let name: String
    let match: RuleMatch
    let meeting: [Packet]
    let others: [Packet]
    var testDescription: String { name }

    init(_ name: String, _ meeting: [Packet], not others: [Packet], _ change: (inout RuleMatch) -> Void) {
      self.name = name
      self.meeting = meeting
      self.others = others
      match = RuleMatch(change)
    }
  }

  /// A packet's bytes, and what is known of it besides.
  struct Packet: Sendable {
    var bytes: [UInt8]
    var isRaw = false
    var port: UInt8 = 0
    var keys: [UInt8: UInt64] = [:]

    init(_ sample: SamplePacket, _ change: (inout Packet) -> Void = { _ in }) {
      bytes = sample.frame
      isRaw = sample.isRaw
      change(&self)
    }

    var packet: RulePacket {
      var packet = RulePacket(bytes, link: isRaw ? .rawIP : .ethernet)
      packet.ingressPort = port
      packet.context.keys = keys
      packet.context.sets = [[.ipv4(0x0A00_0000, length: 24), .ipv6(UInt128(0x2001_0DB8) << 96, length: 32)]]
      return packet
    }
  }

  static func packet(_ change: (inout SamplePacket) -> Void = { _ in }) -> Packet { Packet(SamplePacket(change)) }

  /// Frames that are no IP: ARP; too short for a header.
  static let arp = Packet(SamplePacket()) { ($0.bytes[12], $0.bytes[13]) = (0x08, 0x06) }
  static let stump = Packet(SamplePacket()) { $0.bytes.removeLast($0.bytes.count - 13) }
  static let tcp = packet()
  static let tcp6 = packet { $0.isIPv6 = true }
  static let udp = packet { $0.transport = .udp }
  static let raw = packet { $0.isRaw = true }
  static let ping = packet { $0.transport = .icmp }
  static let ping6 = packet { ($0.transport, $0.isIPv6) = (.icmp, true) }
  static let first = packet { $0.moreFragments = true }
  static let later = packet { $0.fragmentOffset = 8 }
  static let tagged = packet { $0.vlans = [(0x8100, 0x6064)] }
  static let double = packet { $0.vlans = [(0x88A8, 100), (0x8100, 7)] }
  static let triple = packet { $0.vlans = [(0x88A8, 100), (0x8100, 7), (0x8100, 8)] }
  static let cutTag = Packet(SamplePacket { $0.vlans = [(0x8100, 100)] }) { $0.bytes.removeLast($0.bytes.count - 16) }
  /// A TCP header cut after its ports; one with data offset 0.
  static let cutTCP = Packet(SamplePacket()) {
    $0.bytes.removeLast($0.bytes.count - 42)
    ($0.bytes[16], $0.bytes[17]) = (0, 28)
  }
  static let badOffset = Packet(SamplePacket()) { $0.bytes[46] = 0 }
  static let extended = packet { ($0.isIPv6, $0.extensions) = (true, [.padding(0), .padding(60)]) }
  static let first6 = packet { ($0.isIPv6, $0.extensions) = (true, [.fragment(offset: 0, more: true)]) }
  static let later6 = packet { ($0.isIPv6, $0.extensions) = (true, [.fragment(offset: 8, more: false)]) }
  static let badExtension = packet { ($0.isIPv6, $0.extensions) = (true, [.padding(60), .padding(0)]) }
  static let badIHL = Packet(SamplePacket()) { $0.bytes[14] = 0x44 }

  static let link: [Row] = [
    Row("nothing asked", [tcp, tcp6, arp, stump, raw, cutTCP, badExtension, later], not: []) { _ in },
    Row("ingress port", [Packet(SamplePacket()) { $0.port = 2 }], not: [tcp]) { $0.ingressPort = [2, 3] },
    Row("not ingress port", [tcp, stump], not: [Packet(SamplePacket()) { $0.port = 2 }]) {
      $0.ingressPort = .noneOf(2)
    },
    Row("source MAC", [tcp, arp, tagged], not: [packet { $0.sourceMAC[5] = 9 }, stump, raw]) {
      $0.sourceMAC = .anyOf(MACPattern(0x0200_0000_0001))
    },
    Row("multicast", [packet { $0.destinationMAC = [1, 0, 0x5E, 0, 0, 1] }], not: [tcp, stump, raw]) {
      $0.destinationMAC = .anyOf(MACPattern(0x0100_0000_0000, mask: 0x0100_0000_0000))
    },
    Row("not to a MAC", [packet { $0.destinationMAC[5] = 9 }], not: [tcp, stump, raw]) {
      $0.destinationMAC = .noneOf(MACPattern(0x0200_0000_0002))
    },
    Row("untagged", [tcp, arp, raw], not: [tagged, double, stump, cutTag]) { $0.vlan = .anyOf(.untagged) },
    Row("tagged", [tagged, double, triple], not: [tcp, raw, stump, cutTag]) { $0.vlan = .anyOf(.tagged) },
    Row("VLAN 100, the outer one", [tagged, double, triple], not: [tcp, packet { $0.vlans = [(0x8100, 7)] }]) {
      $0.vlan = .anyOf(.ids(100...100))
    },
    Row("untagged or 7", [tcp, packet { $0.vlans = [(0x8100, 7)] }], not: [double]) {
      $0.vlan = [.untagged, .ids(7...7)]
    },
    Row("VLAN priority", [tagged], not: [double, tcp, stump]) { $0.vlanPriority = [3] },
    Row("not VLAN priority 3", [double], not: [tagged, tcp]) { $0.vlanPriority = .noneOf(3) },
    Row("ARP", [arp], not: [tcp, tcp6, stump, raw, cutTag]) { $0.etherType = [0x0806] },
    Row("EtherType behind tags", [double, tcp], not: [triple, tcp6]) { $0.etherType = [0x0800] },
    Row("not IPv4", [arp, tcp6], not: [tcp, triple, stump]) { $0.etherType = .noneOf(0x0800) },
    Row("length", [tcp], not: [tcp6, stump]) { $0.length = .anyOf(54...60) },
    Row("length of the malformed", [stump], not: [tcp]) { $0.length = .anyOf(0...13) },
    Row(
      "metadata", [Packet(SamplePacket()) { $0.keys = [32: 0x25] }],
      not: [tcp, Packet(SamplePacket()) { $0.keys = [32: 5] }]
    ) {
      $0.metadata = [MetadataPattern(key: 32, value: 0x20, mask: 0xF0)]
    },
    Row(
      "not metadata", [Packet(SamplePacket()) { $0.keys = [32: 5] }],
      not: [tcp, Packet(SamplePacket()) { $0.keys = [32: 7] }]
    ) {
      $0.metadata = [MetadataPattern(key: 32, value: 7, isNegated: true)]
    },
    Row("two values at once", [], not: [Packet(SamplePacket()) { $0.keys = [32: 5] }]) {
      $0.metadata = [MetadataPattern(key: 32, value: 5), MetadataPattern(key: 32, value: 6)]
    },
  ]

  static let network: [Row] = [
    Row("IPv4", [tcp, later, raw, badIHL], not: [tcp6, arp]) { $0.ipVersion = [4] },
    Row("not IPv4", [tcp6, badExtension], not: [tcp, arp, stump]) { $0.ipVersion = .noneOf(4) },
    Row("TCP", [tcp, tcp6, extended, later, later6, cutTCP], not: [udp, arp, badExtension]) {
      $0.ipProtocol = .anyOf(.tcp)
    },
    Row("not UDP", [tcp, ping], not: [udp, arp, badExtension, stump]) { $0.ipProtocol = .noneOf(.udp) },
    Row("source /24", [tcp, later, cutTCP, badIHL], not: [tcp6, arp, stump]) {
      $0.source = .anyOf(.ipv4(0x0A00_0000, length: 24))
    },
    Row("destination /32", [tcp], not: [packet { $0.destinationHost = 3 }]) {
      $0.destination = .anyOf(.ipv4(0x0A00_0102, length: 32))
    },
    Row("any IPv4 address", [tcp, badIHL], not: [tcp6, arp]) { $0.source = .anyOf(.ipv4(0, length: 0)) },
    Row(
      "destination /128", [tcp6, extended, badExtension],
      not: [packet { ($0.isIPv6, $0.destinationHost) = (true, 3) }, tcp]
    ) {
      $0.destination = .anyOf(.ipv6(UInt128(0x2001_0DB8) << 96 | 2, length: 128))
    },
    Row("of both versions", [tcp, tcp6], not: [packet { $0.sourceHost = 200 }]) {
      $0.source = .anyOf(.ipv4(0x0A00_0000, length: 25), .ipv6(UInt128(0x2001_0DB8) << 96, length: 48))
    },
    Row("outside a prefix", [tcp6, packet { $0.sourceHost = 200 }], not: [tcp, arp, stump]) {
      $0.source = .noneOf(.ipv4(0x0A00_0000, length: 25))
    },
    Row("in a set", [tcp, tcp6], not: [arp, stump]) { $0.sourceSet = .anyOf("known") },
    Row("not in a set", [tcp], not: [tcp6, arp, stump]) { $0.destinationSet = .noneOf("known") },
    Row("fragments", [first, later, first6, later6], not: [tcp, extended, arp, badIHL, badExtension]) {
      $0.isFragment = true
    },
    Row("no fragments", [tcp, extended, cutTCP], not: [first, later6, arp, badIHL, badExtension, stump]) {
      $0.isFragment = false
    },
  ]

  static let transport: [Row] = [
    Row(
      "port", [tcp, tcp6, udp, extended, first, first6, cutTCP, badOffset],
      not: [later, later6, ping, arp, badExtension]
    ) {
      $0.destinationPort = .anyOf(8000...8000)
    },
    Row("ports", [tcp], not: [packet { $0.sourcePort = 80 }]) { $0.sourcePort = .anyOf(1...79, 81...2000) },
    Row("no such port", [packet { $0.sourcePort = 80 }], not: [tcp, later, later6, ping, arp]) {
      $0.sourcePort = .noneOf(1500...1500)
    },
    Row("first and last port", [packet { $0.sourcePort = 0 }, packet { $0.sourcePort = 65535 }], not: [tcp]) {
      $0.sourcePort = .anyOf(0...0, 65535...65535)
    },
    Row("echo request", [ping], not: [tcp, ping6, packet { ($0.transport, $0.moreFragments) = (.icmp, true) }]) {
      $0.ipProtocol = .anyOf(.icmp)
      ($0.icmpType, $0.icmpCode) = ([8], [0])
    },
    Row("ICMPv6", [ping6], not: [ping, tcp6]) {
      $0.ipProtocol = .anyOf(.icmpv6)
      $0.icmpType = .noneOf(135, 136)
    },
    Row(
      "SYN without ACK", [packet { $0.tcpFlags = 0x02 }, packet { $0.tcpFlags = 0xC2 }],
      not: [tcp, packet { $0.tcpFlags = 0x12 }, udp, first]
    ) {
      $0.tcpFlags = .anyOf(TCPFlagsPattern(.syn, mask: [.syn, .ack]))
    },
    Row("flags of a malformed header", [], not: [badOffset, cutTCP]) {
      $0.tcpFlags = .anyOf(TCPFlagsPattern(.ack, mask: .ack))
    },
  ]

  @Test(arguments: link + network + transport)
  func `a condition is met by what has the field and one of the values`(row: Row) throws {
    // Alone; behind 70 and behind 700 rules that match nothing, as other tables are used then.
    for before in [0, 70, 700] {
      let padding = (0..<before).map { number in
        Rule(
          "p\(number)",
          RuleMatch {
            $0.ipProtocol = [IPProtocol(rawValue: 200)]; $0.length = .anyOf(1...UInt16(number + 1))
          }, .reflect)
      }
      let pair = try RulePair(RuleSet(padding + [Rule("it", row.match, .reflect)]))
      for (number, packet) in row.meeting.enumerated() {
        #expect(pair.firstMatch(packet.packet) == before, "packet \(number) should match")
        #expect(pair.reference.firstMatch(packet.packet) == before, "packet \(number), the slow way")
      }
      for (number, packet) in row.others.enumerated() {
        #expect(pair.firstMatch(packet.packet) == nil, "packet \(number) should not match")
        #expect(pair.reference.firstMatch(packet.packet) == nil, "packet \(number), the slow way")
      }
    }
  }

  @Test func `the first match wins and the search goes on behind it`() throws {
    let rules = RuleSet([
      Rule("count", RuleMatch { $0.ipProtocol = .anyOf(.tcp) }, .count("tcp")),
      Rule("other", RuleMatch { $0.ipProtocol = .anyOf(.udp) }, .drop("udp")),
      Rule("mark", RuleMatch { $0.destinationPort = .anyOf(8000...8000) }, .setMark(1)),
      Rule("rest", RuleMatch(), .route),
    ])
    let pair = try RulePair(rules)
    #expect(pair.allMatches(RulePacket(Self.tcp.bytes)) == [0, 2, 3])
    #expect(pair.firstMatch(RulePacket(Self.tcp.bytes), from: 4) == nil)
    #expect(pair.firstMatch(RulePacket(Self.tcp.bytes), from: 400) == nil)
  }

  @Test func `no rules match nothing`() throws {
    let pair = try RulePair(RuleSet())
    #expect(pair.firstMatch(RulePacket(Self.tcp.bytes)) == nil)
  }
}
