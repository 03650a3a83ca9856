import ConfigurationFile
import Forwarder
import PacketHeaders
import Testing
import XSKEngine

@Suite struct GoodFileTests {
  private func read(_ text: String) throws -> ForwarderConfiguration {
    let report = ConfigurationFile.parse(text, file: "f")
    #expect(report.errors == [])
    return try #require(report.configuration)
  }

  @Test func `the smallest file has the defaults`() throws {
    let configuration = try read("version: 1\nports: {wan: {device: eth0}}")
    #expect(configuration == ForwarderConfiguration(ports: [ForwarderPort("wan", device: "eth0")]))
    #expect(configuration.rules.defaultAction == .drop("policy"))
    let engine = try configuration.engineConfiguration()
    #expect(engine.worker.batch == 64 && engine.umem.chunkSize == 2048 && engine.socket.mode == .auto)
    #expect(configuration.groConfiguration()?.holdTime == 0)
  }

  @Test func `ports and engine are read`() throws {
    let configuration = try read(
      """
      version: 1
      ports:
        lan: {device: eth0, queues: "0, 2-3", vlan: 10, mtu: 9000, addresses: [10.0.0.1/24, "2001:db8::1/64"]}
        wan: {device: eth1, queues: [4, 5], addresses: 192.0.2.1/30}
      engine: {cores: 2-3, mode: zerocopy, idle: spin, batch: 128, chunk: 4096, hugepages: 1G, gro: chain, gro-hold: 30}
      """)
    #expect(
      configuration.ports == [
        ForwarderPort(
          "lan", device: "eth0", queues: [0, 2, 3], vlan: 10, mtu: 9000,
          addresses: [
            InterfaceAddress(.ipv4(0x0A00_0001), length: 24),
            InterfaceAddress(.ipv6(0x2001_0DB8 << 96 | 1), length: 64),
          ]),
        ForwarderPort(
          "wan", device: "eth1", queues: [4, 5], addresses: [InterfaceAddress(.ipv4(0xC000_0201), length: 30)]),
      ])
    let engine = try configuration.engineConfiguration()
    #expect(
      engine.ports == [
        PortConfiguration("eth0", queues: [0, 2, 3], punt: .bridge),
        PortConfiguration("eth1", queues: [4, 5], punt: .bridge),
      ])
    #expect(engine.cores == [2, 3] && engine.socket.mode == .zerocopy && engine.worker.idle == .spin)
    #expect(engine.worker.batch == 128 && engine.umem.chunkSize == 4096 && engine.umem.pages == .huge1G)
    #expect(engine.heldPerQueue == 64 && configuration.groConfiguration()?.holdTime == 30_000)
  }

  @Test func `ports are promiscuous where packets are forwarded and none routed, or as they say`() throws {
    func ports(_ rules: String) throws -> [Bool] {
      let configuration = try read(
        "version: 1\nports: {a: {device: eth0}, b: {device: eth1, tap: tap0}, c: {device: eth2, promiscuous: false}, "
          + "d: {device: eth3, promiscuous: true}}\n\(rules)")
      return try configuration.engineConfiguration().ports.map(\.isPromiscuous)
    }
    #expect(try ports("default: {drop: policy}") == [false, false, false, true])
    #expect(try ports("rules: [{name: x, then: {forward: b}}]") == [true, false, false, true])
    #expect(try ports("default: {forward: b}") == [true, false, false, true])
    #expect(
      try ports("rules: [{name: x, match: {dport: 1}, then: {forward: b}}]\ndefault: route") == [
        false, false, false, true,
      ])
  }

  @Test func `limiters are read in any unit`() throws {
    let configuration = try read(
      """
      version: 1
      ports: {a: {device: eth0}}
      limiters:
        one: {rate: 1.5 kpps}
        two: {rate: 10Mbit/s, burst: 64 kB, per: source, ipv4-prefix: 24, entries: 1024, excess: flood}
        three: {rate: 2 Gbit/s, burst: 3 Mbit, per: flow}
        four: {rate: 7 pps, burst: 9 packets, per: destination}
      rules: [{name: r, then: [limit: one, limit: two, limit: three, limit: four]}]
      """)
    #expect(
      configuration.limiters == [
        RateLimiter("one", try RateLimit(.packets, perSecond: 1500)),
        RateLimiter(
          "two", try RateLimit(.bits, perSecond: 10_000_000, burst: 512_000),
          forEach: try .source(ipv4Length: 24, ipv6Length: 64), entries: 1024, excess: "flood"),
        RateLimiter("three", try RateLimit(.bits, perSecond: 2_000_000_000, burst: 3_000_000), forEach: .flow),
        RateLimiter("four", try RateLimit(.packets, perSecond: 7, burst: 9), forEach: try .destination()),
      ])
    #expect(
      configuration.rules.rules.first?.actions == [
        .rateLimit(limiter: 0, excess: "rate_limit"), .rateLimit(limiter: 1, excess: "flood"),
        .rateLimit(limiter: 2, excess: "rate_limit"), .rateLimit(limiter: 3, excess: "rate_limit"),
      ])
    #expect(try configuration.dropReasons == ["policy": .policy, "rate_limit": .rateLimit, "flood": .custom(0)])
    #expect(try configuration.engineConfiguration().reasonNames[.custom(0)] == "flood")
  }

  @Test func `each action is read`() throws {
    let configuration = try read(
      """
      version: 1
      ports: {a: {device: eth0}, b: {device: eth1}}
      rules:
        - {name: r1, match: {dport: 1}, then: drop}
        - {name: r2, match: {dport: 2}, then: {drop: spoofed}}
        - {name: r3, match: {dport: 3}, then: {forward: b}}
        - {name: r4, match: {dport: 4}, then: reflect}
        - {name: r5, match: {dport: 5}, then: [{count: c}, {sample: 1/100}, host]}
        - {name: r6, match: {dport: 6}, then: [{vlan: 10}, {mark: 5}, route]}
        - {name: r7, match: {dport: 7}, then: [{vlan: none}, {mark: 0x1/0xff}, {vlan: {id: 7, pcp: 3}}]}
      default: {forward: a}
      malformed: host
      """)
    #expect(
      configuration.rules.rules.map(\.actions) == [
        [.drop("policy")], [.drop("spoofed")], [.forward(port: 1)], [.reflect],
        [.count("c"), .sample(oneIn: 100), .host], [.setVLAN(.tag(id: 10)), .setMark(5), .route],
        [.setVLAN(.remove), .setMark(1, mask: 0xFF), .setVLAN(.tag(id: 7, priority: 3))],
      ])
    #expect(configuration.rules.defaultAction == .forward(port: 0) && configuration.rules.malformedAction == .host)
  }

  @Test func `decisions for the kernel are read`() throws {
    let configuration = try read(
      """
      version: 1
      ports: {a: {device: eth0}, b: {device: eth1}}
      offload: {flows: 100, sources: 200, lifetime: 2 min}
      sets: {s: [10.0.0.0/8]}
      rules:
        - {name: r, match: {iif: a, saddr-set: s}, then: {drop: x}, offload: source}
        - {name: f, match: {protocol: udp, dport: 53}, then: {forward: b}, offload: flow}
      """)
    #expect(configuration.rules.rules.map(\.offload) == [.source, .flow])
    #expect(configuration.offload.lifetime == 120_000)
    #expect(try configuration.engineConfiguration().offload == OffloadConfiguration(flows: 100, sources: 200))
    var plain = configuration
    for place in plain.rules.rules.indices { plain.rules.rules[place].offload = nil }
    #expect(try plain.engineConfiguration().offload == nil, "no rule asks for it")
    #expect(plain.obstacles(to: configuration).map(\.subject) == ["offload"])
  }

  @Test func `what belongs to the host itself is read`() throws {
    let configuration = try read(
      """
      version: 1
      ports:
        a: {device: eth0}
        b: {device: eth1, tap: host1}
        c: {device: eth2, punt: host}
        d: {device: eth3, punt: off}
        e:
          device: eth4
          punt: {addresses: [192.0.2.1, "2001:db8::1"], neighbours: all, listener-queries: true,
            ethertypes: [lldp, 0x88f7], protocols: [ospf, 112], services: [udp/67, tcp/179]}
        f: {device: eth5, punt: {addresses: kernel}}
      """)
    #expect(configuration.ports[1].tap == "host1")
    let given = PuntConfiguration(
      addresses: .given(Set(["192.0.2.1", "2001:db8::1"].compactMap { NetworkAddress($0) })), neighbours: .all,
      listenerQueries: true, etherTypes: [0x88CC, 0x88F7], protocols: [89, 112],
      services: [.init(ipProtocol: 17, port: 67), .init(ipProtocol: 6, port: 179)])
    let punts = try configuration.engineConfiguration().ports.map(\.punt)
    #expect(punts == [.bridge, .none, .host, .none, given, PuntConfiguration(addresses: .kernel)])
    var router = configuration
    router.rules.defaultAction = .route
    #expect(
      try router.engineConfiguration().ports.map(\.punt)[..<2] == [.host, .none], "a router answers for itself only")
    #expect(configuration.obstacles(to: configuration) == [] && router.obstacles(to: router) == [])
    let obstacles = configuration.obstacles(to: router)
    #expect(obstacles.map(\.subject) == ["ports.a.punt"] && obstacles[0].problem.hasPrefix("\"auto\" means"))
  }
}

extension PuntConfiguration {
  /// What `auto` is where nothing is routed.
  static let bridge = PuntConfiguration(addresses: .kernel, neighbours: .own)
}
