extension BadFile {
  static let rules: [BadFile] = [
    .with(
      "rules: {r: drop}",
      "f:3:8: rules: a mapping where a list is needed; write rules, each with name, match and then"),
    .with(
      "rules: [drop]",
      "f:3:9: rules[0]: value \"drop\": a single value where a mapping is needed; write keys such as \"name\""),
    .with(
      "rules: [{name: r}]",
      "f:3:9: rules.r.then: missing; add it"),
    .with(
      "rules: [{then: drop}]",
      "f:3:9: rules[0].name: missing; add it"),
    .with(
      "rules: [{name: a rule, then: drop}]",
      "f:3:16: rules[0].name: value \"a rule\": not a word; use 1 to 64 letters, digits, _ - and ."),
    .with(
      "rules: [{name: r, then: {count: x}}, {name: r, then: drop}]",
      "f:3:45: rules[1].name: value \"r\": another rule has this name; give each rule a name of its own"),
    .with(
      "rules: [{name: r, match: [tcp], then: drop}]",
      "f:3:26: rules.r.match: a list where a mapping is needed; write keys such as \"iif\""),
    .with(
      "rules: [{name: r, matches: {}, then: drop}]",
      "f:3:19: rules.r.matches: unknown key; use name, match, then or offload"),
    .with(
      "default: accept",
      "f:3:10: default: value \"accept\": unknown action; use drop, reflect, route, host, forward, limit, sample, count, vlan or mark"
    ),
    .with(
      "default: {count: x}",
      "f:3:10: default: lets the packet go on, and nothing follows; use drop, forward, reflect, route or host"),
    .with(
      "malformed: {count: x}",
      "f:3:12: malformed: lets the packet go on, and nothing follows; use drop, forward, reflect, route or host"),
    .with(
      "default: [drop]",
      "f:3:10: default: a list where a single value is needed; write an action such as drop, or forward: PORT"),
  ]

