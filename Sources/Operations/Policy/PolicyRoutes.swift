import Forwarder

extension PolicyDesk {
  /// What the control socket answers about the policy.
  func add(to router: inout HTTPRouter) {
    router.add("GET", "/v1/rules", "what rules, counters and limiters have counted") { [self] _ in
      .json(pipeline.counts)
    }
    router.add("GET", "/v1/routes", "next hops and their routes; ?address=A: where packets to it go") {
      [self] request in
      guard let text = request.query["address"] else { return .json(pipeline.policy.routesReport()) }
      guard let address = IPAddress(text) else {
        return .refusal(.badRequest, "address: \"\(text)\" is no IP address; write it like 192.0.2.1 or 2001:db8::1")
      }
      return .json(pipeline.policy.routesReport(for: address))
    }
    router.add("POST", "/v1/reload", "reads the configuration file again; GET tells what came of it") {
      [self] _ in
      .json(report(on: ask()), .accepted)
    }
    router.add("GET", "/v1/reload", "what became of a reload: ?number=N") { [self] request in
      guard let number = request.query["number"].flatMap({ UInt64($0) }) else {
        return .refusal(.badRequest, "number: missing, or no number; give the one that POST /v1/reload answered")
      }
      return .json(report(on: number))
    }
  }

  /// What metrics say about the policy.
  func add(to page: inout Exposition) {
    let counts = pipeline.counts
    page.family("xskfwd_policy_generation", .gauge, "Policies that were in force so far, this one included.") {
      $0.add([], counts.generation)
    }
    add(&page, "xskfwd_rule", "that a rule decided about, by its name", counts.rules)
    add(
      &page, "xskfwd_default", "that no rule decided about",
      [
        PipelineCounts.Rule(name: "default", counts.defaultAction),
        PipelineCounts.Rule(name: "malformed", counts.malformed),
      ], label: "action")
    add(&page, "xskfwd_counter", "that a count action met, by its name", counts.counters, label: "counter")
    page.family("xskfwd_limiter_packets_total", .counter, "Packets that came to a limiter.") { family in
      for limiter in counts.limiters {
        family.add([("limiter", limiter.name), ("result", "passed")], limiter.passed.packets)
        family.add([("limiter", limiter.name), ("result", "exceeded")], limiter.exceeded.packets)
      }
    }
    page.family("xskfwd_limiter_bytes_total", .counter, "Bytes of those.") { family in
      for limiter in counts.limiters {
        family.add([("limiter", limiter.name), ("result", "passed")], limiter.passed.bytes)
        family.add([("limiter", limiter.name), ("result", "exceeded")], limiter.exceeded.bytes)
      }
    }
    page.family(
      "xskfwd_limiter_shared_packets_total", .counter, "Packets counted against a shared bucket, the table being full."
    ) { family in
      for limiter in counts.limiters { family.add([("limiter", limiter.name)], limiter.sharedPackets) }
    }
  }

  private func add(
    _ page: inout Exposition, _ name: String, _ what: String, _ rules: [PipelineCounts.Rule], label: String = "rule"
  ) {
    page.family("\(name)_packets_total", .counter, "Packets \(what).") { family in
      for rule in rules { family.add([(label, rule.name)], rule.packets) }
    }
    page.family("\(name)_bytes_total", .counter, "Bytes of packets \(what).") { family in
      for rule in rules { family.add([(label, rule.name)], rule.bytes) }
    }
  }
}
