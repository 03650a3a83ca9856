import Foundation
import Glibc
import Operations
import PacketSamples
import Testing
import XSKEngine
import XSKLab

/// An xskfwd that forwards in a lab, to capture from, and raw sockets of both hosts.
final class CapturedRun {
  /// `xskfwd capture` as it runs, and its file.
  struct Capture {
    let process: ChildProcess
    let path: String

    func bytes() throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }
    /// The whole file, strictly.
    func file() throws -> PcapngFile { try PcapngFile(try bytes()) }
    /// At any time the file is a capture.
    func packetCount() throws -> Int { try bytes().isEmpty ? 0 : file().packets.count }

    /// Packets that tcpdump finds in it.
    func tcpdump(_ filter: String...) throws -> Int {
      let process = Process()
      let output = Pipe()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = ["tcpdump", "-nn", "-r", path] + filter
      process.standardOutput = output
      process.standardError = FileHandle.nullDevice
      try process.run()
      let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      return text.split(separator: "\n").count { !$0.hasPrefix("\t") }
    }
  }

  let lab: ForwardLab
  let run: OperatedRun
  let left: PacketSocket
  let right: PacketSocket
  /// A named pipe that a test's shell waits at.
  let gate: String
  private let directory: String

  init(rightMTU: Int? = nil) throws {
    lab = try ForwardLab()
    if let rightMTU {
      #expect(try lab.middle.run(["ip", "link", "set", "m1", "mtu", "\(rightMTU)"]).succeeded)
    }
    run = try OperatedRun(lab)
    left = try PacketSocket(in: lab.left, device: "l0")
    right = try PacketSocket(in: lab.right, device: "r0")
    directory = "/tmp/xsk-capture-\(getpid())-\(UInt32.random(in: .min ... .max))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    gate = directory + "/gate"
    try #require(unsafe mkfifo(gate, 0o600) == 0)
    try #require(try lab.isPassing())
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  /// Starts `xskfwd capture` and waits until the workers record.
  func start(_ options: String...) throws -> Capture {
    let path = directory + "/\(UInt32.random(in: .min ... .max)).pcapng"
    let process = try lab.left.start(
      [BuiltPrograms.xskfwd, "capture", "--control", run.control, "--write", path] + options)
    try waitUntilCapturing(process)
    return Capture(process: process, path: path)
  }

  func waitUntilCapturing(_ process: ChildProcess) throws {
    // Said once the answer began. The workers look at it at their next housekeeping, which every ping wakes them for.
    try #require(
      eventually { !process.isRunning || process.errors.contains("capturing to") } && process.isRunning,
      "\(process.errors)")
    let status = try run.status()
    #expect(
      try eventually {
        let now = try run.status()
        // A housekeeping that began after the answer did.
        return zip(now.workers, status.workers).allSatisfy { now.uptime - $0.0.silence > status.uptime }
      })
  }

  /// Lets the shell at the gate go on.
  func open() throws {
    let handle = try #require(FileHandle(forWritingAtPath: gate))
    try handle.write(contentsOf: Data("go\n".utf8))
    try handle.close()
  }

  /// `xskfwd capture` to its end.
  func xskfwd(_ options: String...) throws -> CommandResult { try xskfwd(options) }
  func xskfwd(_ options: [String]) throws -> CommandResult {
    try lab.left.run([BuiltPrograms.xskfwd, "capture", "--control", run.control] + options)
  }

  /// Packets that came in on the left so far.
  func received() throws -> UInt64 { try run.counters().ports["m0"]?["received_packets"] ?? 0 }

  func stop() throws { try run.stop() }

  /// A UDP datagram for nobody, which no stack answers: its destination MAC is another's.
  static func datagram(_ number: Int, port: UInt16, size: Int = 100) -> [UInt8] {
    SamplePacket {
      $0.transport = .udp
      $0.destinationMAC = [2, 0, 0, 0, 0, 0x77]
      ($0.sourcePort, $0.destinationPort) = (1234, port)
      $0.identification = UInt16(truncatingIfNeeded: number)
      $0.payload = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: size - 42)
    }.frame
  }
}