  static let conditions: [BadFile] = [
    .match(
      "iif: c",
      "f:3:32: rules.r.match.iif: value \"c\": there is no port of this name; use a or b"),
    .match(
      "iif: []",
      "f:3:32: rules.r.match.iif: an empty list; name at least one value, or leave the key out"),
    .match(
      "ether-saddr: 02:00:00:00:00",
      "f:3:40: rules.r.match.ether-saddr: value \"02:00:00:00:00\": no MAC address; write it like 02:00:00:00:00:01"),
    .match(
      "ether-saddr: 02:00:00:00:00:01/00:00:00:00:00:00",
      "f:3:40: rules.r.match.ether-saddr: value \"02:00:00:00:00:01/00:00:00:00:00:00\": the mask is 0; leave the condition out to match any address"
    ),
    .match(
      "ether-daddr: [02:00:00:00:00:01, 02:00:00:00:00:00/ff:ff:ff:00:00:00]",
      "f:3:26: rules.r.match: its destination MAC has addresses with different masks; write a rule for each mask"),
    .match(
      "vlan: 4096",
      "f:3:33: rules.r.match.vlan: value \"4096\": out of range; use 0 to 4095"),
    .match(
      "vlan: 20-10",
      "f:3:33: rules.r.match.vlan: value \"20-10\": a range that ends before it begins; write 10-20"),
    .match(
      "vlan: untagged",
      "f:3:33: rules.r.match.vlan: value \"untagged\": no VLAN; use an id 0 to 4095, a range of ids, none or any"),
    .match(
      "vlan-pcp: 8",
      "f:3:37: rules.r.match.vlan-pcp: value \"8\": out of range; use 0 to 7"),
    .match(
      "ethertype: ipv4",
      "f:3:38: rules.r.match.ethertype: value \"ipv4\": no EtherType; use ip, ip6, arp, mpls, pppoe-discovery, pppoe-session, lldp, lacp, ptp, or 0x0600 to 0xffff"
    ),
    .match(
      "ethertype: 0x5ff",
      "f:3:38: rules.r.match.ethertype: value \"0x5ff\": no EtherType; use ip, ip6, arp, mpls, pppoe-discovery, pppoe-session, lldp, lacp, ptp, or 0x0600 to 0xffff"
    ),
    .match(
      "ip-version: 5",
      "f:3:39: rules.r.match.ip-version: value \"5\": no IP version; use 4 or 6"),
    .match(
      "protocol: tpc",
      "f:3:37: rules.r.match.protocol: value \"tpc\": unknown protocol; did you mean \"tcp\"?"),
    .match(
      "protocol: 256",
      "f:3:37: rules.r.match.protocol: value \"256\": unknown protocol; use a name such as tcp, udp or icmpv6, or a number 0 to 255"
    ),
    .match(
      "protocol: quic",
      "f:3:37: rules.r.match.protocol: value \"quic\": unknown protocol; use a name such as tcp, udp or icmpv6, or a number 0 to 255"
    ),
    .match(
      "saddr: 10.0.0.1/8",
      "f:3:34: rules.r.match.saddr: value \"10.0.0.1/8\": has address bits set behind the prefix; write 10.0.0.0/8"),
    .match(
      "saddr: [10.0.0.0/8, any]",
      "f:3:47: rules.r.match.saddr[1]: value \"any\": no prefix; write it like 192.0.2.0/24 or 2001:db8::/32"),
    .match(
      "daddr: {not: }",
      "f:3:40: rules.r.match.daddr.not: nothing where a single value is needed; write a prefix"),
    .match(
      "daddr: {no: 10.0.0.0/8}",
      "f:3:34: rules.r.match.daddr.not: missing; add it",
      "f:3:35: rules.r.match.daddr.no: unknown key; use not"),
    .match(
      "saddr-set: s",
      "f:3:38: rules.r.match.saddr-set: value \"s\": there is no set of this name; define it under sets"),
    .match(
      "dport: http",
      "f:3:34: rules.r.match.dport: value \"http\": neither a number nor a range; write it like 80 or 100-199"),
    .match(
      "dport: 65536",
      "f:3:34: rules.r.match.dport: value \"65536\": out of range; use 0 to 65535"),
    .match(
      "sport: 90-80",
      "f:3:34: rules.r.match.sport: value \"90-80\": a range that ends before it begins; write 80-90"),
    .match(
      "sport: -1",
      "f:3:34: rules.r.match.sport: value \"-1\": neither a number nor a range; write it like 80 or 100-199"),
    .match(
      "icmp-type: 8",
      "f:3:26: rules.r.match: it asks for an ICMP type or code; set its protocol to icmp or to icmpv6"),
    .match(
      "protocol: icmp, icmp-type: nd-redirect",
      "f:3:54: rules.r.match.icmp-type: value \"nd-redirect\": icmp has no such type; use another type, or a number 0 to 255"
    ),
    .match(
      "icmp-type: echo-request, protocol: [icmp, icmpv6]",
      "f:3:38: rules.r.match.icmp-type: value \"echo-request\": means different things; set protocol to icmp or to icmpv6"
    ),
    .match(
      "protocol: icmp, icmp-code: 256",
      "f:3:54: rules.r.match.icmp-code: value \"256\": out of range; use 0 to 255"),
    .match(
      "protocol: icmp, icmp-type: ping",
      "f:3:54: rules.r.match.icmp-type: value \"ping\": unknown ICMP type; use a name such as echo-request, or a number 0 to 255"
    ),
    .match(
      "tcp-flags: sin",
      "f:3:38: rules.r.match.tcp-flags: value \"sin\": unknown TCP flag; use fin, syn, rst, psh, ack, urg, ece, cwr, as in syn / syn,ack"
    ),
    .match(
      "tcp-flags: none",
      "f:3:38: rules.r.match.tcp-flags: value \"none\": no flag to look at; write it like syn or syn / syn,ack"),
    .match(
      "tcp-flags: syn / ack",
      "f:3:38: rules.r.match.tcp-flags: value \"syn / ack\": flags that are not looked at; name all flags behind the slash, as in syn / syn,ack"
    ),
    .match(
      "fragment: maybe",
      "f:3:37: rules.r.match.fragment: value \"maybe\": unknown; use true or false"),
    .match(
      "length: 1k-2k",
      "f:3:35: rules.r.match.length: value \"1k-2k\": neither a number nor a range; write it like 80 or 100-199"),
    .match(
      "metadata: {customer: 1}",
      "f:3:38: rules.r.match.metadata.customer: there is no metadata key of this name; use flow-tag, ifindex, mark, rx-hash, rx-timestamp or vlan"
    ),
    .match(
      "metadata: {mark: high}",
      "f:3:44: rules.r.match.metadata.mark: value \"high\": neither a number nor a number with a mask; write it like 5 or 0x1/0xff"
    ),
    .match(
      "metadata: {mark: 3/1}",
      "f:3:44: rules.r.match.metadata.mark: value \"3/1\": the mask doesn't cover the value; set the value's bits in the mask"
    ),
    .match(
      "dprot: 80",
      "f:3:27: rules.r.match.dprot: unknown key; did you mean \"dport\"?"),
    .match(
      "source: 10.0.0.0/8",
      "f:3:27: rules.r.match.source: unknown key; use iif, ether-saddr, ether-daddr, vlan, vlan-pcp, ethertype, ip-version, protocol, saddr, daddr, saddr-set, daddr-set, sport, dport, icmp-type, icmp-code, tcp-flags, fragment, length or metadata"
    ),
    .match(
      "dport: 80 443",
      "f:3:34: rules.r.match.dport: value \"80 443\": neither a number nor a range; write it like 80 or 100-199"),
    .with(
      "sets: {blocked: [10.0.0.0/8]}\nrules: [{name: r, match: {saddr-set: bloked}, then: drop}]",
      "f:4:38: rules.r.match.saddr-set: value \"bloked\": there is no set of this name; did you mean \"blocked\"?"),
  ]

