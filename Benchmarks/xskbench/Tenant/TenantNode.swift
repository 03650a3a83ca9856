import CXsk
import Foundation
import Glibc
import Measuring
import TenantAPI
import XSKEngine
import XSKLab

/// A node that serves containers: `xskd` in a namespace of its own, with its files in memory. It vanishes with this value, and with
/// the process in whatever way that ends.
final class TenantNode {
  let host: NetworkNamespace
  private let client = DaemonClient(path: "\(TenantNode.directory)/run/xskd.sock")
  private var children: [ChildProcess] = []
  /// A command as somebody would give it: the program without the folder that it was built in.
  static func shown(_ command: [String]) -> String {
    let program = command.first.map { String($0.split(separator: "/").last ?? "") } ?? ""
    return ([program] + command.dropFirst()).joined(separator: " ")
  }

  /// The commands that it was made with, for reports.
  private(set) var commands: [String] = []

  /// Where the files are: in a file system of this process's own, mounted over a directory that every system has.
  static let directory = "/mnt"

  /// Gives this process, and what it starts from now on, mounts of its own: before any namespace is made.
  static func prepareMounts() throws(XSKError) {
    func refused(_ what: String, _ code: CInt) -> XSKError {
      XSKError(what, refused: "for the benchmark's files", code: code, remedy: "run as root (CAP_SYS_ADMIN)")
    }
    let code = cxsk_unshare_mounts()
    guard code == 0 else { throw refused("mount namespace", code) }
    // C strings for the calls; what is mounted here is nobody else's to see.
    guard unsafe mount("none", "/", nil, UInt(MS_REC | MS_PRIVATE), nil) == 0 else { throw refused("mounts", errno) }
    guard unsafe mount("xskbench", directory, "tmpfs", 0, nil) == 0 else { throw refused("tmpfs", errno) }
    guard unsafe mkdir("\(directory)/bpf", 0o700) == 0, unsafe mount("bpf", "\(directory)/bpf", "bpf", 0, nil) == 0
    else { throw refused("BPF file system", errno) }
  }

  /// - Parameters:
  ///   - host: where it is, with its uplinks, if it has some.
  ///   - configuration: of `xskd`; the dataplane runs too, unless it is nil.
  init(in host: NetworkNamespace, configuration: String?) throws {
    self.host = host
    let program = try Self.program("xskd")
    let file = "\(Self.directory)/xskd.yaml"
    try (configuration ?? "version: 1\n").write(toFile: file, atomically: false, encoding: .utf8)
    let places = ["--config", file, "--run-directory", "\(Self.directory)/run"]
    try? FileManager.default.removeItem(atPath: "\(Self.directory)/run")
    try start(
      [program, "serve"] + places + ["--bpf-directory", "\(Self.directory)/bpf/xskd", "--dataplane", "external"])
    // Ours, so that it ends with this process.
    if configuration != nil { try start([program, "dataplane"] + places) }
    try wait("xskd") { (try? availability()).map { configuration == nil || $0.dataplane.state == "running" } ?? false }
  }

  deinit {
    for child in children.reversed() { _ = try? child.terminate(grace: .seconds(3)) }
  }

  /// The program that was built beside this one.
  static func program(_ name: String) throws(XSKError) -> String {
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let path = URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent(name).path
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw XSKError(path, "not there", remedy: "build it beside xskbench: swift build -c release --product \(name)")
    }
    return path
  }

  private func start(_ command: [String]) throws {
    children.append(try host.start(command))
    commands.append(TenantNode.shown(command))
  }

  private func availability() throws -> NodeAvailability {
    try ask { client throws(DaemonError) in try client.availability() }
  }

  /// - Throws: `XSKError` with what the daemon said.
  func ask<Answer>(_ body: (DaemonClient) throws(DaemonError) -> Answer) throws -> Answer {
    do throws(DaemonError) { return try body(client) } catch {
      throw XSKError("xskd", "\(error)", remedy: "see its messages: \(messages)")
    }
  }

  /// Attaches a container.
  func attach(_ id: String, _ container: NetworkNamespace, address: String) throws -> AttachedTenant {
    let request = AttachRequest(
      name: id, namespace: Self.path(of: container), device: "eth0", addresses: ["\(address)/32"])
    return try ask { client throws(DaemonError) in try client.attach(id, request) }
  }

  static func path(of container: NetworkNamespace) -> String { "/proc/\(getpid())/fd/\(container.fd)" }

  /// The processes' last words.
  var messages: String { children.map { String($0.errors.suffix(300)) }.joined(separator: " / ") }

  /// - Throws: if a process has ended by itself.
  func check() throws(XSKError) {
    for child in children where !child.isRunning {
      throw XSKError(
        "xskd", "ended by itself: \(messages)", remedy: "run it by hand: \(commands.joined(separator: "; "))")
    }
  }

  func wait(_ what: String, _ isSo: () -> Bool) throws(XSKError) {
    let end = TimestampClock.monotonicNanoseconds + 20_000_000_000
    while !isSo() {
      try check()
      guard TimestampClock.monotonicNanoseconds < end else {
        throw XSKError(what, "not ready within 20 s: \(messages)", remedy: "try again on a machine with less to do")
      }
      usleep(10_000)
    }
  }
}
