import ConfigurationFile
import Forwarder
import PacketHeaders
import Testing

@Suite struct ConditionTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let text: String
    let match: RuleMatch
    var testDescription: String { text }

    init(_ text: String, _ change: (inout RuleMatch) -> Void) { (self.text, match) = (text, RuleMatch(change)) }
  }

  static let rows: [Row] = [
    Row("iif: b") { $0.ingressPort = [1] },
    Row("iif: {not: [a, b]}") { $0.ingressPort = .noneOf(0, 1) },
    Row("ether-saddr: 02:00:00:00:00:0a") { $0.sourceMAC = [MACPattern(0x0200_0000_000A)] },
    Row("ether-daddr: 01:00:00:00:00:00/01:00:00:00:00:00") {
      $0.destinationMAC = [MACPattern(0x0100_0000_0000, mask: 0x0100_0000_0000)]
    },
    Row("vlan: [10, 100-199]") { $0.vlan = [.ids(10...10), .ids(100...199)] },
    Row("vlan: none") { $0.vlan = [.untagged] },
    Row("vlan: {not: any}") { $0.vlan = .noneOf(.tagged) },
    Row("vlan-pcp: [6, 7]") { $0.vlanPriority = [6, 7] },
    Row("ethertype: [ip, ip6, arp, 0x88cc]") { $0.etherType = [0x0800, 0x86DD, 0x0806, 0x88CC] },
    Row("ip-version: 6") { $0.ipVersion = [6] },
    Row("protocol: [tcp, gre, 253]") { $0.ipProtocol = [.tcp, IPProtocol(rawValue: 47), IPProtocol(rawValue: 253)] },
    Row("saddr: [10.0.0.0/8, \"2001:db8::/32\"]") {
      $0.source = [.ipv4(0x0A00_0000, length: 8), .ipv6(0x2001_0DB8 << 96, length: 32)]
    },
    Row("daddr: {not: 192.0.2.1}") { $0.destination = .noneOf(.ipv4(0xC000_0201, length: 32)) },
    Row("saddr-set: s, daddr-set: {not: [s, t]}") {
      $0.sourceSet = ["s"]
      $0.destinationSet = .noneOf("s", "t")
    },
    Row("sport: 1024-65535, dport: [80, 443]") {
      $0.sourcePort = [1024...65535]
      $0.destinationPort = [80...80, 443...443]
    },
    Row("protocol: icmp, icmp-type: [echo-request, 13], icmp-code: 0") {
      $0.ipProtocol = [.icmp]
      $0.icmpType = [8, 13]
      $0.icmpCode = [0]
    },
    Row("protocol: icmpv6, icmp-type: echo-request") {
      $0.ipProtocol = [.icmpv6]
      $0.icmpType = [128]
    },
    Row("tcp-flags: \"syn / syn,ack\"") { $0.tcpFlags = [TCPFlagsPattern(.syn, mask: [.syn, .ack])] },
    Row("tcp-flags: [rst, \"none / fin,syn\"]") {
      $0.tcpFlags = [TCPFlagsPattern(.rst, mask: .rst), TCPFlagsPattern([], mask: [.fin, .syn])]
    },
    Row("fragment: false") { $0.isFragment = false },
    Row("length: [64, 1500-9000]") { $0.length = [64...64, 1500...9000] },
    Row("metadata: {customer: 7, mark: 0x10/0xf0, vlan: {not: 5}}") {
      $0.metadata = [
        MetadataPattern(key: 40, value: 7), MetadataPattern(key: 5, value: 0x10, mask: 0xF0),
        MetadataPattern(key: 2, value: 5, isNegated: true),
      ]
    },
  ]

  @Test(arguments: rows) func `each condition is read`(row: Row) throws {
    let report = ConfigurationFile.parse(
      BadFile.ports + """
        sets: {s: [10.0.0.0/8], t: ["fd00::/8"]}
        metadata: {write: [mark, vlan], keys: {customer: {number: 40, bytes: 4}}}
        rules: [{name: r, match: {\(row.text)}, then: drop}]
        """, file: "f")
    #expect(report.errors == [])
    let configuration = try #require(report.configuration)
    #expect(configuration.rules.rules.map(\.match) == [row.match])
    _ = try configuration.compiledRules()
    #expect(try configuration.prefixSets().count == configuration.rules.prefixSets.count)
  }
}
