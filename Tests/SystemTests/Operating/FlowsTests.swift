import Foundation
import Glibc
import Operations
import Testing
import XSKEngine
import XSKLab

extension OnVeth {
  @Suite("Who sends most through a running xskfwd") struct Flows {
    @Test func `the flows of known traffic are found, with their shares and what became of them`() throws {
      let run = try CapturedRun(rightMTU: 1000)
      let asked = try run.lab.left.start([
        BuiltPrograms.xskfwd, "show", "flows", "--control", run.run.control, "--duration", "3", "--json", "--filter",
        "udp",
      ])
      // Two flows that pass and one that is too long, 3:1:1 in packets, for as long as it looks.
      var number = 0
      while asked.isRunning && number < 100_000 {
        for _ in 0..<3 { try run.left.send(CapturedRun.datagram(number, port: 5001, size: 600)) }
        try run.left.send(CapturedRun.datagram(number, port: 5002, size: 100))
        try run.left.send(CapturedRun.datagram(number, port: 5003, size: 1400))
        number += 1
        usleep(1000)
      }
      #expect(try asked.wait() == .exited(0), "\(asked.errors)")
      let report = try JSONDecoder().decode(FlowsReport.self, from: Data(asked.output.utf8))
      try #require(report.rows.count == 3 && report.count == 3, "\(asked.output)")
      #expect(report.rows.map(\.destinationPort) == [5001, 5003, 5002])
      #expect(report.rows.map(\.fate) == ["forwarded to m1", "dropped: exceeds_mtu", "forwarded to m1"])
      #expect(report.rows.map(\.dropped) == [0, report.rows[1].packets, 0])
      #expect(report.rows.allSatisfy { $0.port == "m0" && $0.ipProtocol == 17 && $0.sourcePort == 1234 })
      let shares = report.rows.map(\.share)
      #expect(abs(shares[0] - 1800.0 / 3300) < 0.05 && abs(shares[1] - 1400.0 / 3300) < 0.05, "\(shares)")
      #expect(report.oneIn == 1 && report.lost == 0 && report.packets == report.sampled)
      #expect(report.rows.reduce(0) { $0 + $1.packets } == report.packets)
      #expect(report.rows[0].bytes == report.rows[0].packets * 600 && report.duration >= 3)
      try run.stop()
    }

    @Test func `people get a table, conditions are kept, and a capture that runs is in the way`() throws {
      let run = try CapturedRun()
      let text = try run.run.xskfwd("show", "flows", "--duration", "0.2", "--filter", "tcp port 1")
      #expect(text.succeeded && text.output.contains("no such packet came by"), "\(text)")
      let capture = try run.start("--drops")
      let refused = try run.run.xskfwd("show", "flows")
      #expect(refused.status == .exited(2) && refused.errors.contains("capture: another one is running"), "\(refused)")
      capture.process.signal(SIGINT)
      #expect(try capture.process.wait() == .exited(0))
      for wrong in [
        ["status", "--top", "3"], ["flows", "--by", "port"], ["flows", "--duration", "99"], ["flows", "--port", "m9"],
      ] {
        let answer = try run.lab.left.run([BuiltPrograms.xskfwd, "show"] + wrong + ["--control", run.run.control])
        #expect(
          !answer.succeeded && answer.errors.contains(wrong[1].hasPrefix("--port") ? "m9" : wrong[1]), "\(answer)")
      }
      try run.stop()
    }
  }
}
