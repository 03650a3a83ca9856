import Testing

@testable import Operations

@Suite("Requests") struct HTTPParserTests {
  static func parse(_ text: String, limits: HTTPLimits = HTTPLimits()) -> HTTPParser.Outcome {
    HTTPParser.parse(Array(text.utf8), limits: limits)
  }

  @Test(
    "what is understood",
    arguments: [
      ("GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n", HTTPRequest(path: "/v1/status")),
      ("GET / HTTP/1.0\r\n\r\n", HTTPRequest(path: "/")),
      ("\r\nGET / HTTP/1.1\n\n", HTTPRequest(path: "/")),
      (
        "POST /v1/drain?port=eth%201&x HTTP/1.1\r\n\r\n",
        HTTPRequest(method: "POST", path: "/v1/drain", query: ["port": "eth 1", "x": ""])
      ),
      ("PUT /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcd", HTTPRequest(method: "PUT", path: "/a", body: [97, 98, 99])),
      ("GET /%C3%A4 HTTP/1.1\r\nA: \u{0}\u{1}\r\n\r\n", HTTPRequest(path: "/ä")),
    ])
  func understood(_ text: String, _ request: HTTPRequest) {
    #expect(Self.parse(text) == .request(request))
  }

  @Test(
    "what is refused, and with which status",
    arguments: [
      ("\u{16}\u{3}\u{1}\u{2}\u{0}\r\n\r\n", HTTPStatus.badRequest),
      ("GET\r\n\r\n", .badRequest), ("GET /\r\n\r\n", .badRequest), ("GET / HTTP/2\r\n\r\n", .badRequest),
      ("GET  / HTTP/1.1\r\n\r\n", .badRequest), ("GET http://x/ HTTP/1.1\r\n\r\n", .badRequest),
      ("G(T / HTTP/1.1\r\n\r\n", .badRequest), ("GET /%2 HTTP/1.1\r\n\r\n", .badRequest),
      ("GET /%+1 HTTP/1.1\r\n\r\n", .badRequest), ("GET /%ff HTTP/1.1\r\n\r\n", .badRequest),
      ("GET /%00 HTTP/1.1\r\n\r\n", .badRequest), ("GET / HTTP/1.1\r\nno colon\r\n\r\n", .badRequest),
      ("GET / HTTP/1.1\r\n a: folded\r\n\r\n", .badRequest),
      ("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", .badRequest),
      ("GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", .badRequest),
      ("GET / HTTP/1.1\r\nContent-Length: 65537\r\n\r\n", .bodyTooLarge),
      ("GET / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", .bodyTooLarge),
      ("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", .notImplemented),
      ("GET / HTTP/1.1\r\nA: " + String(repeating: "x", count: 8192), .headTooLarge),
      (String(repeating: "\r\n", count: 4096), .headTooLarge),
      ("GET / HTTP/1.1\r\n" + String(repeating: "a: b\r\n", count: 65) + "\r\n", .badRequest),
    ])
  func refused(_ text: String, _ status: HTTPStatus) {
    #expect(Self.parse(text) == .refused(status))
  }

  @Test func `every beginning of a request is incomplete, never refused`() {
    let text = "POST /v1/drain?port=eth0 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
    for length in 0..<text.utf8.count {
      #expect(HTTPParser.parse(Array(text.utf8.prefix(length)), limits: HTTPLimits()) == .incomplete, "\(length)")
    }
  }

  @Test func `random bytes never trap`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      var bytes = (0..<Int.random(in: 0...300, using: &generator)).map { _ in
        Array("GET /%?=& HTTP/1.1\r\n:\u{0}".utf8).randomElement(using: &generator)!
      }
      bytes += Array("\r\n\r\n".utf8)
      if case .incomplete = HTTPParser.parse(bytes, limits: HTTPLimits()) {
        // Only if nothing but line ends came before the end.
        #expect(bytes.allSatisfy { $0 == 13 || $0 == 10 } || bytes.contains(10))
      }
    }
  }
}

@Suite("Metrics endpoints") struct MetricsEndpointTests {
  @Test(
    "what is one, and how it is written",
    arguments: [
      ("9100", "127.0.0.1:9100"), ("0", "127.0.0.1:0"), ("0.0.0.0:9100", "0.0.0.0:9100"), ("[::1]:9100", "[::1]:9100"),
      ("[2001:db8::1]:65535", "[2001:db8::1]:65535"),
    ])
  func valid(_ text: String, _ written: String) {
    #expect(MetricsEndpoint(text)?.description == written)
  }

  @Test(
    "what is none",
    arguments: [
      "", ":", ":9100", "x:", "1:2:3", "::1:9100", "[::1]", "[::1]9100", "[]:1", "65536", "-1", "+1", "a b:1", "[a:1",
    ])
  func invalid(_ text: String) {
    #expect(MetricsEndpoint(text) == nil)
  }
}
