import Glibc
import Operations
import XSKEngine

/// A daemon that serves: API, tenants' sockets, the dataplane kept running. What `xskd serve` is.
///
///     let service = try NodeService.start(places, configuration: …, dataplane: …, version: "1.0", log: …)
///     …
///     service.stop()       // tenants' traffic goes on
public final class NodeService: Sendable {
  public let node: Node
  private let server: HTTPServer
  private let dataplane: DataplaneWatch
  private let reader: @Sendable () throws(XSKError) -> NodeSettings

  /// Seconds between two looks at whether tenants' devices are still there.
  private static let lookInterval = 2.0

  private init(
    node: Node, server: HTTPServer, dataplane: DataplaneWatch,
    reader: @escaping @Sendable () throws(XSKError) -> NodeSettings
  ) {
    self.node = node
    self.server = server
    self.dataplane = dataplane
    self.reader = reader
  }

  /// Starts it: takes up the state on disk, removes leftovers, and answers.
  ///
  /// - Parameters:
  ///   - configuration: reads the configuration, now and at each reload.
  ///   - command: what starts the dataplane; nil: somebody else does.
  ///   - metrics: a TCP address where `GET /metrics` is answered besides; nil: only over the UNIX socket.
  /// - Throws: another daemon that serves the same directory, a state or configuration that is wrong. Nothing has been touched
  ///   then.
  public static func start(
    _ places: NodePlaces, configuration: @escaping @Sendable () throws(XSKError) -> NodeSettings,
    dataplane command: DataplaneLaunch?, metrics: MetricsEndpoint? = nil, version: String,
    log: @escaping @Sendable (String) -> Void
  ) throws(XSKError) -> NodeService {
    let messages = NodeMessages(echo: log)
    let settings = try configuration()
    try makeRunDirectory(places.runDirectory)
    // Whoever listens there is the one daemon of the directory.
    let socket = try ListeningSocket.unix(places.socket)
    let watch = DataplaneWatch(command, control: places.dataplaneControl) { messages.add($0) }
    let node = try Node(
      places: places, settings: settings, notify: { watch.notify() },
      settle: { _ = watch.awaitOpen($0, generation: $1, until: $2) }, log: { messages.add($0) })
    var router = HTTPRouter()
    let reload: @Sendable () throws(XSKError) -> Void = { () throws(XSKError) in
      try Self.reload(node, watch, try configuration())
    }
    NodeRoutes(
      node: node, dataplane: watch, messages: messages, version: version, started: MonotonicTime.now, reload: reload
    ).add(to: &router)
    let exposition = NodeMetrics(node: node, dataplane: watch, version: version)
    exposition.add(to: &router)
    var listeners = [HTTPServer.Listener(socket: socket, router: router)]
    if let metrics {
      var page = HTTPRouter()
      exposition.add(to: &page)
      listeners.append(.init(socket: try ListeningSocket.tcp(metrics), router: page))
    }
    // Runtimes call in crowds, and attachments are made one at a time: nobody is pushed out while waiting.
    let limits = HTTPLimits(connections: 512, seconds: 60)
    let server = HTTPServer(
      listeners, limits: limits, chores: [.init(seconds: lookInterval) { node.lookAfterTenants() }])
    try node.reconcile()
    do throws(XSKError) {
      try watch.start()
      try server.start {}
    } catch {
      watch.stop()
      node.stop()
      throw error
    }
    return NodeService(node: node, server: server, dataplane: watch, reader: configuration)
  }

  /// Reads the configuration again. If it is wrong nothing changes.
  public func reload() throws(XSKError) { try Self.reload(node, dataplane, try reader()) }

  /// Puts a configuration in force here and in the dataplane, or in neither.
  private static func reload(_ node: Node, _ watch: DataplaneWatch, _ settings: NodeSettings) throws(XSKError) {
    try node.check(settings)
    try watch.reload()
    try node.apply(settings)
  }

  /// Ends API and tenants' sockets. Tenants, their traffic and the dataplane stay.
  public func stop() {
    server.stop()
    dataplane.stop()
    node.stop()
  }

  private static func makeRunDirectory(_ path: String) throws(XSKError) {
    // Safe: the path is a C string for the calls.
    guard unsafe mkdir(path, 0o755) == 0 || errno == EEXIST else {
      throw XSKError(
        path, refused: "the directory can't be made", code: errno, remedy: "make its parent, and run as root")
    }
  }
}
