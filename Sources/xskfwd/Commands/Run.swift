import ArgumentParser
import ConfigurationFile
import Forwarder
import Operations
import ProgramSupport
import XSKEngine

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the policy of a configuration file.",
    discussion: """
      SIGHUP and 'xskfwd reload' have the file read again: a good one is in force from one burst to the next, a bad one \
      changes nothing. What the file can say: docs/configuration.md.
      """)

  @Option(help: "The configuration file.") var config: String
  @OptionGroup var operating: OperatingOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let file = ConfigurationFile.read(config)
    for problem in file.problems { Console.error(problem.description) }
    guard let configuration = file.configuration else { throw ExitCode(2) }
    var devices: [NetworkDevice] = []
    for port in configuration.ports { devices.append(try NetworkDevice(named: port.device)) }
    let taps = try Self.taps(configuration.ports, devices)
    defer { for tap in taps { tap?.close() } }
    let policy = try PolicyRun(path: config, configuration, devices, taps: taps)
    PeerNotes.tell(configuration.ports.map(\.device), "which go on as they came, and the far stacks will refuse")
    var engine = try configuration.engineConfiguration()
    engine.introduce("run --config \(config)")
    var run = EngineRun(configuration: engine, operating: operating, output: output)
    run.policy = policy
    run.obstacle = {
      policy.tend()
      return taps.compactMap(\.self).first(where: \.isGone).map { Self.gone($0.name) }
    }
    run.started = {
      for line in taps.compactMap(\.self).flatMap(\.notes) { Console.error("xskfwd: \(line)") }
    }
    let pipeline = policy.desk.pipeline
    try run.run { placement throws(XSKError) in try pipeline.handler(for: placement) }
  }

  /// The TAP devices that stand in ports' places, with their addresses.
  private static func taps(_ ports: [ForwarderPort], _ devices: [NetworkDevice]) throws -> [TapDevice?] {
    var taps: [TapDevice?] = []
    for (port, device) in zip(ports, devices) {
      taps.append(try port.tap.map { try TapDevice($0, address: device.hardwareAddress, mtu: device.mtu) })
    }
    return taps
  }

  private static func gone(_ tap: String) -> XSKError {
    XSKError(
      "TAP device \(tap)", "was removed by somebody else, so nothing reaches the host through it", remedy: "start again"
    )
  }
}

struct Reload: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Have a running 'xskfwd run' read its configuration file again.",
    discussion: """
      Exit status: 0 the new policy is in force on every worker; 2 the file is not right, and nothing has changed.
      """)

  @OptionGroup var instance: InstanceOptions
  @Option(help: "Seconds to wait for it, 0…3600.") var timeout = 60.0

  func validate() throws {
    guard (0...3600).contains(timeout) else {
      throw ValidationError("--timeout \(timeout): out of range; give 0 to 3600 seconds")
    }
  }

  func run() throws {
    let client = try instance.client()
    var report = try client.report("/v1/reload", method: "POST", as: ReloadReport.self)
    var patience = StopSignal()
    let end = StopSignal.now + timeout
    while report.state == .pending {
      guard StopSignal.now < end else {
        throw XSKError(client.path, "not reloaded within \(timeout) s", remedy: "see: xskfwd show status")
      }
      if patience.arrives(before: StopSignal.now + 0.01) { return }
      report = try client.report("/v1/reload?number=\(report.number)", as: ReloadReport.self)
    }
    for line in report.problems { Console.error(line) }
    guard report.state == .loaded else {
      throw XSKError(client.path, "not reloaded, nothing has changed", remedy: "correct what is said above")
    }
    for worker in report.silentWorkers {
      Console.error("xskfwd: worker \(worker) has not taken it yet, and will once it goes on")
    }
    Console.print("policy \(report.generation) is in force")
  }
}
