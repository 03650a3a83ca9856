import CXsk
import Glibc
import Synchronization
import XSKEngine

/// What an operator has to do with a running engine: a control socket, metrics, signs of life for a service manager. All
/// of it is one thread, off the workers' CPUs, that reads the counter page and never waits for a worker.
///
///     let service = try OperatorService.start(engine, control: .standard, metrics: nil) { … }
///     defer { service.stop() }
public final class OperatorService: Sendable {
  /// The control socket's path, if there is one.
  public let controlPath: String?
  /// Where metrics are served, `127.0.0.1:9100`, if they are.
  public let metricsAddress: String?
  private let server: HTTPServer?

  private init(controlPath: String?, metricsAddress: String?, server: HTTPServer?) {
    self.controlPath = controlPath
    self.metricsAddress = metricsAddress
    self.server = server
  }

  /// - Parameters:
  ///   - manager: told every half of its watchdog's time that all workers are well.
  ///   - policy: where a policy can be asked about and replaced; nil: there is none.
  ///   - rules: the names of the rules by the numbers that handlers note of packets (`Burst.note`), asked while there is a
  ///     capture. A number's name stays the same for as long as there is such a rule.
  ///   - additions: adds paths to the control socket.
  ///   - requestStop: called when a client asks for the end, on the server's thread.
  /// - Throws: a socket or address that can't be listened on; then nothing is left behind.
  public static func start(
    _ engine: Engine, control: ControlAddress, metrics: MetricsEndpoint?, manager: ServiceManager? = nil,
    policy: PolicyDesk? = nil, rules: @escaping @Sendable () -> [String] = { [] },
    additions: (inout HTTPRouter) -> Void = { _ in },
    requestStop: @escaping @Sendable () -> Void
  ) throws(XSKError) -> OperatorService {
    var listeners: [HTTPServer.Listener] = []
    var chores: [HTTPServer.Chore] = []
    let history = SnapshotHistory()
    let exposition = MetricsRoute(engine: engine, policy: policy)
    let controlPath = try path(control)
    if let controlPath {
      var router = HTTPRouter()
      ControlRoutes(engine: engine, history: history, requestStop: requestStop).add(to: &router)
      let names: @Sendable () -> [String] = { policy?.pipeline.noteNames ?? rules() }
      CaptureRoute(engine: engine, rules: names).add(to: &router)
      FlowsRoute(engine: engine, history: history, rules: names).add(to: &router)
      exposition.add(to: &router)
      policy?.add(to: &router)
      additions(&router)
      listeners.append(.init(socket: try ListeningSocket.unix(controlPath), router: router))
      chores.append(.init(seconds: 1) { if let now = try? engine.counters.snapshot() { history.add(now) } })
    }
    var metricsAddress: String?
    if let metrics {
      let socket = try ListeningSocket.tcp(metrics)
      metricsAddress = socket.name
      var router = HTTPRouter()
      exposition.add(to: &router)
      listeners.append(.init(socket: socket, router: router))
    }
    if let manager, let watchdog = manager.watchdog {
      chores.append(.init(seconds: watchdog / 2) { if areWell(engine, within: watchdog) { manager.alive() } })
    }
    guard !listeners.isEmpty || !chores.isEmpty else {
      return OperatorService(controlPath: nil, metricsAddress: nil, server: nil)
    }
    let server = HTTPServer(listeners, chores: chores)
    try server.start {
      engine.keepOffWorkerCores()
      // It reads what strangers write, and needs nothing that is privileged.
      _ = cxsk_thread_keep_capabilities(0)
    }
    return OperatorService(controlPath: controlPath, metricsAddress: metricsAddress, server: server)
  }

  /// Ends the thread, closes the sockets and removes the control socket's file. Later calls do nothing.
  public func stop() { server?.stop() }

  private static func path(_ control: ControlAddress) throws(XSKError) -> String? {
    switch control {
    case .off: return nil
    case .path(let path): return path
    case .standard:
      let directory = CounterPageDirectory.standard
      try directory.create()
      ControlAddress.removeStale(in: directory)
      return ControlAddress.standardPath(of: getpid(), in: directory)
    }
  }

  /// Every worker has done its housekeeping lately.
  private static func areWell(_ engine: Engine, within seconds: Double) -> Bool {
    guard let now = try? engine.counters.snapshot() else { return false }
    return now.workers.indices.allSatisfy { now.silence(ofWorker: $0) < seconds }
  }
}
