import ArgumentParser
import Operations

/// How a run can be looked at and told things from outside.
struct OperatingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The control socket's path, for 'xskfwd show' and 'xskfwd stop', or off. Default: /run/xskfwd/PID.control.",
      valueName: "path|off"))
  var control: ControlAddress = .standard

  @Option(
    help: ArgumentHelp(
      "Serve metrics over HTTP at ADDRESS:PORT, [ADDRESS]:PORT, or PORT of the loopback address; port 0: any.",
      valueName: "address:port"))
  var metrics: MetricsEndpoint?
}

extension ControlAddress: ExpressibleByArgument {
  public init?(argument: String) {
    guard !argument.isEmpty else { return nil }
    self.init(argument)
  }

  public var defaultValueDescription: String { "" }
}

extension MetricsEndpoint: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}

/// Which running xskfwd a command is about.
struct InstanceOptions: ParsableArguments {
  @Option(help: "The process. Default: the only one that runs.") var pid: Int32?
  @Option(help: "The path of its control socket, if it was started with one of its own.") var control: String?

  func validate() throws {
    guard pid == nil || control == nil else {
      throw ValidationError("--pid and --control: both name a process; give one of them")
    }
  }

  func client() throws -> ControlClient { ControlClient(path: try ControlAddress.find(path: control, pid: pid)) }
}
