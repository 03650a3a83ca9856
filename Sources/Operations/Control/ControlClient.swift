import FoundationEssentials
import Glibc
import LocalHTTP
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
    let (status, body) = try told { () throws(LocalRequestFailure) in
      try asking.exchange(Array("\(method) \(target) HTTP/1.1\r\nHost: xskfwd\r\nConnection: close\r\n\r\n".utf8))
    }
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
    guard let connection = try? LocalRequest(path: path, patience: 1000, longestAnswer: 0).connected() else {
      return false
    }
    close(connection)
    return true
  }

  var foreign: XSKError {
    XSKError(path, "what listens there does not speak as xskfwd does", remedy: "name an xskfwd's control socket")
  }

  private var asking: LocalRequest {
    LocalRequest(path: path, patience: Int(Self.patience), longestAnswer: Self.longestAnswer)
  }

  /// A connection that a request was sent on; the caller closes it.
  func connect(sending request: [UInt8]) throws(XSKError) -> CInt {
    try told { () throws(LocalRequestFailure) in try asking.connect(sending: request) }
  }

  /// What goes wrong, in words.
  private func told<Value>(_ body: () throws(LocalRequestFailure) -> Value) throws(XSKError) -> Value {
    do throws(LocalRequestFailure) { return try body() } catch {
      switch error {
      case .absent(let code), .lost(let code): throw unreachable(code)
      case .silent, .foreign: throw foreign
      case .endless: throw XSKError(path, "answers without end", remedy: "name an xskfwd's control socket")
      }
    }
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
}
