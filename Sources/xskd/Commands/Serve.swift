import ArgumentParser
import ContainerDataplane
import FoundationEssentials
import Glibc
import Operations
import ProgramSupport
import XSKEngine

/// Where a node's files are.
struct PlaceOptions: ParsableArguments {
  @Option(help: "The directory of state and sockets.") var runDirectory = NodePlaces.standardRunDirectory
  @Option(help: "The directory of pinned BPF links and maps, in a BPF file system.")
  var bpfDirectory = NodePlaces.standardBPFDirectory

  var places: NodePlaces { NodePlaces(runDirectory: runDirectory, bpfDirectory: bpfDirectory) }
}

struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Be the node's daemon: attach containers, hand sockets over, keep the dataplane running.",
    discussion: """
      Ends at SIGINT or SIGTERM; tenants and their traffic stay, and the next start takes them up. SIGHUP reads the \
      configuration again.
      """)

  @Option(help: "The configuration file.") var config = "/etc/xskd/xskd.yaml"
  @OptionGroup var places: PlaceOptions
  @Option(help: "Serve metrics over HTTP: a port of the loopback address, or ADDRESS:PORT.") var metrics: String?

  @Option(help: "start: start the dataplane, and start it again when it dies. external: somebody else does.")
  var dataplane = DataplaneKeeper.start

  enum DataplaneKeeper: String, ExpressibleByArgument, CaseIterable {
    case start, external
  }

  func validate() throws {
    if let metrics, MetricsEndpoint(metrics) == nil {
      throw ValidationError("--metrics \(metrics): not an address; write 9100, 192.0.2.1:9100, or [2001:db8::1]:9100")
    }
  }

  func run() throws {
    try Self.requirePrivileges()
    DescriptorLimit.raise()
    var signals = StopSignal(reloads: true)
    let manager = ServiceManager()
    ServiceManager.forget()
    let service = try NodeService.start(
      places.places, configuration: reader, dataplane: command, metrics: metrics.flatMap { MetricsEndpoint($0) },
      version: Xskd.version
    ) { Console.error("xskd: \($0)") }
    let count = service.node.state.tenants.count
    Console.error("xskd: serving \(places.places.socket), \(count) tenant\(count == 1 ? "" : "s")")
    manager?.ready("serving \(count) tenants")
    // A sign of life at half the time that the service manager waits; else a look now and then.
    let interval = manager?.watchdog.map { $0 / 2 } ?? 60
    while true {
      switch signals.next(before: StopSignal.now + interval) {
      case nil: manager?.alive()
      case .reload:
        do throws(XSKError) {
          try service.reload()
          Console.error("xskd: \(config): read again")
        } catch {
          Console.error("xskd: \(error)")
        }
      case .stop:
        manager?.stopping()
        service.stop()
        return
      }
    }
  }

  /// Before anything is touched: without them it would serve, and refuse every container.
  private static func requirePrivileges() throws(XSKError) {
    let needs: [Capability] = [.sysAdmin, .netAdmin, .netRaw, .bpf]
    let missing = needs.filter { !Capability.held.contains($0) }.map(\.name)
    guard !missing.isEmpty else { return }
    throw XSKError(
      "this process", "lacks \(missing.joined(separator: ", "))",
      remedy: "run xskd as root, or as its systemd unit does")
  }

  /// This very program, whatever has become of its file's name.
  private var command: DataplaneLaunch? {
    guard dataplane == .start else { return nil }
    let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "/proc/self/exe"
    return DataplaneLaunch(
      path: program,
      arguments: [
        "dataplane", "--config", config, "--run-directory", places.runDirectory,
      ])
  }

  private var reader: @Sendable () throws(XSKError) -> NodeSettings {
    let config = config
    return { () throws(XSKError) in try NodeSettings(file: config) { Console.error("xskd: \($0)") } }
  }
}
