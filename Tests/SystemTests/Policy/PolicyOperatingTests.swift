import Foundation
import MetricsParser
import Operations
import Testing
import XSKEngine
import XSKLab

extension OnVeth {
  /// What an operator of `xskfwd run` sees, and the host behind TAP devices.
  @Suite("Operating a policy") struct PolicyOperating {
    static func scrape(_ run: PolicyProcess) throws -> MetricsParser {
      let words = run.process.errors.split { $0 == " " || $0 == "\n" }
      let url = try #require(words.last { $0.hasPrefix("http://") })
      let answer = try run.namespace.run(["curl", "--silent", "--show-error", "--fail", String(url)])
      try #require(answer.succeeded, "\(answer.errors)")
      return try MetricsParser(answer.output)
    }

    @Test func `metrics have rules, counters and limiters, and agree with what show tells`() throws {
      let lab = try RoutedLab()
      let text = RoutedLab.routing([
        "{name: pings, match: {protocol: icmp}, then: [{count: echoes}, {limit: slow}]}",
        "{name: never, match: {saddr: 203.0.113.0/24}, then: {drop: never}}",
      ])
      let limiters = "limiters:\n  slow: {rate: 1 pps, burst: 5 packets, excess: too-many}\n"
      let run = try PolicyProcess(in: lab.middle, text + limiters, ["--metrics", "0"])
      _ = try Ping.run(from: lab.left, to: "10.2.0.20", count: 10, timeout: .milliseconds(20))
      _ = try eventuallyStill { try run.packets("pings") }
      let page = try Self.scrape(run)
      let counts = try run.counts()
      #expect(counts.rules[0].packets >= 10)
      #expect(try page.value("xskfwd_rule_packets_total", ["rule": "pings"]) == Double(counts.rules[0].packets))
      #expect(try page.value("xskfwd_rule_bytes_total", ["rule": "pings"]) == Double(counts.rules[0].bytes))
      #expect(try page.value("xskfwd_rule_packets_total", ["rule": "never"]) == 0)
      #expect(
        try page.value("xskfwd_counter_packets_total", ["counter": "echoes"]) == Double(counts.counters[0].packets))
      for (result, expected) in [("passed", counts.limiters[0].passed), ("exceeded", counts.limiters[0].exceeded)] {
        let labels = ["limiter": "slow", "result": result]
        #expect(try page.value("xskfwd_limiter_packets_total", labels) == Double(expected.packets))
        #expect(try page.value("xskfwd_limiter_bytes_total", labels) == Double(expected.bytes))
      }
      #expect(counts.limiters[0].exceeded.packets > 0)
      #expect(try page.value("xskfwd_limiter_shared_packets_total", ["limiter": "slow"]) == 0)
      #expect(try page.value("xskfwd_policy_generation") == 1)
      #expect(try page.value("xskfwd_default_packets_total", ["action": "default"]) > 0)
      let shown = try lab.left.run([BuiltPrograms.xskfwd, "show", "rules", "--control", run.control])
      #expect(shown.output.contains("limiter slow: exceeded") && shown.output.contains("counter echoes"), "\(shown)")
      // A policy with none of them has no empty families.
      #expect(try run.reload(RoutedLab.routing()).succeeded)
      #expect(try Self.scrape(run).value("xskfwd_policy_generation") == 2)
      try run.stop()
    }

    @Test func `through TAP devices the host answers and routes, as if it had the interfaces themselves`() throws {
      let lab = try RoutedLab(hasRouter: false)
      let run = try PolicyProcess(
        in: lab.middle,
        """
        version: 1
        ports:
          lan: {device: m0, tap: tap0}
          wan: {device: m1, tap: tap1}
        rules:
          - {name: telnet, match: {protocol: tcp, dport: 23}, then: {drop: telnet}}
        default: host

        """)
      for (tap, addresses) in [("tap0", ["10.1.0.1/24", "2001:db8:1::1/64"]), ("tap1", ["10.2.0.1/24"])] {
        for address in addresses { try RoutedLab.run(lab.middle, "ip", "address", "add", address, "dev", tap) }
      }
      #expect(try lab.answers("10.1.0.1") && lab.answers("2001:db8:1::1"))
      #expect(try lab.answers("10.2.0.1", from: lab.right))
      let own = try TCPTransfer.run(from: lab.left, to: lab.middle, address: "10.1.0.1", bytes: 1_000_000)
      #expect(own.isIntact)
      #expect(try !lab.answers("10.2.0.20", within: .milliseconds(300)), "nobody forwards yet")
      try lab.setForwarding(true)
      #expect(try lab.answers("10.2.0.20"))
      let through = try TCPTransfer.run(from: lab.left, to: lab.right, address: "10.2.0.20", bytes: 1_000_000)
      #expect(through.isIntact)
      let summary = try run.stop()
      #expect(summary.packets.delivered > 100)
      #expect(try eventually { try !lab.middle.links().contains { $0.name.hasPrefix("tap") } })
    }
  }
}
