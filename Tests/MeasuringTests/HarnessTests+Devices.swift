import Foundation
import Testing
import XSKEngine
import XSKLab

@testable import Measuring

/// Every way in which our own forwarder and testpmd are measured; and a device under test that the harness did not start.
extension HarnessTests {
  struct Contest: Sendable, CustomTestStringConvertible {
    let words: [String]
    let names: [String]
    var testDescription: String { words.joined(separator: " ") }
  }

  @Test(arguments: [
    Contest(
      words: ["--dut", "ours-drop", "--peer", "testpmd-rxonly", "--rate", "20k"],
      names: ["drop, xskfwd", "drop, testpmd rxonly"]),
    Contest(
      words: ["--dut", "ours-gro", "--peer", "testpmd-io", "--peer", "testpmd-macswap", "--size", "imix"],
      names: ["forward, xskfwd with GRO", "forward, testpmd io", "forward, testpmd macswap"]),
    Contest(words: ["--dut", "ours-reflect", "--peer", "none"], names: ["reflect, xskfwd"]),
    Contest(
      words: ["--dut", "ours", "--job", "reflect", "--peer", "command:XSKFWD reflect a0 --control off"],
      names: ["reflect, xskfwd", "reflect, XSKFWD"]),
  ])
  func `each mode takes frames, and tells how it was started and which version it is`(contest: Contest) throws {
    let xskfwd = URL(fileURLWithPath: BenchmarkProgram.path).deletingLastPathComponent().appendingPathComponent(
      "xskfwd")
    func real(_ word: String) -> String {
      word.split(separator: "XSKFWD", omittingEmptySubsequences: false).joined(separator: xskfwd.path)
    }
    let outcome = try BenchmarkProgram.run(
      ["wire", "--pairs", "1", "--seconds", "0.5", "--json"] + contest.words.map(real))
    try #require(outcome.status == 0, "\(outcome.errors)")
    let document = try outcome.document()
    #expect(document.results.map(\.name) == contest.names.map(real))
    for result in document.results {
      let trial = try #require(result.trials?.first)
      #expect(
        trial.packets ?? 0 > 0 && trial.systemNanoseconds != nil
          && result.mode == (result.name.contains("/") ? nil : "copy"))
    }
    let wanted: Set = contest.words.joined().contains("testpmd") ? ["xskfwd", "dpdk-testpmd"] : ["xskfwd"]
    #expect(Set(document.versions.keys) == wanted && document.versions["dpdk-testpmd"]?.hasPrefix("DPDK ") != false)
    #expect(document.checks.contains { $0.name == "harness-overhead" })
  }

  @Test func `a device under test that fails in the middle costs nothing of what was measured`() throws {
    let scratch = try ScratchFolder()
    // In the second round it is a program that ends at once.
    let script = """
      #!/bin/sh
      if [ -e \(scratch.path)/twice ]; then echo "worn out" >&2; exit 3; fi
      touch \(scratch.path)/twice
      exec \(URL(fileURLWithPath: BenchmarkProgram.path).deletingLastPathComponent().path)/xskfwd drop a0 --control off
      """
    try script.write(toFile: "\(scratch.path)/device", atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(scratch.path)/device")
    let outcome = try BenchmarkProgram.run(
      "wire", "--dut", "command:\(scratch.path)/device", "--job", "drop", "--peer", "xdp-drop", "--pairs", "3",
      "--seconds", "0.5", "--json")
    #expect(outcome.status == 2 && outcome.errors.contains("ended by itself: worn out"), "\(outcome.errors)")
    let document = try outcome.document()
    #expect(document.results.map(\.repeats) == [1, 1])
    #expect(document.irregular.contains { $0.hasPrefix("broke off: ") && $0.contains("worn out") })
  }

  /// Two cables with something between them that the harness does not know: as an operator has it.
  private struct Bench {
    let tester: NetworkNamespace
    let device: NetworkNamespace
    let near: VethPair
    let far: VethPair

    init() throws {
      (tester, device) = (try NetworkNamespace("tester"), try NetworkNamespace("device"))
      near = try VethPair(VethEnd("t0", in: tester, gro: true), VethEnd("d0", in: device, gro: true))
      far = try VethPair(VethEnd("t1", in: tester, gro: true), VethEnd("d1", in: device, gro: true))
    }

    func makeBridge() throws {
      for command in ["add br0 type bridge mcast_snooping 0", "set d0 master br0", "set d1 master br0", "set br0 up"] {
        let result = try device.run(["ip", "link"] + command.split(separator: " ").map(String.init))
        try #require(result.succeeded, "\(result.errors)")
      }
    }

    static let words = [
      BenchmarkProgram.path, "search", "--transmit", "t0", "--receive", "t1", "--sizes", "64", "--goals", "half=50",
      "--maximum", "50k", "--width", "30", "--initial-seconds", "0.1",
    ]
  }

  @Test func `a search between two interfaces measures what is between them, and keeps its trials`() throws {
    let scratch = try ScratchFolder()
    let bench = try Bench()
    try bench.makeBridge()
    let words =
      Bench.words + [
        "--seconds", "0.2", "--tests", "all", "--repeats", "1", "--burst-seconds", "0.001", "--json", "--state",
        "\(scratch.path)/state.json",
      ]
    let result = try bench.tester.run(words, timeout: .seconds(100))
    let document = try ResultDocument(json: Data(result.output.utf8), name: "\(result.output)\(result.errors)")
    let size = try #require(document.search?.sizes.first)
    #expect(document.search?.settings.subject == "t0 to t1, packets from 198.51.100.1 to 203.0.113.1")
    #expect(size.throughput.first?.lower ?? 0 > 0 && !size.loss.isEmpty && size.burst != nil && size.recovery != nil)
    #expect(size.latency.contains { $0.latency?.samples ?? 0 > 0 } && size.reset == nil)
    #expect(document.results.allSatisfy { $0.driver == "veth" && $0.set == "veth" } && document.peers.isEmpty)
    // The engine that measured delays is gone, and took its programs with it.
    for name in ["t0", "t1"] { #expect(try bench.tester.run { try NetworkDevice(named: name).program == nil }) }
    let again = try bench.tester.run(words, timeout: .seconds(60))
    #expect(again.errors.contains("going on behind "), "\(again.errors)")
    let other = try bench.tester.run(words + ["--to-mac", "02:00:00:00:00:77"], timeout: .seconds(60))
    #expect(other.status == .exited(2) && other.errors.contains("is of a search with other device or interfaces"))
  }

  @Test func `between two interfaces with nothing between, or one that goes, it says so`() throws {
    let bench = try Bench()
    let words = Bench.words + ["--seconds", "5", "--tests", "loss"]
    let nothing = try bench.tester.run(words, timeout: .seconds(60))
    #expect(
      nothing.status == .exited(2) && nothing.errors.contains("t0 to t1: none of 1000 frames arrived"),
      "\(nothing.errors)")
    #expect(nothing.errors.contains("--to-mac"))
    try bench.makeBridge()
    let process = try bench.tester.start(words)
    try #require(process.waitForOutput("64 bytes, loss: 50.0 k/s"), "\(process.errors)")
    try bench.far.delete()
    #expect(try process.wait() == .exited(2), "\(process.errors)")
    #expect(process.errors.contains("t1: the interface is gone, or down"), "\(process.errors)")
    let absent = try bench.tester.run(words, timeout: .seconds(60))
    #expect(
      absent.status == .exited(2) && absent.errors.contains("t1: can't be read: No such device"), "\(absent.errors)")
  }
}
