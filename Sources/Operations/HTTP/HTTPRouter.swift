/// What a server answers: paths, each with a method and what it does. Further parts of a program add their own.
public struct HTTPRouter: Sendable {
  /// Answers a request, on the server's thread: at once, never waiting for a worker.
  public typealias Handler = @Sendable (HTTPRequest) -> HTTPResponse

  private struct Route: Sendable {
    let method: String
    let path: String
    let summary: String
    let handler: Handler

    /// What stands in a path where this one has `{name}`; nil: it is another path.
    func parameters(in path: String) -> [String: String]? {
      guard self.path.contains("{") else { return path == self.path ? [:] : nil }
      let pattern = self.path.split(separator: "/", omittingEmptySubsequences: false)
      let parts = path.split(separator: "/", omittingEmptySubsequences: false)
      guard pattern.count == parts.count else { return nil }
      var found: [String: String] = [:]
      for (expected, part) in zip(pattern, parts) {
        if expected.hasPrefix("{") {
          guard !part.isEmpty else { return nil }
          found[String(expected.dropFirst().dropLast())] = String(part)
        } else if expected != part {
          return nil
        }
      }
      return found
    }
  }

  private var routes: [Route] = []

  public init() {}

  /// - Parameters:
  ///   - path: `/v1/status`, or with parts that a request may fill in: `/v1/tenants/{id}`.
  ///   - summary: what `GET /` says about the path.
  public mutating func add(_ method: String, _ path: String, _ summary: String, handler: @escaping Handler) {
    routes.append(Route(method: method, path: path, summary: summary, handler: handler))
  }

  func answer(_ request: HTTPRequest) -> HTTPResponse {
    let method = request.method == "HEAD" ? "GET" : request.method
    if request.path == "/", method == "GET" { return index }
    let candidates = routes.filter { $0.parameters(in: request.path) != nil }
    guard !candidates.isEmpty else {
      return .refusal(.notFound, "\(request.path): no such path; GET / lists those that there are")
    }
    guard let route = candidates.first(where: { $0.method == method }) else {
      let allowed = candidates.map(\.method).joined(separator: ", ")
      var response = HTTPResponse.refusal(
        .methodNotAllowed, "\(request.method) \(request.path): not a method of this path; use \(allowed)")
      response.allow = allowed
      return response
    }
    var request = request
    request.parameters = route.parameters(in: request.path) ?? [:]
    return route.handler(request)
  }

  private var index: HTTPResponse {
    HTTPResponse(
      contentType: "text/plain; charset=utf-8",
      body: routes.map { "\($0.method) \($0.path): \($0.summary)\n" }.joined())
  }
}
