import Forwarder
import PacketSamples
import Testing
import XSKEngine

/// Policies swapped under a worker that moves packets.
@Suite struct PolicyReplacementTests {
  static func rules(_ names: [String], port: Int) -> [Rule] {
    names.map { Rule($0, PipelineTests.tcp, .count("c-\($0)")) } + [Rule("last", RuleMatch(), .forward(port: port))]
  }

  @Test func `packets meet the old policy or the new one, and counts of what stays go on`() throws {
    let pipeline = Pipeline(try PipelineTests.policy(PipelineTests.configuration(Self.rules(["a", "b"], port: 1))))
    let rig = try PipelineTests.rig(pipeline)
    let packets = PipelineTests.stream(4)
    #expect(rig.run(packets, on: 0)[1] == packets)
    let next = try PipelineTests.policy(PipelineTests.configuration(Self.rules(["b", "c"], port: 2)))
    try pipeline.replace(with: next) { rig.worker.housekeeping() }
    #expect(pipeline.generation == 2 && pipeline.policy === next)
    #expect(rig.run(packets, on: 0)[2] == packets)
    let counts = pipeline.counts
    #expect(counts.rules.map(\.name) == ["b", "c", "last"])
    #expect(counts.rules.map(\.packets) == [8, 4, 8])
    #expect(counts.counters.map(\.packets) == [8, 4])
  }

  @Test func `a worker that does not answer is named, and takes the newest policy later`() throws {
    let pipeline = Pipeline(try PipelineTests.policy(PipelineTests.configuration(Self.rules([], port: 1))))
    let rig = try PipelineTests.rig(pipeline)
    let packets = PipelineTests.stream(4)
    _ = rig.run(packets, on: 0)
    for port in [0, 2] {
      let next = try PipelineTests.policy(PipelineTests.configuration(Self.rules([], port: port)))
      #expect(try pipeline.replace(with: next, within: 0.001).silentWorkers == [0])
    }
    #expect(rig.run(packets, on: 0)[1] == packets, "until its housekeeping it goes on as it was")
    rig.worker.housekeeping()
    #expect(rig.run(packets, on: 0)[2] == packets)
    #expect(pipeline.counts.rules[0].packets == 12)
  }

  @Test func `a worker that is late is known to be, and its counts and buckets are right all the same`() throws {
    let pipeline = Pipeline(try PipelineTests.policy(try Self.limited(600, ["a", "b"])))
    let rig = try PipelineTests.rig(pipeline)
    func passing(_ packets: Int) -> Int { rig.run(PipelineTests.stream(packets), on: 0, burst: 64)[1].count }
    #expect(passing(400) == 400)
    // Taken only after the control plane has given up, twice, and once more while nobody looks.
    for names in [["b"], ["b", "a"]] {
      let next = try PipelineTests.policy(try Self.limited(600, names))
      #expect(try pipeline.replace(with: next, within: 0.001).silentWorkers == [0])
      rig.worker.housekeeping()
    }
    let last = try PipelineTests.policy(try Self.limited(600, ["b", "a"]))
    #expect(try pipeline.replace(with: last) { rig.worker.housekeeping() }.silentWorkers == [])
    #expect((200..<300).contains(passing(400)), "b has its 200 tokens still; a began anew, and lets them pass")
    #expect(pipeline.counts.rules.map(\.name) == ["b", "a"])
    #expect(pipeline.counts.rules[0].packets == 800)
    #expect(try pipeline.replace(with: last) { rig.worker.housekeeping() }.silentWorkers == [], "the same again")
    #expect(pipeline.counts.rules[0].packets == 800)
  }

  static func limited(_ burst: Int, _ names: [String]) throws -> ForwarderConfiguration {
    let limit = try RateLimit(.packets, perSecond: 1, burst: burst)
    return PipelineTests.configuration(
      names.indices.map {
        Rule(
          names[$0], RuleMatch { $0.ipProtocol = [.tcp] }, .rateLimit(limiter: $0, excess: "rate_limit"))
      }, default: .forward(port: 1)
    ) { configuration in
      configuration.limiters = names.map { RateLimiter($0, limit, forEach: try? .source(), entries: 1024) }
    }
  }

  @Test func `buckets of limiters that stay go on, and those of changed ones begin anew`() throws {
    // A token comes back each second: of hundreds it doesn't matter how slow the machine is.
    let pipeline = Pipeline(try PipelineTests.policy(try Self.limited(600, ["a"])))
    let rig = try PipelineTests.rig(pipeline)
    func passing(_ packets: Int) -> Int { rig.run(PipelineTests.stream(packets), on: 0, burst: 64)[1].count }
    #expect(passing(400) == 400)
    try pipeline.replace(with: try PipelineTests.policy(try Self.limited(600, ["b", "a"]))) {
      rig.worker.housekeeping()
    }
    #expect((200..<300).contains(passing(400)), "a has 200 tokens left")
    #expect((600..<700).contains(Int(pipeline.counts.limiters[1].passed.packets)))
    try pipeline.replace(with: try PipelineTests.policy(try Self.limited(700, ["b", "a"]))) {
      rig.worker.housekeeping()
    }
    #expect((700..<800).contains(passing(900)))
  }

  @Test func `replacing under load loses nothing and mixes nothing`() throws {
    let names = (0..<40).map { "r\($0)" }
    func policy(_ port: Int) throws -> Policy {
      try PipelineTests.policy(PipelineTests.configuration(Self.rules(names, port: port)))
    }
    let pipeline = Pipeline(try policy(1))
    let rig = try PipelineTests.rig(pipeline)
    var total = 0
    for round in 0..<50 {
      let packets = PipelineTests.stream(16, port: UInt16(round + 1))
      let port = round % 2 + 1
      #expect(rig.run(packets, on: 0, burst: 16)[port] == packets)
      total += packets.count
      try pipeline.replace(with: try policy(2 - round % 2)) { rig.worker.housekeeping() }
    }
    #expect(pipeline.counts.rules.allSatisfy { $0.packets == UInt64(total) })
  }
}
