import CXsk
import Synchronization

/// Workers on devices, from attach to detach.
///
///     let engine = try Engine.start(EngineConfiguration(ports: [PortConfiguration("eth0")])) { _ in DropAll() }
///     sleep(10)
///     print(engine.stop())
///
/// Starting either succeeds as a whole or leaves nothing behind. Stopping takes the sockets out of the XSKMAPs, drains the
/// workers, detaches the programs, then closes the sockets. If the process is killed the kernel does the last two.
public final class Engine: Sendable {
  /// Where a handler is going to run.
  public struct Placement: Sendable {
    /// The worker's number, from 0.
    public let worker: Int
    public let cpu: Int
    /// The engine's ports, by name, spare ones as `spare0`, `spare1`, …; the local one, if there is one, last.
    public let ports: [String]
    /// Workers of the engine.
    public let workerCount: Int
    /// Queues of the worker, over all ports: `Burst.slot` is less.
    public let slotCount: Int
    /// Where the worker's handler asks for verdicts in the kernel; nil without `EngineConfiguration.offload`.
    public let offload: OffloadRequests?
  }

  public let configuration: EngineConfiguration
  let plan: EnginePlan
  let ports: [Port]
  let threads: [WorkerThread]
  public let counters: CounterPage
  let notes = Mutex<MessageLog>(MessageLog())
  let supervisor = SupervisorState()
  let napi: [AppliedNAPISettings]
  /// nil: the XDP programs only redirect.
  let policy: KernelPolicy?
  let offloader = SupervisorState()
  /// As `EngineConfiguration.reasonNames`, and what was added since.
  let reasonNames: Mutex<[DropReason: String]>
  /// The newest capture, and ended ones whose memory workers may still use.
  let capture = Mutex<CaptureSession?>(nil)
  let retired = Mutex<[CaptureSession]>([])

  /// Starts an engine in the calling thread's network namespace.
  ///
  /// - Parameter handler: makes each worker's handler, on that worker's thread.
  /// - Throws: whatever stands in the way, in the doctor's words; nothing is left attached.
  @inlinable
  public static func start<Handler: PacketHandler & SendableMetatype & ~Copyable>(
    _ configuration: EngineConfiguration, handler: @escaping @Sendable (Placement) throws(XSKError) -> Handler
  ) throws(XSKError) -> Engine {
    // The worker's loop is specialised for the handler here, in the caller's module.
    try start(configuration) { parts, placement, ready throws(XSKError) in
      var worker = Worker(parts, handler: try handler(placement))
      try worker.checkHoldLimit()
      ready()
      worker.run()
    }
  }

  /// Makes a worker, says when it is ready, and runs it.
  @usableFromInline
  typealias Run = @Sendable (consuming WorkerParts, Placement, _ ready: () -> Void) throws(XSKError) -> Void

  @usableFromInline
  static func start(_ configuration: EngineConfiguration, run: @escaping Run) throws(XSKError) -> Engine {
    try configuration.worker.validate()
    try configuration.metadata.validate()
    for port in configuration.ports { try port.punt.validate(port.device) }
    try configuration.spares.validate()
    try configuration.offload?.validate()
    let attachments = try configuration.ports.map { port throws(XSKError) in
      try port.attachment.map { path throws(XSKError) in try Attachment(path: path) }
    }
    var configuration = configuration
    try configuration.adopt(attachments)
    var devices: [NetworkDevice] = []
    for (port, attachment) in zip(configuration.ports, attachments) {
      if let attachment, attachment.interface.isPhysical {
        devices.append(try attachment.physicalDevice().device)
      } else {
        devices.append(try NetworkDevice(named: port.device))
      }
    }
    let plan = try EnginePlan(configuration, devices: devices, attachments: attachments)
    // What an attachment takes, its daemon has seen to.
    for port in configuration.ports where port.attachment == nil {
      try Preflight.check(
        Requirements(
          device: port.device, queues: port.queues, cores: configuration.cores, mode: configuration.socket.mode,
          umem: plan.umem, workers: plan.workers.count))
    }
    try configuration.metadata.checkKernelLimit()
    if configuration.offload != nil { try OffloadConfiguration.checkKernel(cxsk_coarse_time_is_there()) }
    if configuration.ports.isEmpty {
      try Preflight.check(
        Requirements(
          cores: configuration.cores, mode: configuration.socket.mode, umem: plan.umem, workers: plan.workers.count))
    }
    let engine = try Engine(configuration, plan, attachments)
    do throws(XSKError) {
      try engine.launch(run)
    } catch {
      engine.abandon()
      throw error
    }
    return engine
  }

