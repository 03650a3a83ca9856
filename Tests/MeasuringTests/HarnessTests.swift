import Foundation
import Testing
import XSKEngine
import XSKLab

@testable import Measuring

/// Generator, sink, wire and search, as a user meets them: on veth devices in namespaces of their own. One after the other, since
/// each wants CPUs for itself.
@Suite(.serialized) struct HarnessTests {
  /// A cable whose far end takes redirected frames.
  private struct Lab {
    let left: NetworkNamespace
    let right: NetworkNamespace
    let pair: VethPair

    init() throws {
      left = try NetworkNamespace("left")
      right = try NetworkNamespace("right")
      pair = try VethPair(VethEnd("l0", in: left, gro: true), VethEnd("r0", in: right, gro: true))
    }

    func run(_ namespace: NetworkNamespace, _ words: String...) throws -> CommandResult {
      try namespace.run([BenchmarkProgram.path] + words, timeout: .seconds(60))
    }
  }

  private struct Generated: Decodable {
    struct Amount: Decodable { let frames: UInt64? }
    let offered: Amount
    let sent: Amount
    let stream: UInt16?
    let shortfall: [String]
    let skipped: [String: Int]
  }

  private struct Sunk: Decodable {
    let counts: ProbeCounts
    let latency: LatencySummary?
    let dropped: UInt64

    enum CodingKeys: String, CodingKey {
      case counts, latency
      case dropped = "sink_dropped"
    }
  }

  private func decode<Value: Decodable>(_ type: Value.Type, _ result: CommandResult) throws -> Value {
    try #require(try? JSONDecoder().decode(type, from: Data(result.output.utf8)), "\(result.output)\(result.errors)")
  }

