import CXsk
import FoundationEssentials
import Glibc
import XSKEngine

/// Asks a running engine over its control socket. Blocks, for a bounded time.
public struct ControlClient: Sendable {
  public let path: String

  public init(path: String) { self.path = path }

  /// Milliseconds that the other side may be silent.
  private static let patience: CInt = 5000
  /// Bytes of an answer at most.
  private static let longestAnswer = 64 << 20

  /// The body of an answer, as it came.
  ///
  /// - Throws: if nobody answers, if that isn't permitted, or what the other side refuses, in its words.
  public func request(_ target: String, method: String = "GET") throws(XSKError) -> [UInt8] {
    let answer = try exchange("\(method) \(target) HTTP/1.1\r\nHost: xskfwd\r\nConnection: close\r\n\r\n")
    guard let (status, body) = Self.parse(answer) else { throw foreign }
    guard (200..<300).contains(status) else { throw refused(status, body) }
    return body
  }

  func refused(_ status: Int, _ body: [UInt8]) -> XSKError {
    let reason = (try? JSONDecoder().decode([String: String].self, from: Data(body)))?["error"]
    return XSKError(
      path, "refused (\(status)): \(reason ?? "no reason was given")", remedy: "see: xskfwd show --help")
  }

  /// A report, decoded.
  public func report<Report: Decodable>(
    _ target: String, method: String = "GET", as type: Report.Type
  ) throws(XSKError) -> Report {
    try decode(request(target, method: method), as: type)
  }

  /// An answer's body as a report.
  public func decode<Report: Decodable>(_ body: [UInt8], as type: Report.Type) throws(XSKError) -> Report {
    do { return try JSONDecoder().decode(type, from: Data(body)) } catch {
      throw XSKError(path, "its answer is not understood", remedy: "use the xskfwd that is running")
    }
  }

  /// Whether somebody listens.
  public var isAnswered: Bool {
    let connection = unsafe cxsk_unix_connect(path, path.utf8.count, 1000)
    if connection >= 0 { close(connection) }
    return connection >= 0
  }

  var foreign: XSKError {
    XSKError(path, "what listens there does not speak as xskfwd does", remedy: "name an xskfwd's control socket")
  }

  private func exchange(_ text: String) throws(XSKError) -> [UInt8] {
    let connection = try connect(sending: Array(text.utf8))
    defer { close(connection) }
    var answer: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while answer.count < Self.longestAnswer {
      // Safe: at most the block's size is written into the block.
      let count = unsafe recv(connection, &block, block.count, 0)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw unreachable(errno) }
      guard count > 0 else { return answer }
      answer += block[..<count]
    }
    throw XSKError(path, "answers without end", remedy: "name an xskfwd's control socket")
  }

  /// A connection that a request was sent on; the caller closes it.
  func connect(sending request: [UInt8]) throws(XSKError) -> CInt {
    let connection = unsafe cxsk_unix_connect(path, path.utf8.count, Self.patience)
    guard connection >= 0 else { throw unreachable(-connection) }
    guard send(request, to: connection) else {
      let code = errno
      close(connection)
      throw unreachable(code)
    }
    return connection
  }

  private func send(_ bytes: [UInt8], to connection: CInt) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      // Safe: the buffer is valid for the length given.
      let count = unsafe rest.withUnsafeBytes {
        unsafe Glibc.send(connection, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  func unreachable(_ code: CInt) -> XSKError {
    switch code {
    case ENOENT, ECONNREFUSED:
      XSKError(path, "no xskfwd listens there", remedy: "start one, or name another with --control", code: code)
    case EACCES, EPERM:
      XSKError(path, "not permitted", remedy: "run this as the user who started xskfwd, or as root", code: code)
    case EAGAIN:
      XSKError(
        path, "no answer within \(Self.patience / 1000) s", remedy: "look at the process that listens", code: code)
    default:
      XSKError(path, refused: "cannot be asked", code: code, remedy: "look at the process that listens")
    }
  }

  /// Status and body of an answer that ended with its connection, whole if it says how long it is; or of one of which there
  /// is the head at least.
  static func parse(_ answer: [UInt8], isWhole: Bool = true) -> (status: Int, body: [UInt8])? {
    let separator = Array("\r\n\r\n".utf8)
    guard let end = answer.indices.first(where: { answer[$0...].starts(with: separator) }) else { return nil }
    let lines = String(decoding: answer[..<end], as: UTF8.self).split(separator: "\r\n")
    let words = (lines.first ?? "").split(separator: " ", maxSplits: 2)
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { return nil }
    let body = Array(answer[(end + separator.count)...])
    for line in lines.dropFirst() where isWhole && line.lowercased().hasPrefix("content-length:") {
      guard Int(line.dropFirst(15).filter { $0 != " " }) == body.count else { return nil }
    }
    return (status, body)
  }
}
