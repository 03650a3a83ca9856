import Forwarder
import PacketHeaders
import Testing
import XSKEngine

@Suite struct RuleValidationTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let message: String
    let rule: Rule
    var testDescription: String { message }

    init(_ message: String, _ actions: RuleAction..., match: (inout RuleMatch) -> Void = { _ in }) {
      self.message = message
      rule = Rule("web", RuleMatch(match), actions.isEmpty ? [.reflect] : actions)
    }
  }

  static let actions: [Row] = [
    Row("it forwards to port 4; use 0 to 3", .forward(port: 4)),
    Row("it forwards to port -1; use 0 to 3", .forward(port: -1)),
    Row("it uses rate limiter 2; use 0 to 1", .rateLimit(limiter: 2, excess: "flood"), .route),
    Row(
      "actions follow reflect, which ends the packet's way; put it last, or take the others out", .reflect, .count("x")),
    Row("it sets VLAN 4095; use 0 to 4094", .setVLAN(.tag(id: 4095)), .route),
    Row("it sets VLAN priority 8; use 0 to 7", .setVLAN(.tag(id: 1, priority: 8)), .route),
    Row("it samples one packet in 0; use 1 to 4294967295", .sample(oneIn: 0)),
    Row("the counter \"a b\" is not a word; use 1 to 64 letters, digits, _ - and .", .count("a b")),
    Row("the drop reason \"\" is not a word; use 1 to 64 letters, digits, _ - and .", .drop("")),
    Row("the drop reason \"tx_ring_full\" is one of the engine's own; choose another name", .drop("tx_ring_full")),
    Row("the drop reason \"hdr_trunc_tcp\" is one of the engine's own; choose another name", .drop("hdr_trunc_tcp")),
  ]

  static let conditions: [Row] = [
    Row("its protocol has no values; name one, or leave the condition out") { $0.ipProtocol = [] },
    Row("source prefix length 33 is out of range; use 0 to 32") { $0.source = .anyOf(.ipv4(0, length: 33)) },
    Row("destination prefix length -1 is out of range; use 0 to 128") { $0.destination = .anyOf(.ipv6(0, length: -1)) },
    Row("there is no prefix set \"bad\"; define it, or correct the name") { $0.sourceSet = .anyOf("bad") },
    Row("VLAN 1...4096 is out of range; use ids 0 to 4095") { $0.vlan = .anyOf(.ids(1...4096)) },
    Row("VLAN priority 8 is out of range; use 0 to 7") { $0.vlanPriority = [8] },
    Row("EtherType 1500 is out of range; use 0x0600 to 0xffff; smaller ones are lengths") { $0.etherType = [1500] },
    Row("IP version 5 is out of range; use 4 or 6") { $0.ipVersion = [5] },
    Row("source MAC more than 48 bits is out of range; use a MAC address of 6 bytes") {
      $0.sourceMAC = .anyOf(MACPattern(1 << 48))
    },
    Row("its source MAC has addresses with different masks; write a rule for each mask") {
      $0.sourceMAC = .anyOf(MACPattern(1), MACPattern(1, mask: 1))
    },
    Row("it asks for an ICMP type or code; set its protocol to icmp or to icmpv6") { $0.icmpType = [8] },
    Row("TCP flags mask 0 is out of range; name the flags to look at") {
      $0.tcpFlags = .anyOf(TCPFlagsPattern([], mask: []))
    },
    Row("TCP flags value 3 with mask 1 is out of range; the mask must cover the value") {
      $0.tcpFlags = .anyOf(TCPFlagsPattern([.fin, .syn], mask: .fin))
    },
    Row("metadata key 64 is out of range; use 0 to 63") { $0.metadata = [MetadataPattern(key: 64, value: 0)] },
    Row("metadata key 5 can't have value 3; let the mask cover the value") {
      $0.metadata = [MetadataPattern(key: 5, value: 3, mask: 1)]
    },
  ]

  static let environment = RuleEnvironment(ports: 4, limiters: 2, prefixSets: ["good"])

  @Test(arguments: actions + conditions)
  func `a bad rule is refused in words`(row: Row) throws {
    let set = RuleSet([Rule("first", RuleMatch(), .count("all")), row.rule])
    let problems = set.problems(in: Self.environment)
    #expect(problems.map(\.description) == ["rule 2 \"web\": \(row.message)"])
    let first = try #require(problems.first)
    #expect(throws: first) { try CompiledRules(set, in: Self.environment) }
  }

  @Test func `all problems of a set are told`() {
    let set = RuleSet(
      [Rule("a", RuleMatch(), .route), Rule("a", RuleMatch(), []), Rule("", RuleMatch(), .forward(port: 9))],
      default: .count("x"), malformed: .drop("no good"))
    #expect(
      set.problems(in: Self.environment).map(\.description) == [
        "rule 2 \"a\": rule 1 has the same name; give each rule a name of its own",
        "rule 2 \"a\": it has no action; add one: drop, forward, host, count, …",
        "rule 3: its name \"\" is not a word; use 1 to 64 letters, digits, _ - and .",
        "rule 3: it forwards to port 9; use 0 to 3",
        "default action: count(\"x\") lets the packet go on, and nothing follows; use drop, forward, reflect, route or host",
        "action for malformed packets: the drop reason \"no good\" is not a word; use 1 to 64 letters, digits, _ - and .",
      ])
  }

  @Test func `bounds on fields, sets and memory are kept`() throws {
    let keys = RuleSet(
      (0..<17).map { key in
        Rule("k\(key)", RuleMatch { $0.metadata = [MetadataPattern(key: key, value: 1)] }, .route)
      })
    #expect(
      keys.problems(in: Self.environment).map(\.description) == [
        "rules: they look at 17 different metadata keys, MAC fields and masks of these; use at most 16"
      ])
    let names = (0..<65).map { "s\($0)" }
    let sets = RuleSet(names.map { name in Rule(name, RuleMatch { $0.sourceSet = .anyOf(name) }, .route) })
    #expect(
      sets.problems(in: RuleEnvironment(prefixSets: Set(names))).map(\.description) == [
        "rules: they name 65 prefix sets; use at most 64; one set may have any number of prefixes"
      ])
    let reasons = RuleSet((0..<161).map { Rule("r\($0)", RuleMatch(), .drop("because-\($0)")) })
    #expect(
      reasons.problems(in: Self.environment).map(\.description) == [
        "rules: they name 161 drop reasons; use at most 160"
      ])
    let hosts = RuleSet(
      (0..<2000).map { number in
        Rule("h\(number)", RuleMatch { $0.source = .anyOf(.ipv4(UInt32(number) << 12, length: 32)) }, .route)
      })
    #expect(throws: XSKError.self) { try CompiledRules(hosts, maximumMemory: 64 << 10) }
    let compiled = try CompiledRules(hosts)
    #expect(compiled.memoryBytes > 64 << 10 && compiled.memoryBytes < 4 << 20)
  }

  @Test func `names are numbered in the order of first mention`() {
    let set = RuleSet(
      [
        Rule("a", RuleMatch { $0.sourceSet = .anyOf("x", "y") }, .drop("one")),
        Rule(
          "b", RuleMatch { $0.destinationSet = .anyOf("z", "x") }, .rateLimit(limiter: 0, excess: "two"),
          .drop("policy")),
      ], default: .drop("three"))
    #expect(set.prefixSets == ["x", "y", "z"])
    #expect(set.dropReasons == ["one", "two", "three"])
  }
}
