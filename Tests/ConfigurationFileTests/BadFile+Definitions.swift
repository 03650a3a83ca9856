extension BadFile {
  static let metadata: [BadFile] = [
    .with(
      "metadata: {write: [hash]}",
      "f:3:20: metadata.write[0]: value \"hash\": unknown; use rx-hash, rx-timestamp, vlan, flow-tag, ifindex or mark"),
    .with(
      "metadata: {write: [mark, mark]}",
      "f:3:26: metadata.write[1]: value \"mark\": named twice; name each key once"),
    .with(
      "metadata: {mark: 4294967296}",
      "f:3:18: metadata.mark: value \"4294967296\": out of range; use 0 to 4294967295"),
    .with(
      "metadata: {keys: {customer: {number: 5, bytes: 4}}}",
      "f:3:38: metadata.keys.customer.number: value \"5\": out of range; use 32 to 63"),
    .with(
      "metadata: {keys: {customer: {number: 40, bytes: 3}}}",
      "f:3:49: metadata.keys.customer.bytes: value \"3\": no size of a value; use 2, 4 or 8"),
    .with(
      "metadata: {keys: {customer: {number: 40}}}",
      "f:3:29: metadata.keys.customer.bytes: missing; add it"),
    .with(
      "metadata: {keys: {vlan: {number: 40, bytes: 4}}}",
      "f:3:19: metadata.keys.vlan: value \"vlan\": the name of a well-known key; choose another name"),
    .with(
      "metadata: {keys: {x: {number: 40, bytes: 4}, y: {number: 40, bytes: 4}}}",
      "f:3:58: metadata.keys.y.number: value \"40\": key \"x\" has the same number; give each key a number of its own"),
    .with(
      "metadata: {keys: [x]}",
      "f:3:18: metadata.keys: a list where a mapping is needed; write a key's name, and its number and bytes below it"),
  ]

  static let sets: [BadFile] = [
    .with(
      "sets: [10.0.0.0/8]",
      "f:3:7: sets: a list where a mapping is needed; write a set's name, and its prefixes below it"),
    .with(
      "sets: {s: 10.0.0.0/8}",
      "f:3:11: sets.s: value \"10.0.0.0/8\": a single value where a list is needed; write prefixes, [192.0.2.0/24, 2001:db8::/32], or file: PATH"
    ),
    .with(
      "sets: {s: [10.0.0.1/8]}",
      "f:3:12: sets.s[0]: value \"10.0.0.1/8\": has address bits set behind the prefix; write 10.0.0.0/8"),
    .with(
      "sets: {s: [10.0.0.0/33]}",
      "f:3:12: sets.s[0]: value \"10.0.0.0/33\": no prefix; its length must be 0 to 32"),
    .with(
      "sets: {s: [10.0.0/8]}",
      "f:3:12: sets.s[0]: value \"10.0.0/8\": no prefix; write it like 192.0.2.0/24 or 2001:db8::/32"),
    .with(
      "sets: {s: [host.example]}",
      "f:3:12: sets.s[0]: value \"host.example\": no prefix; write it like 192.0.2.0/24 or 2001:db8::/32"),
    .with(
      "sets: {s: [\"2001:db8::/129\"]}",
      "f:3:12: sets.s[0]: value \"2001:db8::/129\": no prefix; its length must be 0 to 128"),
    .with(
      "sets: {s: [[10.0.0.0/8]]}",
      "f:3:12: sets.s[0]: a list where a single value is needed; write a prefix"),
    .with(
      "sets: {s: {}}",
      "f:3:11: sets.s.file: missing; add it"),
    .with(
      "sets: {s: {path: x}}",
      "f:3:11: sets.s.file: missing; add it",
      "f:3:12: sets.s.path: unknown key; use file"),
    .with(
      "sets: {s: {file: /nonexistent/list}}",
      "f:3:18: sets.s.file: value \"/nonexistent/list\": can't be opened: No such file or directory; check its path and permissions"
    ),
    .with(
      "sets: {s: {file: /}}",
      "f:3:18: sets.s.file: value \"/\": not a regular file; name a file"),
    .with(
      "sets: {s!: [10.0.0.0/8]}",
      "f:3:8: sets.s!: value \"s!\": not a word; use 1 to 64 letters, digits, _ - and ."),
    .with(
      "sets: {s: }",
      "f:3:11: sets.s: nothing where a list is needed; write prefixes, [192.0.2.0/24, 2001:db8::/32], or file: PATH"),
  ]

  static let limiters: [BadFile] = [
    .with(
      "limiters: {l: 5 kpps}",
      "f:3:15: limiters.l: value \"5 kpps\": a single value where a mapping is needed; write keys such as \"rate\""),
    .with(
      "limiters: {l: {}}",
      "f:3:15: limiters.l.rate: missing; add it"),
    .with(
      "limiters: {l: {rate: 5}}",
      "f:3:22: limiters.l.rate: value \"5\": no rate; write a number and pps, kpps, Mpps, bit/s, kbit/s, Mbit/s or Gbit/s"
    ),
    .with(
      "limiters: {l: {rate: 5 apples}}",
      "f:3:22: limiters.l.rate: value \"5 apples\": no rate; write a number and pps, kpps, Mpps, bit/s, kbit/s, Mbit/s or Gbit/s"
    ),
    .with(
      "limiters: {l: {rate: 0 pps}}",
      "f:3:22: limiters.l.rate: value \"0 pps\": out of range; use 1 to 1000000000 packets a second"),
    .with(
      "limiters: {l: {rate: 10 Gpps}}",
      "f:3:22: limiters.l.rate: value \"10 Gpps\": no rate; write a number and pps, kpps, Mpps, bit/s, kbit/s, Mbit/s or Gbit/s"
    ),
    .with(
      "limiters: {l: {rate: 500 bit/s}}",
      "f:3:22: limiters.l.rate: value \"500 bit/s\": out of range; use 1000 to 400000000000 bits a second"),
    .with(
      "limiters: {l: {rate: 1.5 pps}}",
      "f:3:22: limiters.l.rate: value \"1.5 pps\": no rate; write a number and pps, kpps, Mpps, bit/s, kbit/s, Mbit/s or Gbit/s"
    ),
    .with(
      "limiters: {l: {rate: 5 kpps, burst: 64 kB}}",
      "f:3:37: limiters.l.burst: value \"64 kB\": no amount of packets; write a number and packets"),
    .with(
      "limiters: {l: {rate: 1 Mbit/s, burst: 10 packets}}",
      "f:3:39: limiters.l.burst: value \"10 packets\": no amount of bits; write a number and bit, kbit, Mbit, Gbit, B, kB or MB"
    ),
    .with(
      "limiters: {l: {rate: 5 kpps, burst: 0 packets}}",
      "f:3:37: limiters.l.burst: value \"0 packets\": out of range for this rate; use 1 to 432000000 packets"),
    .with(
      "limiters: {l: {rate: 1 Mbit/s, burst: 1 kB}}",
      "f:3:39: limiters.l.burst: value \"1 kB\": out of range for this rate; use 12144 to 86400000000 bits"),
    .with(
      "limiters: {l: {rate: 5 kpps, per: host}}",
      "f:3:35: limiters.l.per: value \"host\": unknown; use rule, source, destination or flow"),
    .with(
      "limiters: {l: {rate: 5 kpps, per: source, ipv4-prefix: 33}}",
      "f:3:56: limiters.l.ipv4-prefix: value \"33\": out of range; use 0 to 32"),
    .with(
      "limiters: {l: {rate: 5 kpps, ipv4-prefix: 24}}",
      "f:3:43: limiters.l.ipv4-prefix: value \"24\": per: rule looks at no prefix; set per to source or destination, or take it out"
    ),
    .with(
      "limiters: {l: {rate: 5 kpps, per: flow, ipv6-prefix: 64}}",
      "f:3:54: limiters.l.ipv6-prefix: value \"64\": per: flow looks at no prefix; set per to source or destination, or take it out"
    ),
    .with(
      "limiters: {l: {rate: 5 kpps, per: flow, entries: 1000}}",
      "f:3:50: limiters.l.entries: value \"1000\": out of range; use 1024 to 67108864"),
    .with(
      "limiters: {l: {rate: 5 kpps, per: flow, entries: 5000}}",
      "f:3:50: limiters.l.entries: value \"5000\": no power of two; use 1024, 2048, 4096, … up to 67108864"),
    .with(
      "limiters: {l: {rate: 5 kpps, entries: 2048}}",
      "f:3:39: limiters.l.entries: value \"2048\": per: rule has no table; set per to source, destination or flow, or take it out"
    ),
    .with(
      "limiters: {l: {rate: 5 kpps, excess: tx_ring_full}}",
      "f:3:38: limiters.l.excess: value \"tx_ring_full\": a drop reason of the engine's own; choose another name"),
    .with(
      "limiters: {l: {rate: 5 kpps, excess: too much}}",
      "f:3:38: limiters.l.excess: value \"too much\": not a word; use 1 to 64 letters, digits, _ - and ."),
  ]

  static let routes: [BadFile] = [
    .routed(
      "routes: {a: b}",
      "f:4:9: routes.kernel: missing; add it", "f:4:10: routes.a: unknown key; use kernel, table or static"),
    .routed(
      "routes: kernal",
      "f:4:9: routes: value \"kernal\": no routes; write a list of routes, or kernel to follow the kernel's"),
    .routed("routes: {kernel: yes}", "f:4:18: routes.kernel: value \"yes\": unknown; use true or false"),
    .routed("routes: {kernel: true, table: 0}", "f:4:31: routes.table: value \"0\": out of range; use 1 to 4294967295"),
    .routed(
      "routes: {kernel: true, table: main}",
      "f:4:31: routes.table: value \"main\": not a whole number; use 1 to 4294967295"),
    .routed(
      "routes: {kernel: true, table: 255}",
      "f:4:31: routes.table: value \"255\": the kernel's own table of local addresses, which is followed always; use the table that has the routes, such as 254 (main)"
    ),
    .routed(
      "routes: {kernel: false, table: 254}",
      "f:4:32: routes.table: value \"254\": of no use if the kernel's routes are not followed; set kernel to true"),
    .routed("routes: {kernel: true, tabel: 254}", "f:4:24: routes.tabel: unknown key; did you mean \"table\"?"),
    .routed(
      "routes: {kernel: true, static: kernel}",
      "f:4:32: routes.static: value \"kernel\": a single value where a list is needed; write routes, each with prefix and via, port or type"
    ),
    .routed(
      "routes: {kernel: true, static: [{prefix: 10.9.0.0/16, via: 10.9.0.2}]}",
      "f:4:60: routes.static[0].via: value \"10.9.0.2\": the gateway's port is not known; add port to the route, or the gateway to neighbours"
    ),
    .routed(
      "routes: {kernel: false, static: [{prefix: 10.9.0.0/16, via: 10.0.0.2}]}",
      "f:4:61: routes.static[0].via: value \"10.0.0.2\": the gateway's MAC address is not known; add it to neighbours"),
    .routed(
      "routes: [{via: 10.0.0.2}]",
      "f:4:10: routes[0]: a route without a destination; add prefix or set"),
    .routed(
      "routes: [{prefix: 10.1.0.0/16}]",
      "f:4:10: routes[0]: a route that leads nowhere; add via, port, or type"),
    .routed(
      "routes: [{prefix: 10.1.0.0/8, port: a}]",
      "f:4:19: routes[0].prefix: value \"10.1.0.0/8\": has address bits set behind the prefix; write 10.0.0.0/8"),
    .routed(
      "routes: [{prefix: 10.1.0.0/16, via: 10.0.0.2}]",
      "f:4:37: routes[0].via: value \"10.0.0.2\": the gateway's MAC address is not known; add it to neighbours"),
    .routed(
      "routes: [{prefix: 10.1.0.0/16, via: 10.9.0.2}]",
      "f:4:37: routes[0].via: value \"10.9.0.2\": no port is connected to the gateway's network; give a port an address in it, or add a route to it with a port and no via"
    ),
    .routed(
      "routes: [{prefix: 10.1.0.0/16, via: gw}]",
      "f:4:37: routes[0].via: value \"gw\": no IP address; write it like 192.0.2.1 or 2001:db8::1"),
    .routed(
      "routes: [{prefix: 10.1.0.0/16, port: c}]",
      "f:4:38: routes[0].port: value \"c\": there is no port of this name; use a or b"),
    .routed(
      "routes: [{prefix: 10.1.0.0/16, port: b, mac: 02}]",
      "f:4:46: routes[0].mac: value \"02\": no MAC address; write it like 02:00:00:00:00:01"),
    .routed(
      "routes: [{prefix: 10.1.0.0/16, port: b, mac: \"01:00:5e:00:00:01\"}]",
      "f:4:46: routes[0].mac: value \"01:00:5e:00:00:01\": no device's own address; use a unicast MAC address"),
    .routed(
      "routes: [{prefix: 10.1.0.0/16, mac: \"02:00:00:00:00:01\"}]",
      "f:4:10: routes[0]: a route that leads nowhere; add via, port, or type"),
    .routed(
      "routes: [{prefix: 10.1.0.0/16, type: drop}]",
      "f:4:38: routes[0].type: value \"drop\": unknown; use blackhole, unreachable or prohibit"),
    .routed(
      "routes: [{prefix: 10.1.0.0/16, type: prohibited}]",
      "f:4:38: routes[0].type: value \"prohibited\": unknown; did you mean \"prohibit\"?"),
    .routed(
      "routes: [{prefix: 10.1.0.0/16, type: blackhole, port: a}]",
      "f:4:55: routes[0].port: value \"a\": of no use to a route that has a type; take it out, or type"),
    .routed(
      "routes: [{prefix: 10.1.0.0/16, port: b, mtu: 70000}]",
      "f:4:46: routes[0].mtu: value \"70000\": out of range; use 576 to 65535"),
    .routed(
      "routes: [{prefix: 10.1.0.0/16, port: b, vlan: 0}]",
      "f:4:47: routes[0].vlan: value \"0\": out of range; use 1 to 4094, or none"),
    .routed(
      "routes: [{prefix: 10.1.0.0/16, port: a}, {prefix: 10.1.0.0/16, port: b}]",
      "f:4:51: routes[1].prefix: value \"10.1.0.0/16\": routes[0] is for the same; keep one of the two"),
    .routed(
      "routes: [{prefix: 10.1.0.0/16, set: s, port: a}]",
      "f:4:37: routes[0].set: value \"s\": a route with both prefix and set; write a route for each"),
    .routed(
      "routes: [{set: s, port: a}]",
      "f:4:16: routes[0].set: value \"s\": there is no set of this name; define it under sets"),
    .routed(
      "routes: [{prefix: 10.1.0.0/16, via: 10.0.0.2, port: b}]\nneighbours: {10.0.0.2: {mac: \"02:00:00:00:00:02\", port: a}}",
      "f:4:53: routes[0].port: value \"b\": gateway 10.0.0.2 is a neighbour on port \"a\"; write that port, or none"),
    .routed(
      "routes: [{prefix: 10.1.0.0/16, via: 10.0.0.2, mac: \"02:00:00:00:00:02\"}]\nneighbours: {10.0.0.2: {mac: \"02:00:00:00:00:02\", port: a}}",
      "f:4:52: routes[0].mac: value \"02:00:00:00:00:02\": a gateway's MAC address is a neighbour's; write it under neighbours"
    ),
    .routed(
      "neighbours: []",
      "f:4:13: neighbours: a list where a mapping is needed; write a neighbour's address, and its mac and port below it"
    ),
    .routed(
      "neighbours: {gw: {mac: \"02:00:00:00:00:02\", port: a}}",
      "f:4:14: neighbours.gw: value \"gw\": no IP address; write it like 192.0.2.1 or 2001:db8::1"),
    .routed(
      "neighbours: {10.0.0.2: {mac: x, port: a}}",
      "f:4:30: neighbours.10.0.0.2.mac: value \"x\": no MAC address; write it like 02:00:00:00:00:01"),
    .routed(
      "neighbours: {10.0.0.2: {mac: \"ff:ff:ff:ff:ff:ff\", port: a}}",
      "f:4:30: neighbours.10.0.0.2.mac: value \"ff:ff:ff:ff:ff:ff\": no device's own address; use a unicast MAC address"
    ),
    .routed(
      "neighbours: {10.0.0.2: {mac: \"02:00:00:00:00:02\", port: c}}",
      "f:4:57: neighbours.10.0.0.2.port: value \"c\": there is no port of this name; use a or b"),
    .routed(
      "neighbours: {10.0.0.2: {mac: \"02:00:00:00:00:02\"}}",
      "f:4:24: neighbours.10.0.0.2.port: missing; add it"),
    .routed(
      "neighbours: {\"2001:db8::1\": {mac: \"02:00:00:00:00:02\", port: a}, \"2001:db8:0::1\": {mac: \"02:00:00:00:00:02\", port: a}}",
      "f:4:66: neighbours.2001:db8:0::1: value \"2001:db8:0::1\": this address is there already, written differently; keep one"
    ),
  ]
}
