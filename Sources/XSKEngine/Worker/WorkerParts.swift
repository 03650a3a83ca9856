/// Everything of a worker but its handler: the non-generic half, made by the engine or by `WorkerParts(simulated:…)`.
public struct WorkerParts: ~Copyable {
  @usableFromInline var core: WorkerCore
  var idle: IdleState
  // What the queues live off: kept, never touched on the packet path.
  var resources: WorkerResources
  let drainNanoseconds: UInt64
  var drainDeadline: UInt64 = 0

  /// Parts on simulated devices, each a port of its own with one queue.
  ///
  /// - Parameters:
  ///   - devices: ports 0, 1, … in this order.
  ///   - spares: empty ports behind the devices, one queue each.
  ///   - hasLocalPort: one more port behind the devices, for packets of the handler's own.
  ///   - counters: a page with worker 0 and a slot for each port.
  public init(
    simulated devices: [SimulatedDevice], spares: Int = 0, hasLocalPort: Bool = false, umem: UMEM,
    counters: CounterPage,
    configuration: WorkerConfiguration = WorkerConfiguration(), control: WorkerControl = WorkerControl()
  ) throws(XSKError) {
    let ports = devices.count + spares
    let local = hasLocalPort ? try LocalQueue(port: ports, slot: ports, queue: 0) : nil
    let empty = try EmptyQueue()
    let queues = try FixedArray<XSKQueue>(count: ports + (hasLocalPort ? 1 : 0)) { slot throws(XSKError) in
      if slot == ports, let local { return local.queue(counters) }
      guard slot < devices.count else {
        return empty.queue(counters.queue(slot: slot), port: slot, queue: 0, fillLevel: configuration.fillLevel)
      }
      return XSKQueue(
        rings: QueueRings(devices[slot].memory), doorbell: .simulated(devices[slot].doorbell),
        counters: counters.queue(slot: slot), port: UInt8(slot), queue: 0, maximumLength: .max,
        fillLevel: configuration.fillLevel)
    }
    try self.init(
      queues: queues, workerCounters: counters.worker(index: 0), configuration: configuration,
      resources: WorkerResources(
        control: control, umem: umem, counterPage: counters, sockets: Array(repeating: nil, count: ports),
        devices: devices, empty: empty, local: local))
    core.stockPool()
  }

  init(
    queues: consuming FixedArray<XSKQueue>, workerCounters: WorkerCounters, configuration: WorkerConfiguration,
    resources: WorkerResources
  ) throws(XSKError) {
    try configuration.validate()
    let count = queues.count
    core = WorkerCore(
      configuration: configuration, layout: resources.umem.layout, queues: queues, counters: workerCounters)
    idle = IdleState(configuration, queues: count, bell: resources.control.bell)
    self.resources = resources
    drainNanoseconds = UInt64(configuration.drainMilliseconds) * 1_000_000
  }

  /// What wakes the worker besides its queues and its bell; −1: nothing.
  @usableFromInline mutating func watch(_ descriptor: CInt) { idle.watch(descriptor) }

  /// A turn took `packets` packets: none, and the worker rests as its policy says.
  @usableFromInline mutating func rest(after packets: Int) {
    if packets == 0 { idle.rest(&core) } else { idle.reset() }
  }

  @usableFromInline func checkHoldLimit(_ limit: Int) throws(XSKError) {
    let capacity = core.burst.held.capacity
    guard limit > capacity else { return }
    throw XSKError(
      "the handler", "holds up to \(limit) packets, and its worker is configured for \(capacity)",
      remedy: "set EngineConfiguration.heldPerQueue to what it holds for each queue")
  }

  @usableFromInline mutating func isHousekeepingDue() -> Bool { idle.isHousekeepingDue(core.now) }

  @usableFromInline var isStopRequested: Bool { resources.control.isStopRequested }

  /// From here on no frame is given to the kernel for receiving.
  @usableFromInline mutating func beginDrain() {
    drainDeadline = TimestampClock.monotonicNanoseconds + drainNanoseconds
    core.burst.isDraining = true
  }

  /// The handler has seen its last burst: what it still holds is dropped.
  @usableFromInline mutating func finishDrain() {
    core.burst.held.releaseAll(.drop(.shutdown))
    finishHousekeeping()
  }

  /// Everything is back, or the time for it is over.
  @usableFromInline var isDrained: Bool {
    core.isDrained || TimestampClock.monotonicNanoseconds >= drainDeadline
  }

  /// Frames that are now in the pool. The rest of the ledger is in the counters.
  public var pooledFrames: Int { core.burst.pool.count }
}

extension CounterPage {
  /// A page in memory for one worker on simulated devices.
  ///
  /// - Parameters:
  ///   - spares: empty ports behind the devices.
  ///   - localPort: the name of the port for packets of the handler's own, if it has one.
  public convenience init(
    simulated devices: [SimulatedDevice], spares: Int = 0, localPort: String? = nil,
    reasonNames: [DropReason: String] = [:],
    tool: String = "swift-xsk", version: String = "",
    command: String = ""
  ) throws(XSKError) {
    try self.init(
      inMemory: CounterDescription(
        tool: tool, version: version, command: command,
        ports: devices.map {
          CounterDescription.Port(
            name: $0.name, device: $0.name, ifindex: 0, mode: "simulated", queues: [0], link: "up")
        } + (0..<spares).map { CounterDescription.Port(spare: $0, queues: [0]) }
          + (localPort.map { [CounterDescription.Port(local: $0, workers: 1)] } ?? []),
        slots: (0..<devices.count + spares + (localPort == nil ? 0 : 1)).map {
          CounterDescription.Slot(worker: 0, cpu: -1, port: $0, queue: 0)
        }, counters: .current.adding(reasonNames)),
      workers: 1)
  }
}
