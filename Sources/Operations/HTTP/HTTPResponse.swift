import FoundationEssentials
import XSKEngine

/// The few statuses that are answered with (RFC 9110 15).
public enum HTTPStatus: Int, Error, Sendable {
  case ok = 200, accepted = 202
  case badRequest = 400, forbidden = 403, notFound = 404, methodNotAllowed = 405, conflict = 409, bodyTooLarge = 413
  case headTooLarge = 431
  case internalError = 500, notImplemented = 501, serviceUnavailable = 503

  var phrase: String {
    switch self {
    case .ok: "OK"
    case .accepted: "Accepted"
    case .badRequest: "Bad Request"
    case .forbidden: "Forbidden"
    case .notFound: "Not Found"
    case .methodNotAllowed: "Method Not Allowed"
    case .conflict: "Conflict"
    case .bodyTooLarge: "Content Too Large"
    case .headTooLarge: "Request Header Fields Too Large"
    case .internalError: "Internal Server Error"
    case .notImplemented: "Not Implemented"
    case .serviceUnavailable: "Service Unavailable"
    }
  }
}

public struct HTTPResponse: Sendable {
  public var status: HTTPStatus
  public var contentType: String
  public var body: [UInt8]
  /// What follows in place of a body whose length is known.
  var stream: (any HTTPStream)?
  /// The methods of a path that was asked for with another one.
  var allow: String?

  public init(_ status: HTTPStatus = .ok, contentType: String, body: String) {
    self.status = status
    self.contentType = contentType
    self.body = Array(body.utf8)
  }

  public init(contentType: String, stream: any HTTPStream) {
    (status, self.contentType, body) = (.ok, contentType, [])
    self.stream = stream
  }

  /// One object on one line, keys in alphabetical order.
  public static func json(_ value: some Encodable, _ status: HTTPStatus = .ok) -> HTTPResponse {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else {
      return HTTPResponse(.internalError, contentType: "text/plain", body: "the answer is not JSON\n")
    }
    return HTTPResponse(
      status, contentType: "application/json", body: String(decoding: data, as: UTF8.self) + "\n")
  }

  /// What is wrong, in one sentence: `{"error": …}`.
  public static func refusal(_ status: HTTPStatus, _ reason: String) -> HTTPResponse {
    json(["error": reason], status)
  }

  public static func refusal(_ error: XSKError, _ status: HTTPStatus = .badRequest) -> HTTPResponse {
    refusal(status, "\(error)")
  }

  /// As it is sent. Each connection carries one request: none is reused, so none has to be kept for one that may not come.
  func serialized(headOnly: Bool) -> [UInt8] {
    var head = "HTTP/1.1 \(status.rawValue) \(status.phrase)\r\nContent-Type: \(contentType)\r\n"
    head += stream == nil ? "Content-Length: \(body.count)\r\n" : "Transfer-Encoding: chunked\r\n"
    head += "Cache-Control: no-store\r\nConnection: close\r\n"
    if let allow { head += "Allow: \(allow)\r\n" }
    return Array((head + "\r\n").utf8) + (headOnly ? [] : body)
  }
}
