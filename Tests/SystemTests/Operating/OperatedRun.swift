import CXsk
import Foundation
import Glibc
import Operations
import Testing
import XSKEngine
import XSKLab

/// An xskfwd that forwards in a lab, with a control socket of its own.
final class OperatedRun {
  let lab: ForwardLab
  let control: String
  let process: ChildProcess
  var client: ControlClient { ControlClient(path: control) }

  /// - Parameters:
  ///   - around: a command that starts the command behind it, as env(1) does.
  ///   - more: further options.
  init(
    _ lab: ForwardLab? = nil, around: [String] = [], control: String? = nil, _ more: [String] = ["--json"]
  ) throws {
    let lab = try lab ?? ForwardLab()
    let control = control ?? Self.freshPath
    let command = around + [BuiltPrograms.xskfwd, "forward", "m0", "m1", "--control", control] + more
    self.lab = lab
    self.control = control
    process = try lab.middle.start(command)
    let (client, process) = (ControlClient(path: control), process)
    try #require(
      eventually { !process.isRunning || client.isAnswered } && process.isRunning, "\(process.errors)")
  }

  static var freshPath: String { "/tmp/xsk-system-\(getpid())-\(UInt32.random(in: .min ... .max)).control" }

  func status() throws -> StatusReport { try client.report("/v1/status", as: StatusReport.self) }
  func counters() throws -> CountersReport { try client.report("/v1/counters", as: CountersReport.self) }

  /// The program itself, as somebody else at the machine runs it.
  func xskfwd(_ arguments: String...) throws -> CommandResult {
    try lab.left.run([BuiltPrograms.xskfwd] + arguments + ["--control", control])
  }

  func stop(sourceLocation: SourceLocation = #_sourceLocation) throws {
    _ = try client.request("/v1/stop", method: "POST")
    #expect(try process.wait() == .exited(0), "\(process.errors)", sourceLocation: sourceLocation)
    #expect(unsafe access(control, F_OK) != 0, sourceLocation: sourceLocation)
  }
}

/// A datagram socket as a service manager has it.
final class NotifySocket {
  /// A path, or a name behind '@'.
  let name: String
  private let descriptor: CInt

  init(abstract: Bool) throws {
    let label = "xsk-notify-\(getpid())-\(UInt32.random(in: .min ... .max))"
    name = abstract ? "@\(label)" : "/tmp/\(label)"
    descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let text = Array((abstract ? "\0\(label)" : name).utf8)
    // Safe: the name is shorter than sun_path, which lies behind the family.
    let bound = unsafe withUnsafeMutableBytes(of: &address) { bytes in
      unsafe bytes[2...].copyBytes(from: text)
      return unsafe bind(
        descriptor, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(2 + text.count))
    }
    try #require(bound == 0)
    var patience = timeval(tv_sec: 20, tv_usec: 0)
    // Safe: the option's own size.
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit {
    close(descriptor)
    if name.hasPrefix("/") { unsafe unlink(name) }
  }

  /// The next datagram; empty if none comes within 20 s.
  func next() -> String {
    var block = [UInt8](repeating: 0, count: 4096)
    // Safe: at most the block's size is written.
    let count = unsafe recv(descriptor, &block, block.count, 0)
    return String(decoding: block.prefix(max(0, count)), as: UTF8.self)
  }
}