  static let actions: [BadFile] = [
    .then(
      "",
      "f:3:25: rules.r.then: nothing where a single value is needed; write an action such as drop, or forward: PORT"),
    .then(
      "[]",
      "f:3:25: rules.r.then: an empty list; name at least one value, or leave the key out"),
    .then(
      "accept",
      "f:3:25: rules.r.then: value \"accept\": unknown action; use drop, reflect, route, host, forward, limit, sample, count, vlan or mark"
    ),
    .then(
      "forward",
      "f:3:25: rules.r.then: value \"forward\": this action needs a value; write forward: PORT"),
    .then(
      "{forward: c}",
      "f:3:35: rules.r.then.forward: value \"c\": there is no port of this name; use a or b"),
    .then(
      "{forward: }",
      "f:3:35: rules.r.then.forward: nothing where a single value is needed; write the name of a port"),
    .then(
      "{reflect: now}",
      "f:3:35: rules.r.then.reflect: value \"now\": reflect takes no value; write just reflect"),
    .then(
      "{mirror: a}",
      "f:3:26: rules.r.then.mirror: unknown action; use drop, forward, limit, sample, count, vlan, mark, reflect, route or host"
    ),
    .then(
      "{drop: no good}",
      "f:3:32: rules.r.then.drop: value \"no good\": not a word; use 1 to 64 letters, digits, _ - and ."),
    .then(
      "{drop: hop_limit}",
      "f:3:32: rules.r.then.drop: value \"hop_limit\": a drop reason of the engine's own; choose another name"),
    .then(
      "{limit: l}",
      "f:3:33: rules.r.then.limit: value \"l\": there is no limiter of this name; define it under limiters"),
    .then(
      "{sample: 100}",
      "f:3:34: rules.r.then.sample: value \"100\": no such share; write 1/N, N from 1 to 4294967295"),
    .then(
      "{sample: 1/0}",
      "f:3:34: rules.r.then.sample: value \"1/0\": no such share; write 1/N, N from 1 to 4294967295"),
    .then(
      "{count: a/b}",
      "f:3:33: rules.r.then.count: value \"a/b\": not a word; use 1 to 64 letters, digits, _ - and ."),
    .then(
      "{vlan: 4095}",
      "f:3:32: rules.r.then.vlan: value \"4095\": out of range; use 0 to 4094, or none"),
    .then(
      "{vlan: {id: 10, pcp: 8}}",
      "f:3:46: rules.r.then.vlan.pcp: value \"8\": out of range; use 0 to 7"),
    .then(
      "{vlan: {pcp: 1}}",
      "f:3:32: rules.r.then.vlan.id: missing; add it"),
    .then(
      "{mark: red}",
      "f:3:32: rules.r.then.mark: value \"red\": neither a number nor a number with a mask; write it like 5 or 0x1/0xff"
    ),
    .then(
      "{mark: 0x100/0xff}",
      "f:3:32: rules.r.then.mark: value \"0x100/0xff\": the mask doesn't cover the value; set the value's bits in the mask"
    ),
    .then(
      "{mark: 0x100000000}",
      "f:3:32: rules.r.then.mark: value \"0x100000000\": more than 32 bits; use smaller numbers"),
    .then(
      "[drop, {count: x}]",
      "f:3:32: rules.r.then[1]: never carried out: drop ends the packet's way; put it ahead of drop, or take it out"),
    .then(
      "[{forward: a}, {forward: b}]",
      "f:3:40: rules.r.then[1]: never carried out: forward ends the packet's way; put it ahead of forward, or take it out"
    ),
    .then(
      "{count: x, drop: y}",
      "f:3:25: rules.r.then: 2 actions in one item; write each as an item of its own: [{count: a}, drop]"),
    .then(
      "[{count: x, forward: a}, drop]",
      "f:3:26: rules.r.then[0]: 2 actions in one item; write each as an item of its own: [{count: a}, drop]"),
    .then(
      "dorp",
      "f:3:25: rules.r.then: value \"dorp\": unknown action; did you mean \"drop\"?"),
    .with(
      "limiters: {syn: {rate: 1 kpps}}\nrules: [{name: r, then: {limit: sny}}]",
      "f:4:33: rules.r.then.limit: value \"sny\": there is no limiter of this name; did you mean \"syn\"?"),
  ]

