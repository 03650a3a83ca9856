import ArgumentParser
import ContainerDataplane
import Operations
import ProgramSupport
import XSKEngine

struct DataplaneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dataplane",
    abstract: "Carry the tenants' packets, as the node's state and the configuration file say.",
    discussion: """
      It follows DIR/state.json: SIGHUP and POST /v1/reload on DIR/dataplane.control have both files read again. What is \
      not right as a whole changes nothing. Exit status: 0 stopped, 1 something went wrong later, 2 it could not start.
      """)

  @Option(help: ArgumentHelp("Where state.json is, and the control socket goes.", valueName: "dir"))
  var runDirectory = "/run/xskd"
  @Option(help: ArgumentHelp("The node's configuration file.", valueName: "file"))
  var config = "/etc/xskd/xskd.yaml"
  @Option(
    help: ArgumentHelp(
      "Serve metrics over HTTP at ADDRESS:PORT, [ADDRESS]:PORT, or PORT of the loopback address; port 0: any.",
      valueName: "address:port"))
  var metrics: String?

  func run() throws {
    let file = NodeConfigurationFile.read(config)
    for problem in file.problems { Console.error(problem.description) }
    guard let node = file.configuration else { throw ExitCode(2) }
    var options = DataplaneOptions(runDirectory: runDirectory, configuration: config) { Console.error("xskd: \($0)") }
    options.version = Xskd.version
    if let metrics {
      guard let endpoint = MetricsEndpoint(metrics) else {
        throw XSKError("--metrics \(metrics)", "no address", remedy: "write ADDRESS:PORT, or PORT")
      }
      options.metrics = endpoint
    }
    DescriptorLimit.raise()
    var stop = StopSignal(reloads: true)
    let manager = ServiceManager()
    ServiceManager.forget()
    let dataplane = try Dataplane.start(
      options, node, manager: manager, requestStop: stop.request, requestReload: stop.requestReload)
    Console.print("xskd dataplane: running")
    manager?.ready("dataplane")
    wait: while true {
      switch stop.next(before: StopSignal.now + 0.2) {
      case .stop: break wait
      case .reload: dataplane.reload()
      case nil: break
      }
      dataplane.tend()
    }
    manager?.stopping()
    dataplane.stop()
  }
}

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Say whether a configuration file is right, and what this node can give containers.",
    discussion: """
      Everything that is wrong with the file; if it is right, the ways in which containers could have their interfaces here, \
      and why not. What that takes is made in a network namespace of its own: no device of the node is touched. Exit status: \
      0 the file can be used, 2 it can't.
      """)

  @Option(help: ArgumentHelp("The node's configuration file.", valueName: "file"))
  var config = "/etc/xskd/xskd.yaml"

  func run() throws {
    let file = NodeConfigurationFile.read(config) { try? NetworkDevice(named: $0).receiveQueuesUnderXDP }
    for problem in file.problems { Console.error(problem.description) }
    guard let node = file.configuration else { throw ExitCode(2) }
    // Makes what the file says, without tenants: what it refuses is told by no look at the file.
    _ = try NodePolicy(node, tenants: [])
    Console.print(
      "\(config): good; \(node.uplinks.count) uplinks, room for \(node.capacity) tenants, "
        + "\(node.policies.count) policies")
    for report in TierProbe(pools: node.queuePools).reports() { Console.print("tier \(report.text)") }
  }
}
