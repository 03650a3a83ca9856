public import Operations

/// How a dataplane process is to run.
public struct DataplaneOptions: Sendable {
  /// Where `state.json` is, and the control socket goes.
  public var runDirectory: String
  /// The node's configuration file.
  public var configuration: String
  public var metrics: MetricsEndpoint?
  /// What the counter page says about the program.
  public var tool = "xskd"
  public var version = ""
  /// Lines for the operator.
  public var log: @Sendable (String) -> Void

  public init(runDirectory: String, configuration: String, log: @escaping @Sendable (String) -> Void) {
    (self.runDirectory, self.configuration, self.log) = (runDirectory, configuration, log)
  }

  /// All tenants of the node, written whole and renamed by whoever serves it.
  public var statePath: String { "\(runDirectory)/state.json" }
  /// Where the process is asked and told things: HTTP, as `xskfwd`'s control socket.
  public var controlPath: String { "\(runDirectory)/dataplane.control" }
}