  static let offload: [BadFile] = [
    .with(
      "rules: [{name: r, then: drop, offload: port}]",
      "f:3:40: rules.r.offload: value \"port\": unknown; use source or flow"),
    .with(
      "rules: [{name: r, then: [{count: c}, drop], offload: flow}]",
      "f:3:54: rules.r.offload: its decision can't be offloaded; let it have one action, drop or forward"),
    .with(
      "rules: [{name: r, match: {dport: 80}, then: drop, offload: source}]",
      "f:3:60: rules.r.offload: its decision is not the same for the whole source: it asks for ports; take the condition out, or the offload"
    ),
    .with(
      "rules: [{name: r, match: {protocol: tcp, tcp-flags: syn}, then: drop, offload: flow}]",
      "f:3:80: rules.r.offload: its decision is not the same for the whole flow: it asks for TCP flags; take the condition out, or the offload"
    ),
    .with(
      "rules: [{name: a, match: {length: 0-99}, then: drop}, {name: r, match: {dport: 80}, then: drop, offload: flow}]",
      "f:3:106: rules.r.offload: rule \"a\" ahead of it may want some packets of the flow: it asks for the length; move it behind, or take the offload out"
    ),
    .with(
      "rules: [{name: a, then: {count: all}}, {name: r, match: {dport: 80}, then: drop, offload: flow}]",
      "f:3:91: rules.r.offload: rule \"a\" ahead of it would miss packets that the kernel decides about; move it behind, or take the offload out"
    ),
    .with("offload: {flows: -1}", "f:3:18: offload.flows: value \"-1\": out of range; use 0 to 4194304"),
    .with(
      "offload: {flows: 0, sources: 0}",
      "f:3:10: offload: neither flows nor sources are allowed; allow some, or take it out"),
    .with(
      "offload: {lifetime: 10}",
      "f:3:21: offload.lifetime: value \"10\": no time; write a whole number and ms, s, min or h"),
    .with(
      "offload: {lifetime: 25 h}", "f:3:21: offload.lifetime: value \"25 h\": out of range; use 100 ms to 24 h"),
  ]

  static let warnings: [BadFile] = [
    .with(
      "sets: {s: [10.0.0.0/8]}",
      "f:3:11: warning: sets.s: nothing uses this set; name it in a rule or a route, or take it out"),
    .with(
      "limiters: {l: {rate: 1 kpps}}",
      "f:3:15: warning: limiters.l: nothing uses this limiter; name it in a rule, or take it out"),
    .with(
      "rules: [{name: r, then: drop}, {name: t, match: {dport: 80}, then: drop}]",
      "f:3:32: warning: rules.t: this rule is never reached: \"r\" takes every packet; move that rule to the end, or give it conditions"
    ),
    .with(
      "rules: [{name: r, then: drop}, {name: t, match: {dport: 80}, then: drop}, {name: u, then: drop}]",
      "f:3:32: warning: rules.t: this rule and those behind it are never reached: \"r\" takes every packet; move that rule to the end, or give it conditions"
    ),
    .with(
      "default: route",
      "f:1:1: warning: packets are routed, but there are no routes; add routes, or addresses of ports"),
    .with(
      "routes: [{prefix: 10.0.0.0/8, type: blackhole}]",
      "f:3:9: warning: routes: nothing is routed; add a rule or a default with the action route"),
    .with(
      "rules: [{name: r, match: {metadata: {vlan: 5}}, then: drop}]",
      "f:3:9: warning: rules.r.match.metadata.vlan: no packet has this metadata; add vlan to metadata.write"),
  ]
}
