import FoundationEssentials
import Glibc
import LocalHTTP

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
    let status: Int
    let answer: [UInt8]
    do throws(LocalRequestFailure) {
      let request = LocalRequest(path: path, patience: patience * 1000, longestAnswer: Self.longestAnswer)
      (status, answer) = try request.exchange(Array(head.utf8) + body)
    } catch {
      throw failure(error)
    }
    guard (200..<300).contains(status) else {
      let reason = (try? JSONDecoder().decode([String: String].self, from: Data(answer)))?["error"]
      throw .refused(status: status, reason: reason ?? "no reason was given")
    }
    return answer
  }

  private func failure(_ failure: LocalRequestFailure) -> DaemonError {
    switch failure {
    case .absent(let code): .absent(code: code)
    case .lost(EAGAIN): .lost("no answer within \(patience) s")
    case .lost(let code): .lost(unsafe String(cString: strerror(code)))
    case .silent: .lost("the connection was closed without an answer")
    case .foreign, .endless: .foreign
    }
  }
}
