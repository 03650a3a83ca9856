import Foundation
import GROLite
import Glibc
import PacketSamples
import Testing

/// `xskfwd replay` as somebody at a shell has it: the program itself.
@Suite struct CommandTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  struct Ended {
    var status: Int32
    var output: [UInt8]
    var errors: String
  }

  /// Built beside the tests.
  static let program: String = {
    var place = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
    // In an .xctest bundle the test binary lies deeper.
    while place.path.count > 1 {
      let candidate = place.appendingPathComponent("xskfwd").path
      if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
      place = place.deletingLastPathComponent()
    }
    return "xskfwd"
  }()

  /// Runs it in the folder, with what it needs in files: nothing blocks because nobody reads.
  ///
  /// - Parameters:
  ///   - limit: of the address space, in KiB.
  ///   - meanwhile: what happens while it runs.
  func run(
    _ arguments: [String], input: String = "/dev/null", limit: Int? = nil,
    meanwhile: (Process) throws -> Void = { _ in }
  ) throws -> Ended {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: limit == nil ? Self.program : "/bin/sh")
    process.arguments =
      (limit.map { ["-c", "ulimit -v \($0); exec \"$0\" \"$@\"", Self.program] } ?? []) + ["replay"] + arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    for name in ["stdout", "stderr"] { _ = try folder.write([], to: name) }
    process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: input))
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.file("stdout")))
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.file("stderr")))
    try process.run()
    try meanwhile(process)
    // A program that does not end is a failure, not a test that never does.
    let watch = DispatchWorkItem { kill(process.processIdentifier, SIGKILL) }
    DispatchQueue.global().asyncAfter(deadline: .now() + 300, execute: watch)
    process.waitUntilExit()
    watch.cancel()
    defer { for name in ["stdout", "stderr"] { try? FileManager.default.removeItem(atPath: folder.file(name)) } }
    return Ended(
      status: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
      output: try folder.read("stdout"), errors: String(decoding: try folder.read("stderr"), as: UTF8.self))
  }

  static let capture = SampleCapture(frames: [data(0), data(100), data(300)].map(\.frame) + [[1, 2, 3]])

  struct Summary: Decodable {
    struct Packets: Decodable {
      var received: Int
      var forwarded: Int
      var delivered: Int
      var held: Int
      var dropped: [String: Int]
    }

    struct Port: Decodable {
      var device: String
      var mode: String
    }

    var command: String
    var packets: Packets
    var ports: [Port]
    var malformed: [String: Int]
  }

  @Test func `the summary object is all of standard output`() throws {
    let path = try folder.write(Self.capture.bytes)
    let ended = try run(["--in", path, "--out", "out", "--units", "units", "--json"])
    #expect(ended.status == 0 && ended.errors == "")
    let summary = try JSONDecoder().decode(Summary.self, from: Data(ended.output))
    #expect(summary.packets.received == 4 && summary.packets.delivered == 4)
    #expect(summary.packets.forwarded + summary.packets.held + summary.packets.dropped.values.reduce(0, +) == 0)
    #expect(summary.malformed == ["hdr_trunc_ethernet": 1] && summary.command == "replay \(path)")
    #expect(summary.ports.map(\.device) == [path] && summary.ports.map(\.mode) == ["simulated"])
    #expect(try folder.read("out") == Self.capture.bytes)
    #expect(String(decoding: try folder.read("units"), as: UTF8.self).split(separator: "\n").count == 3)
  }

  @Test(arguments: [
    (["--gro", "chain"], [2, 1, 1]), (["--gro", "linear"], [2, 1, 1]), (["--gro", "off"], [1, 1, 1, 1]),
    ([], [2, 1, 1]), (["--batch", "1"], [1, 1, 1, 1]), (["--batches", "1,2,1"], [1, 1, 1, 1]),
  ])
  func `options decide what becomes units`(options: [String], packets: [Int]) throws {
    let path = try folder.write(Self.capture.bytes)
    let ended = try run(["--in", path, "--units", "-"] + options)
    #expect(ended.status == 0)
    let units = try ended.output.split(separator: 0x0A).map { try JSONDecoder().decode(UnitLine.self, from: Data($0)) }
    #expect(units.map(\.packets) == packets)
    // Standard output is the lines', so people find the summary elsewhere.
    #expect(ended.errors.contains("every packet and every frame is accounted for"))
  }

  @Test func `standard input and output will do`() throws {
    let path = try folder.write(Self.capture.bytes)
    let ended = try run(["--in", "-", "--out", "-"], input: path)
    #expect(ended.status == 0 && ended.output == Self.capture.bytes)
    #expect(folder.names == ["in.pcap"])
  }

  struct Misuse: Sendable, CustomTestStringConvertible {
    let arguments: [String]
    let words: String
    var testDescription: String { arguments.joined(separator: " ") }

    init(_ arguments: [String], _ words: String) { (self.arguments, self.words) = (arguments, words) }
  }

  static let misuses: [Misuse] = [
    Misuse([], "Missing expected argument '--in <in>'"),
    Misuse(["--in", "missing"], "xskfwd: missing: can't be read: No such file or directory; give a capture file"),
    Misuse(["--in", "."], "xskfwd: .: is a directory; give a capture file"),
    Misuse(["--in", "empty"], "xskfwd: empty: is not a capture that can be read ("),
    Misuse(["--in", "text"], "xskfwd: text: is not a capture that can be read (unknown file format); give a pcap"),
    Misuse(["--in", "linux"], "xskfwd: linux: its link type LINUX_SLL (113) is not supported; give a capture of Eth"),
    Misuse(["--in", "good", "--out", "good"], "xskfwd: good: is the capture that is read; name another file"),
    Misuse(["--in", "good", "--units", "good"], "xskfwd: good: is the capture that is read; name another file"),
    Misuse(["--in", "good", "--out", "x", "--units", "./x"], "xskfwd: ./x: is where the frames go; name another file"),
    Misuse(
      ["--in", "good", "--out", "no/x"], "xskfwd: no/x: can't be written: No such file or directory; name a file"),
    Misuse(["--in", "good", "--config", "x", "--gro", "off"], "--gro: not with --config, whose file says how packets"),
    Misuse(["--in", "good", "--batch", "0"], "--batch 0: out of range; give 1 to 1024 packets"),
    Misuse(["--in", "good", "--batch", "1025"], "--batch 1025: out of range; give 1 to 1024 packets"),
    Misuse(["--in", "good", "--batch", "4", "--batches", "4"], "--batch and --batches: both say how large bursts are"),
    Misuse(["--in", "good", "--batches", "4,,4"], "--batches 4,,4: '' is not a size; give 1 to 1024 packets each"),
    Misuse(["--in", "good", "--batches", "4,1025"], "--batches 4,1025: '1025' is not a size; give 1 to 1024 packets"),
    Misuse(["--in", "good", "--batches", "a"], "--batches a: 'a' is not a size; give 1 to 1024 packets each"),
    Misuse(["--in", "good", "--gro", "on"], "The value 'on' is invalid for '--gro <gro>'"),
    Misuse(["--in", "good", "--out", "-", "--json"], "only one of them can have standard output; name a file"),
    Misuse(["--in", "good", "--out", "-", "--units", "-"], "only one of them can have standard output; name a file"),
  ]

  @Test(arguments: misuses)
  func `wrong use is one clear error, and leaves everything as it was`(misuse: Misuse) throws {
    _ = try folder.write(Self.capture.bytes, to: "good")
    _ = try folder.write(SampleCapture(frames: []) { $0.link = 113 }.bytes, to: "linux")
    _ = try folder.write([], to: "empty")
    _ = try folder.write([UInt8](repeating: 0x20, count: 100), to: "text")
    let ended = try run(misuse.arguments)
    #expect(ended.status == 2 && ended.output == [])
    #expect(ended.errors.contains(misuse.words), "\(ended.errors)")
    #expect(folder.names == ["empty", "good", "linux", "text"])
    #expect(try folder.read("good") == Self.capture.bytes)
  }

  @Test func `whatever stands in the way, the files keep what they had`() throws {
    let path = try folder.write(Self.capture.bytes)
    let mixed = SampleCapture(frames: [data(0).frame]) { $0.format = .pcapng }.withSecondInterface(link: 113)
    let former = Array("former".utf8)
    for name in ["out", "units"] { _ = try folder.write(former, to: name) }
    let files = ["--out", "out", "--units", "units"]
    // A gigabyte for bursts of 1,024 packets, each of any size.
    let small = try run(["--in", path, "--batch", "1024"] + files, limit: 900_000)
    #expect(small.status == 2 && small.errors.contains("Cannot allocate memory"), "\(small.errors)")
    let cut = try run(["--in", folder.write(Array(Self.capture.bytes[..<40]), to: "cut")] + files)
    #expect(cut.status == 2 && cut.errors.contains("damaged after packet 0 (truncated"), "\(cut.errors)")
    let several = try run(["--in", folder.write(mixed, to: "mixed")] + files)
    #expect(several.status == 2)
    #expect(several.errors.hasPrefix("xskfwd: ") && several.errors.contains("has packets of several link types"))
    #expect(several.errors.contains("; give a capture of one interface, or of several of one type"))
    for name in ["out", "units"] { #expect(try folder.read(name) == former) }
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func `a signal ends it with what was read, while it waits for more`(signal: Int32) throws {
    // The former contents are there until it begins, and are given up then.
    _ = try folder.write(Array("former".utf8), to: "out")
    let pipe = folder.file("pipe")
    // Safe: the path is a C string for the call.
    try #require(unsafe mkfifo(pipe, 0o600) == 0)
    // Open in both directions: the program's own opening never waits for this one.
    let end = unsafe open(pipe, O_RDWR)
    try #require(end >= 0)
    defer { close(end) }
    let bytes = Self.capture.bytes
    // Safe: the buffer has as many bytes, fewer than a pipe takes at once.
    let written = unsafe bytes.withUnsafeBytes { unsafe write(end, $0.baseAddress, $0.count) }
    try #require(written == bytes.count)
    let ended = try run(["--in", pipe, "--out", "out", "--json"]) { process in
      for _ in 0..<2000 where try !folder.read("out").isEmpty { usleep(5000) }
      kill(process.processIdentifier, signal)
    }
    #expect(ended.status == 0, "\(ended.errors)")
    let summary = try JSONDecoder().decode(Summary.self, from: Data(ended.output))
    let frames = try folder.frames(of: "out").0
    #expect(summary.packets.received == frames.count && summary.packets.delivered == frames.count)
    #expect(frames == Self.capture.packets.prefix(frames.count).map(\.bytes))
    #expect(ended.errors.contains("ended by a signal after packet \(frames.count), before the capture's end"))
  }

  @Test(arguments: ["--out", "--units"])
  func `a write that fails is said, and is a failure`(option: String) throws {
    let ended = try run(["--in", folder.write(Self.capture.bytes), option, "/dev/full", "--json"])
    #expect(ended.status == 1)
    #expect(ended.errors == "xskfwd: /dev/full: can't be written: No space left on device; name a file that has room\n")
    #expect(try JSONDecoder().decode(Summary.self, from: Data(ended.output)).packets.received == 4)
  }

  @Test func `a capture that is cut off is replayed as far as it goes, and is a failure`() throws {
    let path = try folder.write(Array(Self.capture.bytes.dropLast()))
    let ended = try run(["--in", path, "--out", "out", "--json"])
    #expect(
      ended.status == 1 && ended.errors.hasPrefix("xskfwd: \(path): damaged after packet 3 (truncated dump file; "))
    let summary = try JSONDecoder().decode(Summary.self, from: Data(ended.output))
    #expect(summary.packets.received == 3 && summary.packets.delivered == 3)
    #expect(try folder.frames(of: "out").0 == Self.capture.packets.dropLast().map(\.bytes))
  }
}
