import XSKEngine
import XSKLab

/// An engine of one worker with a `ProbeHandler`: sends by the engine's own TX path, checks what arrives.
public final class ProbeEngine: Sendable {
  public let engine: Engine
  public let progress = ProbeProgress()

  public struct Configuration: Sendable {
    /// The first is what is sent by. A path is an attachment's socket.
    public var devices: [String]
    /// The CPU to run on; nil: the highest that the process may use.
    public var cpu: Int?
    public var idle: IdlePolicy = .spin
    /// What to send; nil: nothing.
    public var plan: SendingPlan?
    /// The only stream to check; nil: the first that comes.
    public var stream: UInt16?
    public var flows: UInt32 = 1
    public var mode: ModeRequest = .auto
    /// Frames of the RX ring, a power of two: what may arrive while the worker does not run.
    public var ring: UInt32 = 4096

    public init(devices: [String]) { self.devices = devices }
  }

  /// Starts it in the calling thread's network namespace. What it sends begins with `progress.start()`.
  public init(_ configuration: Configuration) throws(XSKError) {
    var engineConfiguration = EngineConfiguration(
      ports: configuration.devices.map { $0.hasPrefix("/") ? PortConfiguration(attachment: $0) : PortConfiguration($0) }
    )
    engineConfiguration.cores = [try Processors.choose(configuration.cpu)]
    engineConfiguration.worker.idle = configuration.idle
    engineConfiguration.socket.mode = configuration.mode
    engineConfiguration.socket.rings = RingSizes(receive: configuration.ring)
    engineConfiguration.reopensPorts = false
    engineConfiguration.tool = "xskbench"
    if configuration.plan != nil { engineConfiguration.localPort = "generator" }
    let progress = progress
    let (plan, stream, flows) = (configuration.plan, configuration.stream, configuration.flows)
    engine = try Engine.start(engineConfiguration) { _ throws(XSKError) in
      try ProbeHandler(plan, stream: stream, flows: flows, progress: progress)
    }
  }

  /// The mode that its sockets got, of the first device.
  public var mode: String { engine.portStatus.first?.mode?.rawValue ?? "unknown" }

  /// Waits until everything was sent.
  ///
  /// - Parameter isGoingOn: asked a hundred times a second; false ends the sending.
  public func send(while isGoingOn: () -> Bool = { true }) throws(XSKError) {
    progress.start()
    while !progress.hasFinished {
      nap(microseconds: 10_000)
      if !isGoingOn() { progress.stopSending() }
      try checkLinks()
    }
  }

  /// - Throws: if a device is gone.
  public func checkLinks() throws(XSKError) {
    for port in engine.portStatus where port.link == "gone" {
      throw XSKError(port.name, "the device is gone", remedy: "create it again, then start anew")
    }
  }
}
