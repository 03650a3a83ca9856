import ConfigurationFile
import Forwarder
import Testing
import XSKEngine

@testable import ContainerDataplane

@Suite struct NodeFileTests {
  private static func parse(_ text: String) -> NodeConfigurationReport {
    NodeConfigurationFile.parse(text, file: "xskd.yaml")
  }

  @Test func `the smallest file is enough`() throws {
    let node = try #require(Self.parse("version: 1").configuration)
    #expect(node == NodeConfiguration())
    #expect(node.policies == ["default": TenantPolicy()])
  }

  @Test func `a full file is read as it is meant`() throws {
    let report = Self.parse(
      """
      version: 1
      uplinks: {wan: {device: eth1, addresses: [192.0.2.10/24]}}
      capacity: {tenants: 16, frames: 128}
      engine: {cores: 1, idle: sleep}
      quota: {umem: 4M, frames: 2048, sockets: 2}
      sets: {friends: [198.51.100.0/24]}
      policies:
        web:
          ingress:
            default: drop
            rules:
              - {name: http, match: {protocol: tcp, dport: [80, 443]}, then: accept}
              - {name: friends, match: {saddr-set: friends}, then: accept}
            limit: {packets: 1M, bits: 1G, bits-burst: 10M}
          egress: {limit: {packets: 100 kpps, packets-burst: 500}}
      neighbours: {192.0.2.1: {mac: 02:00:00:00:bb:00, port: wan}}
      routes: [{prefix: 0.0.0.0/0, via: 192.0.2.1}]
      """)
    #expect(report.problems == [])
    let node = try #require(report.configuration)
    #expect(node.uplinks.map(\.device) == ["eth1"] && node.capacity == 16 && node.framesPerTenant == 128)
    #expect(node.engine.cores == [1] && node.engine.idle == .sleep && node.queuesPerTenant == 1)
    #expect(node.quota == TenantQuota(umemBytes: 4 << 20, frames: 2048, sockets: 2))
    let web = try #require(node.policies["web"])
    #expect(web.ingress.rules.map(\.name) == ["http", "friends"] && !web.ingress.accepts && web.egress.accepts)
    #expect(web.ingress.packets?.perSecond == 1_000_000 && web.ingress.bits?.perSecond == 1_000_000_000)
    #expect(web.ingress.bits?.burst == 10_000_000 && web.egress.packets?.burst == 500 && web.egress.bits == nil)
    #expect(node.routes.count == 1 && node.neighbours.count == 1)
    let policy = try NodePolicy(node, tenants: [Tenant.sample(1)])
    _ = try policy.makeRoutes(uplinks: [PortFacts(mac: 1, mtu: 1500)])
  }

