import ArgumentParser
import Measuring
import XSKEngine
import XSKLab

/// The part of `xskbench tenant` that sends: a process of its own, since an attachment's sockets go to processes that are in the
/// container.
struct TenantSource: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tenant-source", abstract: "Send by the engine's TX path: what xskbench tenant starts in a container.",
    shouldDisplay: false)

  @Argument(help: "An interface, or an attachment's socket.") var port: String
  @Option(help: "The CPU to run on.") var cpu: Int
  @Option(help: "Bytes of a frame without FCS.") var size: Int
  @Option(help: "The frames' MAC and IPv4 addresses.") var sourceMac: String
  @Option var destinationMac: String
  @Option var source: String
  @Option var destination: String
  @Option(help: "Seconds.") var duration: Double

  func run() throws {
    let signals = StopSignals()
    // Whoever started it keeps off a CPU; this is to have the one that it is told, whichever that is.
    _ = try pinned(to: cpu)
    guard let from = LinkAddress(sourceMac), let to = LinkAddress(destinationMac) else {
      throw ValidationError("MAC addresses are written as 02:00:00:00:00:01")
    }
    let template = FrameTemplate(
      sourceAddress: from, destinationAddress: to, source: source, destination: destination)
    var configuration = ProbeEngine.Configuration(devices: [port])
    configuration.cpu = cpu
    configuration.plan = SendingPlan(frames: [try template.frame(size: size)], seconds: duration)
    let engine = try ProbeEngine(configuration)
    defer { engine.engine.stop() }
    try engine.send { !signals.arrives(within: 0) }
  }
}
