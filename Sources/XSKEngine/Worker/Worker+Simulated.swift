extension Worker {
  /// A worker on simulated devices, each a port of its own with one queue.
  ///
  /// - Parameters:
  ///   - devices: ports 0, 1, … in this order.
  ///   - counters: `devices.count` queue blocks from slot 0, and worker block 0.
  public init(
    simulated devices: [SimulatedDevice], umem: UMEM, handler: consuming Handler, counters: CounterPage,
    configuration: WorkerConfiguration = WorkerConfiguration(), control: WorkerControl = WorkerControl()
  ) throws(XSKError) {
    try configuration.validate()
    let queues = try FixedArray<XSKQueue>(count: devices.count) { slot throws(XSKError) in
      XSKQueue(
        rings: QueueRings(devices[slot].memory), doorbell: .simulated(devices[slot].doorbell),
        counters: counters.queue(slot: slot), port: UInt8(slot), queue: 0, maximumLength: .max)
    }
    core = WorkerCore(
      configuration: configuration, layout: umem.layout, queues: queues, counters: counters.worker(index: 0))
    core.stockPool()
    self.handler = handler
    idle = IdleState(configuration, queues: devices.count, bell: control.bell)
    resources = WorkerResources(
      control: control, umem: umem, counterPage: counters, sockets: devices.map { _ in nil }, devices: devices)
    drainNanoseconds = UInt64(configuration.drainMilliseconds) * 1_000_000
  }

  /// Frames that are now in the pool. For tests: the rest is in the counters.
  public var pooledFrames: Int { core.pool.count }
}
