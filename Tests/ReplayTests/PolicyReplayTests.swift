import Foundation
import PacketSamples
import Testing

/// `xskfwd replay --config`: a policy tried on a capture.
@Suite struct PolicyReplayTests {
  static let policy = """
    version: 1
    ports:
      a: {device: eth1, addresses: [10.0.0.254/24]}
      b: {device: eth2, addresses: [10.0.1.254/24]}
    neighbours:
      10.0.0.1: {mac: "02:00:00:00:00:01", port: a}
      10.0.1.2: {mac: "02:00:00:00:00:02", port: b}
    rules:
      - name: no-telnet
        match: {dport: 23}
        then: {drop: telnet}
    default: route
    """

  struct Result: Decodable {
    struct Policy: Decodable {
      struct Rule: Decodable {
        var name: String
        var packets: Int
      }

      var rules: [Rule]
    }

    struct Run: Decodable { var packets: CommandTests.Summary.Packets }

    var run: Run
    var policy: Policy
  }

  /// Replays packets so many seconds apart.
  static func replay(_ samples: [SamplePacket], secondsApart: Int = 0) throws -> (result: Result, out: [UInt8]) {
    let shell = try CommandTests()
    let packets = samples.enumerated().map {
      SampleCapture.Packet($1.frame, seconds: 1_700_000_000 + UInt32($0 * secondsApart))
    }
    let path = try shell.folder.write(SampleCapture(packets).bytes)
    let file = try shell.folder.write(Array(policy.utf8), to: "policy.yaml")
    let ended = try shell.run(["--in", path, "--config", file, "--out", "out", "--json"])
    #expect(ended.status == 0 && ended.errors == "")
    return (try JSONDecoder().decode(Result.self, from: Data(ended.output)), try shell.folder.read("out"))
  }

  @Test func `every packet is counted by its rule or its reason, and what leaves is written`() throws {
    let samples = [23, 80, 23, 443, 23].map { port in SamplePacket { $0.destinationPort = UInt16(port) } }
    let (result, out) = try Self.replay(samples)
    #expect(result.policy.rules.map(\.name) == ["no-telnet"] && result.policy.rules[0].packets == 3)
    #expect(result.run.packets.received == 5 && result.run.packets.forwarded == 2)
    #expect(result.run.packets.dropped.filter { $0.value > 0 } == ["telnet": 3])
    // A capture's header, and two frames behind their records' headers.
    #expect(out.count == 24 + 2 * 16 + samples[1].frame.count + samples[3].frame.count)
  }

  /// A thousand answers a second at most, and twenty at once: by the capture's time there is one a second.
  @Test func `answers are limited by the capture's time, too`() throws {
    let samples = (0..<100).map { _ in SamplePacket { $0.timeToLive = 1 } }
    let (result, _) = try Self.replay(samples, secondsApart: 1)
    #expect(result.run.packets.dropped.filter { $0.value > 0 } == ["hop_limit": 100])
    #expect(result.run.packets.forwarded == 100)
    #expect(try Self.replay(samples).result.run.packets.forwarded == 20)
  }
}
