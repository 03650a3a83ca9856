/// A request as it was read off a connection: HTTP/1.0 or 1.1, a bounded head, a body of known length.
public struct HTTPRequest: Hashable, Sendable {
  public var method: String
  /// The target's path, percent-decoded: `/v1/status`.
  public var path: String
  /// The target's query, percent-decoded; the last value of a name counts.
  public var query: [String: String]
  /// What stands in the path where its route has `{name}`.
  public var parameters: [String: String] = [:]
  public var body: [UInt8]

  public init(method: String = "GET", path: String, query: [String: String] = [:], body: [UInt8] = []) {
    self.method = method
    self.path = path
    self.query = query
    self.body = body
  }
}

/// What a peer may send at most. Whoever sends more is told so, and cut off.
package struct HTTPLimits: Sendable {
  var headBytes = 8192
  var headers = 64
  var bodyBytes = 65_536
  /// Connections of one listener at a time; the oldest gives way to a new one.
  var connections: Int
  /// How long a connection may last, in seconds.
  var seconds: Double

  package init(connections: Int = 32, seconds: Double = 10) {
    self.connections = connections
    self.seconds = seconds
  }
}

/// Reads a request out of the bytes that have arrived so far (RFC 9112). Nothing in them is trusted.
enum HTTPParser {
  enum Outcome: Equatable {
    /// Not all of it is there.
    case incomplete
    case request(HTTPRequest)
    case refused(HTTPStatus)
  }

  static func parse(_ bytes: [UInt8], limits: HTTPLimits) -> Outcome {
    guard let end = headEnd(bytes.prefix(limits.headBytes)) else {
      return bytes.count >= limits.headBytes ? .refused(.headTooLarge) : .incomplete
    }
    var lines = bytes[..<end.head].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
      $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0
    }
    // RFC 9112 2.2: an empty line in front of the request is ignored.
    if lines.first?.isEmpty == true { lines.removeFirst() }
    guard let first = lines.first, lines.count - 1 <= limits.headers else { return .refused(.badRequest) }
    guard var request = requestLine(first) else { return .refused(.badRequest) }
    let length: Int
    switch contentLength(lines.dropFirst(), limit: limits.bodyBytes) {
    case .success(let found): length = found
    case .failure(let status): return .refused(status)
    }
    guard bytes.count - end.body >= length else { return .incomplete }
    request.body = Array(bytes[end.body..<end.body + length])
    return .request(request)
  }

  /// Where the head ends and the body begins: behind an empty line.
  private static func headEnd(_ bytes: ArraySlice<UInt8>) -> (head: Int, body: Int)? {
    let (newline, carriage) = (UInt8(ascii: "\n"), UInt8(ascii: "\r"))
    var lineStart = bytes.startIndex
    var hasText = false
    for index in bytes.indices where bytes[index] == newline {
      let line = bytes[lineStart..<index]
      if line.isEmpty || line.elementsEqual(CollectionOfOne(carriage)) {
        if hasText { return (lineStart, index + 1) }
      } else {
        hasText = true
      }
      lineStart = index + 1
    }
    return nil
  }

  private static func requestLine(_ line: ArraySlice<UInt8>) -> HTTPRequest? {
    let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard parts.count == 3, isToken(parts[0]), parts[1].first == UInt8(ascii: "/"),
      parts[2].elementsEqual("HTTP/1.1".utf8) || parts[2].elementsEqual("HTTP/1.0".utf8)
    else { return nil }
    let target = parts[1].split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
    guard let path = decoded(target[0]) else { return nil }
    var query: [String: String] = [:]
    for pair in (target.count > 1 ? target[1] : []).split(separator: UInt8(ascii: "&")) {
      let halves = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = decoded(halves[0]), let value = decoded(halves.count > 1 ? halves[1] : []) else { return nil }
      query[name] = value
    }
    return HTTPRequest(method: String(decoding: parts[0], as: UTF8.self), path: path, query: query)
  }

  private static func contentLength(_ lines: ArraySlice<ArraySlice<UInt8>>, limit: Int) -> Result<Int, HTTPStatus> {
    var length: Int?
    for line in lines where !line.isEmpty {
      let halves = line.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
      guard halves.count == 2, isToken(halves[0]) else { return .failure(.badRequest) }
      let name = String(decoding: halves[0], as: UTF8.self).lowercased()
      if name == "transfer-encoding" { return .failure(.notImplemented) }
      guard name == "content-length" else { continue }
      let digits = halves[1].filter { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
      // Two lengths are how requests are smuggled (RFC 9112 6.3).
      guard length == nil, !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
        return .failure(.badRequest)
      }
      guard let number = Int(String(decoding: digits, as: UTF8.self)), number <= limit else {
        return .failure(.bodyTooLarge)
      }
      length = number
    }
    return .success(length ?? 0)
  }

  /// RFC 9110 5.6.2.
  private static func isToken(_ bytes: ArraySlice<UInt8>) -> Bool {
    !bytes.isEmpty
      && bytes.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
      }
  }

  /// Percent-decoded; nil for a broken escape, control characters, or what isn't UTF-8.
  private static func decoded(_ bytes: ArraySlice<UInt8>) -> String? {
    var plain: [UInt8] = []
    var rest = bytes
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        plain.append(byte)
        continue
      }
      guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16),
        rest.first != UInt8(ascii: "+")
      else { return nil }
      plain.append(value)
      rest = rest.dropFirst(2)
    }
    guard plain.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { return nil }
    return String(validating: plain, as: UTF8.self)
  }
}