  @Test(arguments: ["live", "xsk"])
  func `what the generator sends the sink finds, every probe of it`(source: String) throws {
    let lab = try Lab()
    let sink = try lab.right.start(
      [BenchmarkProgram.path, "sink", "r0", "--count", "3000", "--duration", "40", "--flows", "3", "--json"]
        + ["--stream", "77", "--sent", "3000"])
    try #require(sink.waitForOutput("listening on r0"), "\(sink.errors)")
    let result = try lab.run(
      lab.left, "gen", "l0", "--source", source, "--count", "3000", "--duration", "30", "--rate", "2000", "--flows",
      "3",
      "--stream", "77", "--size", "60:3,590:1", "--json")
    let generated = try decode(Generated.self, result)
    #expect(generated.offered.frames == 3000 && generated.sent.frames == 3000 && generated.stream == 77)
    // Nobody promises this machine's CPUs to a test: the rate may be missed, and is then said to be.
    let missed = generated.shortfall.filter { !$0.hasPrefix("asked for 2.0 k/s") }
    #expect(missed.isEmpty, "\(generated.shortfall)")
    #expect(result.status == .exited(generated.shortfall.isEmpty ? 0 : 1))
    let status = try sink.wait()
    let sunk = try #require(
      try? JSONDecoder().decode(Sunk.self, from: Data(sink.output.utf8)), "\(sink.output)\(sink.errors)")
    #expect(sunk.counts.received == 3000 && sunk.counts.stream == 77 && sunk.counts.missing == 0)
    #expect(sunk.counts.duplicated == 0 && sunk.counts.reordered == 0)
    #expect(sunk.counts.bytes >= 3000 / 4 * (3 * 60 + 590))
    #expect(sunk.latency?.samples == 3000 && sunk.latency?.minimum ?? 0 > 0)
    #expect(status == .exited(0))
  }

  @Test func `what can't be reached is said, with exit status 1`() throws {
    let lab = try Lab()
    let result = try lab.run(
      lab.left, "gen", "l0", "--rate", "900M", "--duration", "0.3", "--size", "1514", "--json")
    #expect(result.status == .exited(1), "\(result.errors)")
    let generated = try decode(Generated.self, result)
    #expect(generated.shortfall.contains { $0.hasPrefix("asked for 900.0 M/s, reached ") })
  }

  @Test func `a sink that nothing reaches says so`() throws {
    let lab = try Lab()
    let result = try lab.run(lab.right, "sink", "r0", "--duration", "0.3")
    #expect(result.status == .exited(1))
    #expect(result.output.contains("problem: no probe came"), "\(result.output)\(result.errors)")
    #expect(try lab.right.run { try NetworkDevice(named: "r0").program == nil })
  }

  @Test func `a device that is gone ends the generator and the sink, with its name`() throws {
    for words in [["gen", "l0", "--duration", "60"], ["sink", "l0", "--duration", "60"]] {
      let lab = try Lab()
      let process = try lab.left.start([BenchmarkProgram.path] + words)
      // The generator tells once a second, the sink when it begins.
      try #require(process.waitForOutput(words[0] == "gen" ? "offered" : "listening"))
      try lab.pair.delete()
      #expect(try process.wait() == .exited(2), "\(words) \(process.errors)")
      #expect(process.errors.contains("l0: the ") && process.errors.contains(" is gone"), "\(process.errors)")
    }
  }

  struct Wrong: Sendable, CustomTestStringConvertible {
    let words: [String]
    let says: String
    var testDescription: String { words.joined(separator: " ") }
  }

  @Test(arguments: [
    Wrong(words: ["gen", "nothere0"], says: "nothere0: can't be read: No such device"),
    Wrong(words: ["gen", "lo", "--cpu", "4000"], says: "--cpu 4000: not a CPU that this process may run on"),
    Wrong(words: ["gen", "lo", "--rate", "10"], says: "--rate 10.0: out of range"),
    Wrong(words: ["gen", "lo", "--size", "20"], says: "--size"),
    Wrong(words: ["gen", "lo", "--capture", "/nowhere.pcap"], says: "/nowhere.pcap: can't be read"),
    Wrong(words: ["gen", "lo", "--source", "capture"], says: "--capture FILE goes with --source capture"),
    Wrong(words: ["gen", "lo", "--ip", "6", "--size", "64"], says: "frame of 64 bytes: too short"),
    Wrong(words: ["sink", "nothere0"], says: "nothere0"),
    Wrong(words: ["wire", "--dut", "vpp"], says: "device vpp: not one that the lab knows"),
    Wrong(words: ["wire", "--dut", "bridge", "--peer", "xdp-drop"], says: "does not forward, it does drop"),
    Wrong(words: ["wire", "--device-cpu", "4000"], says: "--device-cpu 4000: not a CPU"),
    Wrong(words: ["wire", "--generator-cpu", "0", "--device-cpu", "0"], says: "is the generator's and the device's"),
    Wrong(words: ["search", "--sizes", "63"], says: "size 63: not a frame length"),
    Wrong(words: ["search", "--tests", "speed"], says: "--tests speed: not a test"),
    Wrong(words: ["search", "--transmit", "l0"], says: "give both interfaces, or neither"),
    Wrong(words: ["search", "--dut", "ours", "--transmit", "l0", "--receive", "r0"], says: "give one or the other"),
    Wrong(words: ["search", "--to-mac", "02:00:00:00:00:02"], says: "only with --transmit and --receive"),
    Wrong(
      words: ["search", "--transmit", "l0", "--receive", "r0", "--to-mac", "x"], says: "--to-mac x: not a MAC address"),
    Wrong(words: ["search", "--transmit", "nothere0", "--receive", "nothere1"], says: "nothere0: can't be read"),
    Wrong(words: ["search", "--sizes", "64,64"], says: "names a length twice"),
    Wrong(words: ["search", "--tests", ","], says: "--tests: names none"),
    Wrong(words: ["search", "--tests", "loss,loss"], says: "names loss twice"),
    Wrong(words: ["search", "--goals", ","], says: "--goals ,: names none"),
    Wrong(words: ["search", "--goals", "A=0,A=1"], says: "has a name twice"),
    Wrong(words: ["wire", "--output", "/"], says: "--output /: not a file's name"),
    Wrong(words: ["wire", "--output", "/tmp"], says: "--output /tmp: not a file's name"),
    Wrong(words: ["wire", "--peer", "none", "--peer", "bridge"], says: "--peer none: and others"),
    Wrong(words: ["search", "--dut", "xdp-drop", "--tests", "latency"], says: "nothing comes back from xdp-drop"),
    Wrong(words: ["search", "--state", "/nowhere/state.json"], says: "/nowhere/state.json: can't be written"),
  ])
  func `wrong use is one sentence, exit status 2, and nothing is left`(wrong: Wrong) throws {
    let place = try NetworkNamespace("wrong")
    let result = try place.run([BenchmarkProgram.path] + wrong.words, timeout: .seconds(20))
    #expect(result.status == .exited(2), "\(result.output)\(result.errors)")
    #expect(result.errors.contains(wrong.says) && result.output.isEmpty, "\(result.output)\(result.errors)")
    #expect(try place.links().map(\.name) == ["lo"])
  }

  @Test func `without root, or with one CPU, or without testpmd it says what to do`() throws {
    let place = try NetworkNamespace("without")
    let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", BenchmarkProgram.path]
    for words in [["wire", "--pairs", "1"], ["search", "--sizes", "64"]] {
      let result = try place.run(nobody + words, timeout: .seconds(20))
      #expect(result.status == .exited(2) && result.errors.contains("run as root"), "\(words) \(result.errors)")
    }
    let narrow = try place.run(["taskset", "-c", "0", BenchmarkProgram.path, "wire"], timeout: .seconds(20))
    #expect(narrow.status == .exited(2) && narrow.errors.contains("may run on 1 CPU"), "\(narrow.errors)")
    // An empty file in testpmd's place: as if it were not installed.
    let hidden = """
      for file in /usr/bin/dpdk-testpmd /usr/local/bin/dpdk-testpmd; do
        if [ -e $file ]; then touch /tmp/none.$$ && mount --bind /tmp/none.$$ $file && rm -f /tmp/none.$$; fi
      done
      exec \(BenchmarkProgram.path) wire --dut xdp-drop --peer testpmd --pairs 1 --seconds 0.5
      """
    let without = try place.run(["unshare", "--mount", "sh", "-c", hidden], timeout: .seconds(60))
    #expect(without.status == .exited(2), "\(without.output)\(without.errors)")
    #expect(without.errors.contains("dpdk-testpmd: no such program; apt-get install dpdk-dev"), "\(without.errors)")
  }

  @Test func `wire measures the kernel's and our own devices in turn, and says how each was started`() throws {
    let outcome = try BenchmarkProgram.run(
      "wire", "--dut", "ours-forward", "--peer", "xdp-redirect", "--peer", "bridge", "--peer", "kernel-route",
      "--pairs",
      "1", "--seconds", "0.5", "--size", "60", "--json")
    try #require(outcome.status == 0, "\(outcome.errors)")
    let document = try outcome.document()
    #expect(
      document.results.map(\.name) == [
        "forward, xskfwd", "forward, xdp-redirect", "forward, bridge", "forward, kernel-route",
      ])
    #expect(document.ratios.count == 3 && document.peers.count == 4)
    for result in document.results {
      let trial = try #require(result.trials?.first)
      #expect(result.trials?.count == 1 && trial.packets ?? 0 > 0 && trial.sentMpps ?? 0 > 0)
    }
    // A process of its own has processor time; what the kernel does in others' has none that can be told.
    #expect(document.results[0].trials?[0].systemNanoseconds != nil && document.results[0].cyclesPerPacket != nil)
    #expect(document.results[1].trials?[0].systemNanoseconds == nil)
    #expect(document.peers[0].contains("xskfwd forward a0 b0 --cores "))
    #expect(document.checks.contains { $0.name == "generator-headroom" })
    let value = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    #expect(SchemaCheck(root: try DocumentTests.schema()).faults(of: value) == [])
  }

  @Test func `Ctrl-C ends wire, with what was finished, and its device under test with it`() throws {
    let place = try NetworkNamespace("interrupted")
    let process = try place.start(
      [BenchmarkProgram.path, "wire", "--dut", "ours-drop", "--peer", "none", "--pairs", "100", "--seconds", "0.5"])
    try #require(process.waitForOutput("round 2 of 100"), "\(process.errors)")
    let children = Self.children(of: process.pid)
    process.signal(SIGINT)
    #expect(try process.wait() == .exited(130), "\(process.errors)")
    #expect(process.output.contains("drop, xskfwd") && process.output.contains("irregular: interrupted"))
    for child in children {
      #expect(!FileManager.default.fileExists(atPath: "/proc/\(child)/stat"), "\(child) is left")
      #expect(!FileManager.default.fileExists(atPath: "/run/xskfwd/\(child).counters"))
    }
  }

  private static func children(of pid: Int32) -> [Int32] {
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
    return tasks.flatMap { task in
      ((try? String(contentsOfFile: "/proc/\(pid)/task/\(task)/children", encoding: .utf8)) ?? "")
        .split(separator: " ").compactMap { Int32($0) }
    }
  }

  @Test func `a search on the wire brackets what XDP forwards, and goes on where it was interrupted`() throws {
    let scratch = try ScratchFolder()
    let words = [
      "search", "--dut", "xdp-redirect", "--sizes", "64", "--seconds", "0.2", "--initial-seconds", "0.1", "--width",
      "30",
      "--goals", "half=50", "--maximum", "200k", "--tests", "throughput,latency,loss,recovery,reset", "--repeats", "1",
      "--state", "\(scratch.path)/state.json", "--json",
    ]
    let place = try NetworkNamespace("search")
    let process = try place.start([BenchmarkProgram.path] + words)
    try #require(process.waitForOutput("64 bytes, latency"), "\(process.errors)")
    process.signal(SIGTERM)
    #expect(try process.wait() == .exited(130), "\(process.errors)")
    #expect(process.errors.contains("the same command goes on"))
    let outcome = try BenchmarkProgram.run(words)
    #expect(outcome.status < 2, "\(outcome.errors)")
    #expect(outcome.errors.contains("going on behind "))
    let document = try outcome.document()
    let search = try #require(document.search)
    let size = try #require(search.sizes.first)
    #expect(!search.isInterrupted && search.sizes.count == 1)
    #expect(size.throughput.count == 1 && !size.trials.isEmpty && !size.loss.isEmpty)
    // Half of 200,000 a second gets through on any machine that runs at all.
    #expect(size.throughput[0].lower ?? 0 > 0, "\(size.throughput)")
    #expect(size.latency.count == 2 && size.latency.contains { $0.latency?.samples ?? 0 > 0 })
    #expect(size.recovery != nil && size.reset?.lost ?? 0 > 0, "\(String(describing: size.reset))")
    #expect(search.shortcuts.contains { $0.hasPrefix("short trials: 0.2 s") })
    #expect(document.irregular.contains { $0.hasPrefix("short trials") })
    let value = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    #expect(SchemaCheck(root: try DocumentTests.schema()).faults(of: value) == [])
  }

  @Test func `a capture is sent as it is, over and over, and what can't be sent is counted`() throws {
    let scratch = try ScratchFolder()
    let path = "\(scratch.path)/in.pcap"
    try Data(Self.capture(lengths: [60, 100, 1514, 3000])).write(to: URL(fileURLWithPath: path))
    let lab = try Lab()
    let socket = try PacketSocket(in: lab.right, device: "r0")
    let result = try lab.run(
      lab.left, "gen", "l0", "--capture", path, "--count", "7", "--speed", "1000", "--duration", "30", "--json")
    #expect(result.status == .exited(0), "\(result.errors)")
    let generated = try decode(Generated.self, result)
    #expect(generated.sent.frames == 7 && generated.stream == nil)
    #expect(generated.skipped.values.reduce(0, +) == 1)
    let frames = try socket.receive(7, timeout: .seconds(10)) { $0[12] == 0x88 && $0[13] == 0xb5 }
    #expect(frames.map(\.count) == [60, 100, 1514, 60, 100, 1514, 60])
    #expect(frames.map { $0[14] } == [0, 1, 2, 0, 1, 2, 0])
  }

  /// A pcap file of frames of a local experimental type, their number in the first payload byte, 100 µs apart.
  private static func capture(lengths: [Int]) -> [UInt8] {
    func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    var bytes = word(0xa1b2_c3d4) + [2, 0, 4, 0] + word(0) + word(0) + word(65_535) + word(1)
    for (index, length) in lengths.enumerated() {
      bytes += word(1_700_000_000) + word(UInt32(index * 100)) + word(UInt32(length)) + word(UInt32(length))
      bytes += [2, 0, 0, 0, 0, 0x99, 2, 0, 0, 0, 0, 1, 0x88, 0xb5, UInt8(index)]
      bytes += [UInt8](repeating: 7, count: length - 15)
    }
    return bytes
  }
}
