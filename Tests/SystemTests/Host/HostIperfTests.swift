import Forwarder
import Foundation
import Testing
import XSKLab

@testable import XSKEngine

extension OnVeth {
  /// iperf3 between a neighbour and the host's stack: a program that nobody here wrote.
  @Suite("iperf3 through the host's tap") struct HostIperf {
    struct Run: CustomTestStringConvertible, Sendable {
      var address = "10.7.0.2"
      var options: [String] = []
      var testDescription: String { ([address] + options).joined(separator: " ") }
    }

    /// The part of iperf3's report that matters here.
    struct Report: Decodable {
      struct Sum: Decodable {
        var bytes: Double
        var packets: Int?
        var lostPackets: Int?
      }
      struct End: Decodable {
        /// UDP's.
        var sum: Sum?
        var sumReceived: Sum?
      }
      var end: End
    }

    /// UDP datagrams that programs of a namespace were given.
    static func datagrams(_ namespace: NetworkNamespace, isIPv6: Bool) throws -> Int {
      let text = try namespace.run(["nstat", "-asz", isIPv6 ? "Udp6InDatagrams" : "UdpInDatagrams"]).output
      let fields = try #require(text.split(separator: "\n").last).split(separator: " ")
      return try #require(fields.count > 1 ? Int(fields[1]) : nil)
    }

    @Test(
      arguments: [
        Run(), Run(options: ["-R"]), Run(address: "fd07::2"), Run(address: "fd07::2", options: ["-R"]),
        Run(options: ["-P", "4"]), Run(options: ["-u", "-b", "50M"]),
        Run(address: "fd07::2", options: ["-u", "-b", "50M", "-R"]),
      ])
    func runs(_ run: Run) throws {
      let lab = try HostLab()
      let tap = try lab.makeTap()
      let engine = try lab.start(tap)
      try #require(try lab.isPassing())
      let server = try lab.host.start(["iperf3", "-s", "-1", "--forceflush"])
      try #require(server.waitForOutput("Server listening"), "\(server.errors)")
      let client = try lab.left.run(
        ["iperf3", "-c", run.address, "-t", "2", "--connect-timeout", "5000", "-J"] + run.options,
        timeout: .seconds(30))
      try #require(client.succeeded, "\(client.output) \(client.errors)")
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      let end = try decoder.decode(Report.self, from: Data(client.output.utf8)).end
      let counters = engine.finish()
      if run.options.contains("-u") {
        let sum = try #require(end.sum)
        let packets = try #require(sum.packets)
        let lost = try #require(sum.lostPackets)
        // What is lost is lost in rings that ran full, and most is not.
        #expect(packets > 1_000 && lost * 2 < packets, "\(lost) of \(packets) lost")
        // Not only iperf3's word, which is the sender's where the receiver did not answer: its stack has them.
        let receiver = run.options.contains("-R") ? lab.left : lab.host
        let taken = try Self.datagrams(receiver, isIPv6: run.address.contains(":"))
        #expect(taken * 2 > packets, "\(taken) of \(packets) taken")
      } else {
        #expect(end.sumReceived?.bytes ?? 0 > 1e6)
      }
      let moved = run.options.contains("-R") ? QueueCounter.forwardedBytes : .deliveredBytes
      #expect(counters.total(moved) > 1_000_000)
      #expect(counters.dropped(.hostRefused) == 0 && counters.dropped(.hostMalformed) == 0)
      #expect(counters.dropped(.noFrame) == 0)
    }
  }
}
