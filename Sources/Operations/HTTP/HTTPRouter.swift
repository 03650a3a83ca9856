/// What a server answers: paths, each with a method and what it does. Further parts of a program add their own.
public struct HTTPRouter: Sendable {
  /// Answers a request, on the server's thread: at once, never waiting for a worker.
  public typealias Handler = @Sendable (HTTPRequest) -> HTTPResponse

  private struct Route: Sendable {
    let method: String
    let path: String
    let summary: String
    let handler: Handler
  }

  private var routes: [Route] = []

  public init() {}

  /// - Parameter summary: what `GET /` says about the path.
  public mutating func add(_ method: String, _ path: String, _ summary: String, handler: @escaping Handler) {
    routes.append(Route(method: method, path: path, summary: summary, handler: handler))
  }

  func answer(_ request: HTTPRequest) -> HTTPResponse {
    let method = request.method == "HEAD" ? "GET" : request.method
    if request.path == "/", method == "GET" { return index }
    let candidates = routes.filter { $0.path == request.path }
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
    return route.handler(request)
  }

  private var index: HTTPResponse {
    HTTPResponse(
      contentType: "text/plain; charset=utf-8",
      body: routes.map { "\($0.method) \($0.path): \($0.summary)\n" }.joined())
  }
}
