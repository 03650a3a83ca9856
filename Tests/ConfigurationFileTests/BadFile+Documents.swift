extension BadFile {
  static let documents: [BadFile] = [
    BadFile(
      "",
      "f: empty; write at least version: 1"),
    BadFile(
      "# nothing\n",
      "f: empty; write at least version: 1"),
    BadFile(
      "- a\n- b",
      "f:1:1: a list where a mapping is needed; write keys such as \"version\""),
    BadFile(
      "text",
      "f:1:1: value \"text\": a single value where a mapping is needed; write keys such as \"version\""),
    BadFile(
      "version: 1",
      "f:1:1: ports: missing; add it"),
    BadFile(
      "ports: {a: {device: eth0}}",
      "f:1:1: version: missing; add it"),
    BadFile(
      "version: 2\nports: {a: {device: eth0}}",
      "f:1:10: version: value \"2\": not a version that is known; write 1"),
    BadFile(
      "version: [1]\nports: {a: {device: eth0}}",
      "f:1:10: version: a list where a single value is needed; write 1"),
    BadFile(
      "version:\nports: {a: {device: eth0}}",
      "f:1:9: version: nothing where a single value is needed; write 1"),
    BadFile(
      "version: 1\nports: {a: {device: eth0}\nengine: {}",
      "f:3:1: not YAML: while parsing a flow mapping, did not find expected ',' or '}'; correct the YAML; what follows is not looked at until then"
    ),
    BadFile(
      "version: 1\n\tports: {}",
      "f:2:1: not YAML: while scanning a plain scalar, found a tab character that violates indentation; correct the YAML; what follows is not looked at until then"
    ),
    BadFile(
      "version: 1\nports: {a: {device: eth0}}\n---\nversion: 1",
      "f:3:1: a second document; keep one document in the file, without further \"---\""),
    BadFile(
      "version: 1\nversion: 1\nports: {a: {device: eth0}}",
      "f:1:1: version: given twice; keep one of the two"),
    BadFile(
      "version: 1\nports: {a: {device: \"eth0}}",
      "f:2:28: not YAML: while scanning a quoted scalar, found unexpected end of stream; correct the YAML; what follows is not looked at until then"
    ),
    BadFile(
      "version: 1\nports: {a: {device: eth0}}\n? [x]\n: 1",
      "f:3:3: a list as a key; write a plain key"),
    BadFile(
      "version: 1\nports: {a: &x {device: eth0}, b: *x}",
      "f:2:34: ports.b: value \"*x\": an alias, which this file can't have; write out what it stands for, or quote it"),
    BadFile(
      "version: 1\nprots: {a: {device: eth0}}",
      "f:2:1: prots: unknown key; did you mean \"ports\"?"),
    BadFile(
      "version: 1\nports: {a: {device: eth0}}\ncolour: red",
      "f:3:1: colour: unknown key; use version, ports, engine, metadata, offload, sets, limiters, rules, default, malformed, routes or neighbours"
    ),
    BadFile(
      "version: 1\nports: {a: {device: eth0, device: eth1, vlan: 1, vlan: 1}}\nengine: {batch: 0}",
      "f:2:13: device: given twice; keep one of the two",
      "f:2:41: vlan: given twice; keep one of the two",
      "f:3:17: engine.batch: value \"0\": out of range; use 1 to 1024"),
  ]

  static let portRows: [BadFile] = [
    BadFile(
      "version: 1\nports: {}",
      "f:2:8: ports: 0 ports; define 1 to 254"),
    BadFile(
      "version: 1\nports: []",
      "f:2:8: ports: a list where a mapping is needed; write a port's name, and its device below it"),
    BadFile(
      "version: 1\nports: eth0",
      "f:2:8: ports: value \"eth0\": a single value where a mapping is needed; write a port's name, and its device below it"
    ),
    BadFile(
      "version: 1\nports: {a: eth0}",
      "f:2:12: ports.a: value \"eth0\": a single value where a mapping is needed; write keys such as \"device\""),
    BadFile(
      "version: 1\nports: {a: {}}",
      "f:2:12: ports.a.device: missing; add it"),
    BadFile(
      "version: 1\nports: {a: {device: [eth0]}}",
      "f:2:21: ports.a.device: a list where a single value is needed; write a device's name"),
    BadFile(
      "version: 1\nports: {a: {device: a/b}}",
      "f:2:21: ports.a.device: value \"a/b\": no device's name; use at most 15 characters, without spaces, slashes and colons"
    ),
    BadFile(
      "version: 1\nports: {a: {device: a-very-long-device-name}}",
      "f:2:21: ports.a.device: value \"a-very-long-device-name\": no device's name; use at most 15 characters, without spaces, slashes and colons"
    ),
    BadFile(
      "version: 1\nports: {a b: {device: eth0}}",
      "f:2:9: ports.a b: value \"a b\": not a word; use 1 to 64 letters, digits, _ - and ."),
    BadFile(
      "version: 1\nports: {a: {device: eth0}, b: {device: eth0}}",
      "f:2:40: ports.b.device: value \"eth0\": port \"a\" has the same device; give each port a device of its own"),
    BadFile(
      "version: 1\nports: {a: {device: eth0, queues: all}}",
      "f:2:35: ports.a.queues: value \"all\": not a list of numbers; write it like 0,2-3"),
    BadFile(
      "version: 1\nports: {a: {device: eth0, queues: 3-1}}",
      "f:2:35: ports.a.queues: value \"3-1\": out of range; use 0 to 65535, the smaller number first"),
    BadFile(
      "version: 1\nports: {a: {device: eth0, queues: [0, 0]}}",
      "f:2:39: ports.a.queues[1]: value \"0\": 0 is named twice; name each number once"),
    BadFile(
      "version: 1\nports: {a: {device: eth0, queues: []}}",
      "f:2:35: ports.a.queues: an empty list; name at least one value, or leave the key out"),
    BadFile(
      "version: 1\nports: {a: {device: eth0, vlan: 4095}}",
      "f:2:33: ports.a.vlan: value \"4095\": out of range; use 1 to 4094"),
    BadFile(
      "version: 1\nports: {a: {device: eth0, mtu: 100}}",
      "f:2:32: ports.a.mtu: value \"100\": out of range; use 576 to 65535"),
    BadFile(
      "version: 1\nports: {a: {device: eth0, mtu: big}}",
      "f:2:32: ports.a.mtu: value \"big\": not a whole number; use 576 to 65535"),
    BadFile(
      "version: 1\nports: {a: {device: eth0, addresses: [10.0.0.1]}}",
      "f:2:39: ports.a.addresses[0]: value \"10.0.0.1\": without the length of its network; write it like 192.0.2.1/24 or 2001:db8::1/64"
    ),
    BadFile(
      "version: 1\nports: {a: {device: eth0, addresses: [10.0.0.1/33]}}",
      "f:2:39: ports.a.addresses[0]: value \"10.0.0.1/33\": no prefix length; use 0 to 32"),
    BadFile(
      "version: 1\nports: {a: {device: eth0, addresses: [10.0.0/8]}}",
      "f:2:39: ports.a.addresses[0]: value \"10.0.0/8\": no IP address; write it like 192.0.2.1 or 2001:db8::1"),
    BadFile(
      "version: 1\nports: {a: {device: eth0, adresses: [10.0.0.1/8]}}",
      "f:2:27: ports.a.adresses: unknown key; did you mean \"addresses\"?"),
    BadFile(
      "version: 1\nports: {a: {device: eth0, addresses: [10.0.0.1/8]}, b: {device: eth1, addresses: [10.0.0.2/8]}}",
      "f:2:82: ports.b.addresses: value \"10.0.0.0/8\": port \"a\" is connected to the same network; give each network to one port"
    ),
  ]

  static func punt(_ text: String, _ messages: String...) -> BadFile {
    BadFile("version: 1\nports: {a: {device: eth0, punt: \(text)}}", all: messages)
  }

  static let punt: [BadFile] = [
    .punt("on", "f:2:33: ports.a.punt: value \"on\": unknown; use auto, host or off"),
    .punt(
      "{address: kernel}", "f:2:34: ports.a.punt.address: unknown key; did you mean \"addresses\"?"),
    .punt(
      "{addresses: 10.0.0.0/8}",
      "f:2:45: ports.a.punt.addresses: value \"10.0.0.0/8\": neither kernel nor an IP address; write kernel, or addresses like 192.0.2.1"
    ),
    .punt(
      "{addresses: [192.0.2.1, 224.0.0.1]}",
      "f:2:57: ports.a.punt.addresses[1]: value \"224.0.0.1\": not a host's own; name unicast addresses"),
    .punt(
      "{neighbours: own}",
      "f:2:46: ports.a.punt.neighbours: value \"own\": but no address is the host's own; name addresses, or write all"),
    .punt(
      "{neighbours: each}", "f:2:46: ports.a.punt.neighbours: value \"each\": unknown; use off, own or all"),
    .punt(
      "{ethertypes: ip}",
      "f:2:46: ports.a.punt.ethertypes: value \"ip\": would take all of IP, or of a VLAN; name addresses, protocols or services"
    ),
    .punt(
      "{services: [udp/67, 68]}",
      "f:2:53: ports.a.punt.services[1]: value \"68\": no service; write it like udp/67 or tcp/179, the port from 1 to 65535"
    ),
    .punt(
      "{services: udp/0}",
      "f:2:44: ports.a.punt.services: value \"udp/0\": no service; write it like udp/67 or tcp/179, the port from 1 to 65535"
    ),
    .punt(
      "{listener-queries: 1}",
      "f:2:52: ports.a.punt.listener-queries: value \"1\": unknown; use true or false"),
    BadFile(
      "version: 1\nports: {a: {device: local}}",
      "f:2:21: ports.a.device: value \"local\": what the forwarder calls its own packets; rename the interface: ip link set local name NAME"
    ),
    BadFile(
      "version: 1\nports: {a: {device: eth0, tap: eth1}, b: {device: eth1}}",
      "f:2:32: ports.a.tap: value \"eth1\": port \"b\" has a device of this name; choose a name that no interface has"),
    BadFile(
      "version: 1\nports: {a: {device: eth0, tap: t}, b: {device: eth1, tap: t}}",
      "f:2:59: ports.b.tap: value \"t\": port \"a\" has a device of this name; choose a name that no interface has"),
  ]

  static let engine: [BadFile] = [
    .with(
      "engine: fast",
      "f:3:9: engine: value \"fast\": a single value where a mapping is needed; write keys such as \"cores\""),
    .with(
      "engine: {batch: 0}",
      "f:3:17: engine.batch: value \"0\": out of range; use 1 to 1024"),
    .with(
      "engine: {batch: 1025}",
      "f:3:17: engine.batch: value \"1025\": out of range; use 1 to 1024"),
    .with(
      "engine: {batch: -1}",
      "f:3:17: engine.batch: value \"-1\": out of range; use 1 to 1024"),
    .with(
      "engine: {batch: many}",
      "f:3:17: engine.batch: value \"many\": not a whole number; use 1 to 1024"),
    .with(
      "engine: {batch: 18446744073709551616}",
      "f:3:17: engine.batch: value \"18446744073709551616\": out of range; use 1 to 1024"),
    .with(
      "engine: {mode: native}",
      "f:3:16: engine.mode: value \"native\": unknown; use auto, zerocopy, copy or generic"),
    .with(
      "engine: {mode: zero-copy}",
      "f:3:16: engine.mode: value \"zero-copy\": unknown; did you mean \"zerocopy\"?"),
    .with(
      "engine: {idle: busypoll}",
      "f:3:16: engine.idle: value \"busypoll\": unknown; did you mean \"busy-poll\"?"),
    .with(
      "engine: {chunk: 1500}",
      "f:3:17: engine.chunk: value \"1500\": no size of a frame; use 2048 or 4096"),
    .with(
      "engine: {hugepages: yes}",
      "f:3:21: engine.hugepages: value \"yes\": unknown; use 2M, 1G or off"),
    .with(
      "engine: {gro: linear}",
      "f:3:15: engine.gro: value \"linear\": unknown; use off or chain"),
    .with(
      "engine: {gro-hold: 1001}",
      "f:3:20: engine.gro-hold: value \"1001\": out of range; use 0 to 1000"),
    .with(
      "engine: {gro: off, gro-hold: 50}",
      "f:3:30: engine.gro-hold: value \"50\": nothing is held without GRO; set gro to chain, or take gro-hold out"),
    .with(
      "engine: {cores: [1, 1]}",
      "f:3:21: engine.cores[1]: value \"1\": 1 is named twice; name each number once"),
    .with(
      "engine: {cores: 1024}",
      "f:3:17: engine.cores: value \"1024\": out of range; use 0 to 1023, the smaller number first"),
    .with(
      "engine: {hold: 1}",
      "f:3:10: engine.hold: unknown key; use cores, mode, idle, batch, chunk, hugepages, gro or gro-hold"),
    .with(
      "engine: {batch: {a: 1}}",
      "f:3:17: engine.batch: a mapping where a single value is needed; write a number, 1 to 1024"),
    .with(
      "engine: {batch: }",
      "f:3:17: engine.batch: nothing where a single value is needed; write a number, 1 to 1024"),
  ]
}