  @Test func `a policy's rules that do nothing are told, and used all the same`() throws {
    let report = NodeConfigurationFile.parse(
      """
      version: 1
      policies:
        web:
          ingress:
            rules:
              - {name: dns, match: {protocol: udp}, then: accept}
              - {name: flags, match: {protocol: udp, tcp-flags: syn}, then: drop}
              - {name: quic, match: {protocol: udp, dport: 443}, then: drop}
              - {name: all, then: accept}
              - {name: late, match: {saddr: 10.0.0.0/8}, then: drop}
      """, file: "f")
    let rules = "warning: policies.web.ingress.rules"
    #expect(
      report.problems.map(\.description) == [
        "f:7:59: \(rules)[1].match.tcp-flags: no packet meets it together with protocol: only TCP segments have flags; "
          + "correct one of them, or take the rule out",
        "f:8:11: \(rules)[2]: never reached: \"dns\" ahead of it takes all of its packets; move it ahead of that rule, "
          + "or take it out",
        "f:10:11: \(rules)[4]: this rule is never reached: \"all\" takes every packet; move that rule to the end, or give "
          + "it conditions",
      ])
    #expect(report.configuration?.policies["web"]?.ingress.rules.count == 5)
  }

  @Test(arguments: [
    ("version: 2", "xskd.yaml:1:10: version: value \"2\": not a version that is known; write 1"),
    ("uplinks: {}", "xskd.yaml:1:1: version: missing; add it"),
    ("version: 1\nuplink: {}", "xskd.yaml:2:1: uplink: unknown key; did you mean \"uplinks\"?"),
    (
      "version: 1\nuplinks: {a: {device: e}, b: {device: e}}",
      "xskd.yaml:2:39: uplinks.b.device: value \"e\": another uplink has the same device; "
        + "give each uplink a device of its own"
    ),
    (
      "version: 1\nuplinks: {a: {device: lo}}",
      "xskd.yaml:2:23: uplinks.a.device: value \"lo\": the loopback device: nothing but this host's own packets come there; "
        + "name a device that leads out of this host"
    ),
    (
      "version: 1\nuplinks: {a: {device: e, tap: t}}",
      "xskd.yaml:2:31: uplinks.a.tap: value \"t\": not an uplink's to have; take it out"
    ),
    (
      "version: 1\ncapacity: {tenants: 251}",
      "xskd.yaml:2:21: capacity.tenants: value \"251\": out of range; use 1 to 250"
    ),
    (
      "version: 1\nengine: {gro-hold: 5}",
      "xskd.yaml:2:20: engine.gro-hold: value \"5\": tenants' packets are not held back; take it out"
    ),
    (
      "version: 1\nquota: {umem: 1T}",
      "xskd.yaml:2:15: quota.umem: value \"1T\": no amount of memory; write it like 16M: 64K to 4G"
    ),
    (
      "version: 1\npolicies: {a: {ingress: {default: reject}}}",
      "xskd.yaml:2:35: policies.a.ingress.default: value \"reject\": unknown; use accept or drop"
    ),
    (
      "version: 1\npolicies: {a: {ingress: {rules: [{name: x, match: {iif: wan}, then: drop}]}}}",
      "xskd.yaml:2:57: policies.a.ingress.rules[0].match.iif: value \"wan\": there is no port of this name; "
        + "take it out"
    ),
    (
      "version: 1\npolicies: {a: {ingress: {rules: [{name: x, match: {vlan: 5}, then: drop}]}}}",
      "xskd.yaml:2:58: policies.a.ingress.rules[0].match.vlan: value \"5\": not a policy's to ask: the tenant says it; "
        + "take it out"
    ),
    (
      "version: 1\npolicies: {a: {egress: {rules: [{name: x, then: drop}, {name: x, then: accept}]}}}",
      "xskd.yaml:2:63: policies.a.egress.rules[1].name: value \"x\": another rule has this name; "
        + "give each rule of a direction a name of its own"
    ),
    (
      "version: 1\npolicies: {a: {egress: {rules: [{name: default, then: drop}]}}}",
      "xskd.yaml:2:40: policies.a.egress.rules[0].name: value \"default\": what no rule matched is counted under it; "
        + "name it otherwise"
    ),
    (
      "version: 1\npolicies: {a: {egress: {rules: [{name: x, match: {icmp-type: 8}, then: drop}]}}}",
      "xskd.yaml:2:50: policies.a.egress.rules[0].match: it asks for an ICMP type or code; "
        + "set its protocol to icmp or to icmpv6"
    ),
    (
      "version: 1\npolicies: {a: {egress: {limit: {packets: fast}}}}",
      "xskd.yaml:2:42: policies.a.egress.limit.packets: value \"fast\": no rate of packets; write it like 100k or 100 kpps"
    ),
    (
      "version: 1\npolicies: {a: {egress: {limit: {bits-burst: 5}}}}",
      "xskd.yaml:2:45: policies.a.egress.limit.bits-burst: value \"5\": a burst without its rate; add bits, or take it out"
    ),
    (
      "version: 1\nroutes: [{prefix: 0.0.0.0/0, port: wan}]",
      "xskd.yaml:2:36: routes[0].port: value \"wan\": there is no port of this name; define it under ports"
    ),
  ])
  func `what is wrong is told with its place`(_ text: String, _ problem: String) {
    let report = Self.parse(text)
    #expect(report.configuration == nil)
    #expect(report.problems.first?.description.hasPrefix(problem) == true, "\(report.problems)")
  }

  @Test func `devices whose queues containers may have are read, and looked at if somebody can`() throws {
    let text = """
      version: 1
      uplinks: {wan: {device: eth1}}
      queues:
        fast: {device: eth2, queues: [2, 3-5]}
        all: {device: eth3}
      """
    let report = Self.parse(text)
    #expect(
      report.configuration?.queuePools == [
        QueuePool("fast", device: "eth2", queues: [2, 3, 4, 5]), QueuePool("all", device: "eth3"),
      ], "\(report.problems)")
    // A device that isn't there may come.
    #expect(NodeConfigurationFile.parse(text, file: "x") { $0 == "eth2" ? 6 : nil }.problems == [])
    let few = NodeConfigurationFile.parse(text, file: "x") { _ in 4 }
    #expect(
      few.problems.map(\.description)
        == [4, 5].map {
          "x:4:32: queues.fast.queues: value \"\($0)\": eth2 has queues 0 to 3; name one of these, or give it more: ethtool -L eth2"
        })
  }

  @Test(arguments: [
    ("{a: {}}", "xskd.yaml:3:13: queues.a.device: missing"),
    ("{a: {device: lo}}", "xskd.yaml:3:22: queues.a.device: value \"lo\": the loopback device"),
    (
      "{a: {device: eth1}}",
      "xskd.yaml:3:22: queues.a.device: value \"eth1\": an uplink: the dataplane takes all of its packets"
    ),
    ("{a: {device: e}, b: {device: e}}", "xskd.yaml:3:38: queues.b.device: value \"e\": \"a\" has the same device"),
    ("{a: {device: e, queues: []}}", "xskd.yaml:3:33: queues.a.queues: an empty list"),
    ("{a: {device: e, queues: [1, 1]}}", "xskd.yaml:3:37: queues.a.queues[1]: value \"1\": 1 is named twice"),
    ("{a: {device: e, queues: [-1]}}", "xskd.yaml:3:34: queues.a.queues[0]: value \"-1\""),
    ("{a: {device: e, queue: 1}}", "xskd.yaml:3:25: queues.a.queue: unknown key; did you mean \"queues\"?"),
    ("{a: {device: a/b}}", "xskd.yaml:3:22: queues.a.device: value \"a/b\""),
  ])
  func `wrong devices for queues are told with their place`(_ queues: String, _ problem: String) {
    let report = Self.parse("version: 1\nuplinks: {wan: {device: eth1}}\nqueues: \(queues)")
    #expect(report.configuration == nil)
    #expect(report.problems.first?.description.hasPrefix(problem) == true, "\(report.problems)")
  }

  @Test func `everything that is wrong is told at once`() {
    let report = Self.parse(
      "version: 1\ncapacity: {tenants: 0}\nquota: {umem: x}\npolicies: {a: {ingress: {default: no}}}\nuplinks: {a: {}}")
    #expect(report.problems.map(\.line) == [2, 3, 4, 5])
  }

  @Test func `a file that can't be read is told by its path`() {
    #expect(NodeConfigurationFile.read("/nowhere.yaml").problems.map(\.file) == ["/nowhere.yaml"])
  }
}