  private init(
    _ configuration: EngineConfiguration, _ plan: EnginePlan, _ attachments: [Attachment?]
  ) throws(XSKError) {
    self.configuration = configuration
    self.plan = plan
    let policy = try KernelPolicy.make(configuration, workers: plan.workers.count)
    self.policy = policy
    reasonNames = Mutex(configuration.reasonNames)
    ports = plan.queues.enumerated().map { index, queues in
      Port(
        index: index, device: index < plan.devices.count ? plan.devices[index] : nil,
        spare: index - plan.devices.count, queues: queues, metadata: configuration.metadata, policy: policy,
        attachment: index < attachments.count ? attachments[index] : nil,
        isPromiscuous: index < configuration.ports.count && configuration.ports[index].isPromiscuous)
    }
    threads = plan.workers.map { WorkerThread($0, dropsCapabilities: configuration.dropsWorkerCapabilities) }
    let description = Self.description(configuration, plan, ports, configuration.reasonNames)
    counters =
      switch configuration.counterPage {
      case .memory: try CounterPage(inMemory: description, workers: plan.workers.count)
      case .standard: try CounterPage(description, workers: plan.workers.count)
      case .file(let path): try CounterPage(description, workers: plan.workers.count, path: path)
      }
    napi = configuration.worker.idle == .busyPoll ? Self.deferInterrupts(plan.devices, notes) : []
  }

  /// Lines for the operator: what is not as good as it could be, and why. The newest 256.
  public var messages: [String] { notes.withLock { $0.lines() } }

  /// Those of the lines from number `first` (counted from 0) on that are still kept, and how many there ever were.
  public func messages(from first: Int) -> (lines: [String], count: Int) {
    notes.withLock { ($0.lines(from: first), $0.count) }
  }

  func note(_ line: String) { notes.withLock { $0.append(line) } }

  static func description(
    _ configuration: EngineConfiguration, _ plan: EnginePlan, _ ports: [Port], _ reasons: [DropReason: String]
  ) -> CounterDescription {
    CounterDescription(
      tool: configuration.tool, version: configuration.version, command: configuration.command,
      ports: ports.map(\.description)
        + (configuration.localPort.map { [CounterDescription.Port(local: $0, workers: plan.workers.count)] } ?? []),
      slots: plan.workers.flatMap { worker in
        worker.queues.map {
          CounterDescription.Slot(worker: worker.index, cpu: worker.cpu, port: $0.port, queue: $0.queue)
        }
          + (worker.localSlot.map { _ in
            [CounterDescription.Slot(worker: worker.index, cpu: worker.cpu, port: ports.count, queue: worker.index)]
          } ?? [])
      },
      counters: .current.adding(reasons))
  }

  /// Has the devices leave their interrupts to our polling; refusal is a note, not an obstacle.
  private static func deferInterrupts(
    _ devices: [NetworkDevice], _ notes: borrowing Mutex<MessageLog>
  ) -> [AppliedNAPISettings] {
    var applied: [AppliedNAPISettings] = []
    for device in devices where device.isHere {
      switch NAPISettings.apply(.busyPolling, to: device) {
      case .success(let settings): applied.append(settings)
      case .failure(let error): notes.withLock { $0.append("\(error); busy polling goes on without") }
      }
    }
    return applied
  }
}

extension Engine {
  /// The CPUs that workers are pinned to.
  public var workerCPUs: [Int] { plan.workers.map(\.cpu) }

  /// Keeps the calling thread, and threads that it starts from now on, off the workers' CPUs, unless there is no other: the
  /// control plane is not to take time from the packet path.
  public func keepOffWorkerCores() {
    let cores = workerCPUs.map { UInt32($0) }
    // Refused only where the process has no other CPU, which is as it was before.
    _ = unsafe cxsk_thread_avoid(cores, CInt(cores.count))
  }
}
