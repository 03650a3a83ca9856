extension BadFile {
  /// A rule with these conditions, and what is said about one of them.
  private static func never(_ match: String, at column: Int, _ key: String, _ message: String) -> BadFile {
    .with(
      "rules: [{name: r, match: {\(match)}, then: drop}]",
      "f:3:\(column): warning: rules.r.match.\(key): no packet meets it\(message), or take the rule out")
  }

  private static func together(_ match: String, at column: Int, _ key: String, _ other: String, _ why: String)
    -> BadFile
  { never(match, at: column, key, " together with \(other): \(why); correct one of them") }

  /// Two rules, the second of which is hidden by the first.
  private static func hidden(_ first: String, _ second: String) -> BadFile {
    .with(
      "rules:\n- {name: a, match: {\(first)}, then: drop}\n- {name: b, match: {\(second)}, then: drop}",
      "f:5:3: warning: rules.b: never reached: \"a\" ahead of it takes all of its packets; move it ahead of that rule, or take it out"
    )
  }

  static let oddities: [BadFile] = [
    together("protocol: udp, tcp-flags: syn", at: 53, "tcp-flags", "protocol", "only TCP segments have flags"),
    together("protocol: {not: tcp}, tcp-flags: syn", at: 60, "tcp-flags", "protocol", "only TCP segments have flags"),
    together("protocol: [gre, esp], dport: 53", at: 56, "dport", "protocol", "only TCP and UDP have ports"),
    together(
      "protocol: icmp, icmp-type: 8, fragment: true", at: 54, "icmp-type", "fragment", "fragments are not asked for it"),
    together("vlan: none, vlan-pcp: 5", at: 49, "vlan-pcp", "vlan", "only a VLAN tag has a priority"),
    together("ethertype: arp, saddr: 10.0.0.0/8", at: 50, "saddr", "ethertype", "only IP packets have it"),
    together(
      "saddr: 10.0.0.0/8, daddr: \"2001:db8::/32\"", at: 53, "daddr", "saddr", "they are of different IP versions"),
    together("ip-version: 6, saddr: 10.0.0.0/8", at: 49, "saddr", "ip-version", "they are of different IP versions"),
    together("ethertype: ip6, ip-version: 4", at: 38, "ethertype", "ip-version", "they are of different IP versions"),
    never("dport: {not: 0-65535}", at: 34, "dport", ": it leaves nothing; name less below not"),
    never("ip-version: {not: [4, 6]}", at: 39, "ip-version", ": it leaves nothing; name less below not"),
    hidden("dport: 53", "dport: 53"),
    hidden("protocol: udp", "protocol: udp, dport: 53"),
    hidden("protocol: tcp, fragment: false", "tcp-flags: syn"),
    hidden("saddr: 10.0.0.0/8", "saddr: [10.1.0.0/16, 10.2.0.1], dport: 1-5"),
    hidden("ip-version: 4", "saddr: 10.0.0.0/8"),
    hidden("saddr: {not: 10.0.0.0/8}", "saddr: 11.0.0.0/8"),
    hidden("dport: 1-10", "dport: [1-3, 4-9]"),
    hidden("ether-saddr: [02:00:00:00:00:01, 02:00:00:00:00:02]", "ether-saddr: 02:00:00:00:00:02, vlan: 5"),
    .with(
      "rules: [{name: r, match: {saddr: 0.0.0.0/0, dport: 1}, then: drop}]",
      "f:3:34: warning: rules.r.match.saddr: every IPv4 address is in it; write ip-version: 4 if that is meant, or name the addresses"
    ),
    .with(
      "rules: [{name: r, match: {daddr: {not: \"::/0\"}}, then: drop}]",
      "f:3:34: warning: rules.r.match.daddr: every IPv6 address is excluded; write ip-version: 4 if that is meant"),
  ]

  /// Pairs of conditions that look alike, of rules both of which are met.
  static let pairs: [(String, String)] = [
    ("dport: 53", "protocol: udp"), ("protocol: tcp, fragment: false", "protocol: tcp, dport: 80"),
    ("saddr: 10.1.0.0/16", "saddr: [10.1.0.0/16, 10.2.0.0/16]"), ("ip-version: 4", "ethertype: ip"),
    ("saddr: {not: 10.0.0.0/8}", "protocol: udp"), ("saddr: {not: 10.0.0.0/8}", "daddr: 11.0.0.0/8"),
    ("protocol: {not: tcp}", "saddr: 10.0.0.0/8"), ("vlan: any", "dport: 5"), ("dport: {not: 5}", "dport: 5"),
    ("saddr: [0.0.0.0/1, 128.0.0.0/1]", "protocol: udp"), ("metadata: {mark: 1}", "metadata: {mark: 1}"),
    ("ether-saddr: {not: 02:00:00:00:00:01}", "ether-saddr: 02:00:00:00:00:01"), ("iif: a", "iif: [a, b]"),
  ]
}
