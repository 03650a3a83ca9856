import Foundation
import XSKEngine

/// The C program that runs librte_gro (Benchmarks/peers/librte_gro): one process for the whole run, asked for a measurement
/// at a time through its standard input, so that ours and its own alternate.
///
///     load PATH                            the packets, as GROTraffic.write wrote them
///     run hot|cold-header PACKETS AHEAD    answers {"cycles_per_packet":…,"packets":…,"units":…}
final class GROPeer {
  struct Answer: Decodable {
    let cycles: Double
    let packets: Double
    let units: Double

    enum CodingKeys: String, CodingKey {
      case packets, units
      case cycles = "cycles_per_packet"
    }
  }

  private struct Greeting: Decodable {
    let peer: String
    let version: String
  }

  /// Its command and the library's version.
  private(set) var description: String
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var pending: [UInt8] = []

  /// - Throws: if there is no such program, or it isn't one of ours.
  init(_ path: String, cpu: Int) throws {
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw XSKError(
        "--peer \(path)", "no such program",
        remedy: "make it with Benchmarks/peers/build, which needs DPDK's headers (Debian: libdpdk-dev)")
    }
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = ["-l", "\(cpu)"]
    process.standardInput = input
    process.standardOutput = output
    signal(SIGPIPE, SIG_IGN)
    try process.run()
    description = path
    guard let greeting = try? JSONDecoder().decode(Greeting.self, from: line()) else {
      throw XSKError("--peer \(path)", "does not answer as a peer does", remedy: "make it with Benchmarks/peers/build")
    }
    description = "\(path) -l \(cpu) (\(greeting.peer), \(greeting.version))"
  }

  deinit {
    // Its input ends, so it does too.
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  /// Hands the packets over in a file, which is gone again afterwards.
  func load(_ traffic: GROTraffic) throws {
    let folder = NSTemporaryDirectory() + "xskbench-" + UUID().uuidString
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/packets"
    try traffic.write(to: path)
    _ = try ask("load \(path)")
  }

  func run(_ set: WorkingSet, packets: Int, prefetch: Int) throws -> Answer {
    try JSONDecoder().decode(Answer.self, from: ask("run \(set.name) \(packets) \(prefetch)"))
  }

  private func ask(_ question: String) throws -> Data {
    try input.fileHandleForWriting.write(contentsOf: Data((question + "\n").utf8))
    return try line()
  }

  private func line() throws -> Data {
    while true {
      if let end = pending.firstIndex(of: 0x0a) {
        defer { pending.removeFirst(end + 1) }
        return Data(pending[..<end])
      }
      let more = output.fileHandleForReading.availableData
      guard !more.isEmpty else {
        process.waitUntilExit()
        throw XSKError(
          "peer", "ended with status \(process.terminationStatus)", remedy: "see what it says above")
      }
      pending += more
    }
  }
}
