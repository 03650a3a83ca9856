import FoundationEssentials
import Glibc

/// Why xskd did not do what it was asked.
public enum DaemonError: Error, Hashable, Sendable {
  /// Nobody listens on the socket; `code`: errno.
  case absent(code: CInt)
  /// It may or may not have done it: the connection broke, or nothing was said for too long.
  case lost(String)
  /// What was said is no answer of xskd's.
  case foreign
  /// It refused, and says why.
  case refused(status: Int, reason: String)
}

/// Asks xskd over its UNIX socket: HTTP, one request a connection, JSON. Blocks for a bounded time.
///
/// It links nothing but the C library and Foundation's JSON: a CNI plugin is started for every container.
public struct DaemonClient: Sendable {
  public let path: String
  /// Seconds that the other side may be silent.
  public let patience: Int

  /// Bytes of an answer at most.
  private static let longestAnswer = 16 << 20

  public init(path: String, patience: Int = 30) {
    self.path = path
    self.patience = patience
  }

  public func attach(_ id: String, _ request: AttachRequest) throws(DaemonError) -> AttachedTenant {
    guard let body = try? JSONEncoder().encode(request) else { throw .foreign }
    return try decoded(ask("PUT", "/v1/tenants/\(id)", body: Array(body)))
  }

  /// Done if there is no such tenant.
  public func detach(_ id: String) throws(DaemonError) { _ = try ask("DELETE", "/v1/tenants/\(id)") }

  public func tenants() throws(DaemonError) -> [AttachedTenant] {
    let list: TenantList = try decoded(ask("GET", "/v1/tenants"))
    return list.tenants
  }

  public func tenant(_ id: String) throws(DaemonError) -> AttachedTenant {
    try decoded(ask("GET", "/v1/tenants/\(id)"))
  }

  public func check(_ id: String) throws(DaemonError) -> TenantCheck {
    try decoded(ask("GET", "/v1/tenants/\(id)/check"))
  }

  public func availability() throws(DaemonError) -> NodeAvailability { try decoded(ask("GET", "/v1/status")) }

  public func decoded<Value: Decodable>(_ body: [UInt8]) throws(DaemonError) -> Value {
    guard let value = try? JSONDecoder().decode(Value.self, from: Data(body)) else { throw .foreign }
    return value
  }

  /// The body of an answer that is no refusal.
  public func ask(_ method: String, _ target: String, body: [UInt8] = []) throws(DaemonError) -> [UInt8] {
    let head =
      "\(method) \(target) HTTP/1.1\r\nHost: xskd\r\nContent-Length: \(body.count)\r\nConnection: close\r\n\r\n"
    let connection = try connected()
    defer { close(connection) }
    try send(Array(head.utf8) + body, to: connection)
    let text = try answer(from: connection)
    guard !text.isEmpty else { throw .lost("the connection was closed without an answer") }
    guard let (status, answer) = Self.parse(text) else { throw .foreign }
    guard (200..<300).contains(status) else {
      let reason = (try? JSONDecoder().decode([String: String].self, from: Data(answer)))?["error"]
      throw .refused(status: status, reason: reason ?? "no reason was given")
    }
    return answer
  }

  private func connected() throws(DaemonError) -> CInt {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // The last byte stays 0.
    guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else { throw .absent(code: ENAMETOOLONG) }
    // Safe: the path is shorter than the field.
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    let connection = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard connection >= 0 else { throw .absent(code: errno) }
    var bound = timeval(tv_sec: patience, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      // Safe: the option's value is a timeval, and its size is told.
      unsafe setsockopt(connection, SOL_SOCKET, option, &bound, socklen_t(MemoryLayout<timeval>.size))
    }
    // Safe: a sockaddr_un is passed as what connect() takes for every family, with its size.
    let status = unsafe withUnsafePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe connect(connection, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard status == 0 else {
      let code = errno
      close(connection)
      throw .absent(code: code)
    }
    return connection
  }

  private func send(_ bytes: [UInt8], to connection: CInt) throws(DaemonError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      // Safe: the buffer is valid for the length given.
      let count = unsafe rest.withUnsafeBytes {
        unsafe Glibc.send(connection, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw lost(errno) }
      rest = rest.dropFirst(count)
    }
  }

  private func answer(from connection: CInt) throws(DaemonError) -> [UInt8] {
    var answer: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while answer.count < Self.longestAnswer {
      // Safe: at most the block's size is written into the block.
      let count = unsafe recv(connection, &block, block.count, 0)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw lost(errno) }
      guard count > 0 else { return answer }
      answer += block[..<count]
    }
    throw .foreign
  }

  private func lost(_ code: CInt) -> DaemonError {
    .lost(code == EAGAIN ? "no answer within \(patience) s" : unsafe String(cString: strerror(code)))
  }

  /// Status and body of a whole answer.
  private static func parse(_ answer: [UInt8]) -> (status: Int, body: [UInt8])? {
    let separator = Array("\r\n\r\n".utf8)
    guard let end = answer.indices.first(where: { answer[$0...].starts(with: separator) }) else { return nil }
    let lines = String(decoding: answer[..<end], as: UTF8.self).split(separator: "\r\n")
    let words = (lines.first ?? "").split(separator: " ", maxSplits: 2)
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { return nil }
    let body = Array(answer[(end + separator.count)...])
    for line in lines.dropFirst() where line.lowercased().hasPrefix("content-length:") {
      guard Int(line.dropFirst(15).filter { $0 != " " }) == body.count else { return nil }
    }
    return (status, body)
  }
}
