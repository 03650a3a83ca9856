import Captures
import Glibc
import Operations
import ProgramSupport
import XSKEngine

/// Writes a capture to a file or pipe as it arrives, block by block: at any time the file is a whole capture.
struct CaptureFileWriter: ~Copyable {
  let name: String
  private let file: CInt
  private let isRegular: Bool
  private var follower = PcapngFollower()
  private var waiting: ArraySlice<UInt8> = []
  /// CLOCK_MONOTONIC seconds until which it waits for what is still missing, once it is to end.
  private var patience: Double?

  /// Seconds for the end: a pipe may be slow.
  private static let lastSeconds = 5.0
  /// Milliseconds between two looks at the signals.
  private static let interval: CInt = 50

  init(_ file: consuming OutputFile) throws(XSKError) {
    name = file.name
    isRegular = file.identity.isRegular
    self.file = try file.take()
  }

  deinit { close(file) }

  var summary: String {
    let packets = "\(follower.packets) packet\(follower.packets == 1 ? "" : "s")"
    return "\(packets) written to \(name), " + (follower.lost.map { "\($0) lost" } ?? "none lost that is known of")
  }

  /// Copies until the stream's end, a signal, or until nobody reads any more.
  ///
  /// - Throws: when the file can't be written, or the other side ended before the capture did.
  mutating func copy(_ stream: inout ControlStream, stop: inout StopSignal) throws {
    var nextLook = StopSignal.now
    while true {
      if StopSignal.now >= nextLook {
        if stop.arrives(before: StopSignal.now + 0.0005) {
          guard patience == nil else { return }
          patience = StopSignal.now + Self.lastSeconds
          stream.finish()
        }
        nextLook = StopSignal.now + Double(Self.interval) / 1000
      }
      if let patience, StopSignal.now >= patience { return }
      guard waiting.isEmpty else {
        guard try write() else { return }
        continue
      }
      switch try stream.next(milliseconds: Self.interval) {
      case .bytes(let bytes): waiting = try follower.add(bytes)[...]
      case .nothing: continue
      case .end: return
      case .cut:
        throw RunFailure(
          XSKError(
            "capture", "xskfwd ended before it did", remedy: "\(summary); what is in the file is good"))
      }
    }
  }

  /// Writes as much as can be written within a moment; false when nobody reads any more.
  private mutating func write() throws -> Bool {
    var entry = pollfd(fd: file, events: Int16(POLLOUT), revents: 0)
    // Safe: one entry.
    guard unsafe poll(&entry, 1, Self.interval) > 0 else { return true }
    // A pipe that can be written takes PIPE_BUF bytes without waiting.
    let piece = waiting.prefix(isRegular ? 1 << 20 : 4096)
    // Safe: the buffer is valid for the length given.
    let count = unsafe piece.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
    if count < 0 && (errno == EINTR || errno == EAGAIN) { return true }
    guard count > 0 else {
      let code = errno
      guard code != EPIPE else { return false }
      throw RunFailure(
        XSKError(name, refused: "can't be written", code: code, remedy: "name a file that has room"))
    }
    waiting = waiting.dropFirst(count)
    return true
  }
}
