/// A queue that another process has set up and bound, handed over as two file descriptors.
///
/// Its maker has registered the memory file as the socket's UMEM, given frames 0 ..< `framesWithKernel` to the fill ring
/// (the kernel wants it filled before bind), bound the socket, and put it into an XSKMAP. The process that adopts it needs
/// no privileges.
public struct AdoptedQueue: Sendable {
  /// The bound AF_XDP socket; owned by the worker from then on.
  public var socket: CInt
  /// The sealed memory file of the UMEM; stays the caller's.
  public var memoryFile: CInt
  /// `DEVICE queue N`, for errors.
  public var name: String
  public var umem: UMEMConfiguration
  public var rings: RingSizes
  /// Frames from number 0 on that the fill ring was given before bind.
  public var framesWithKernel: Int
  /// The longest frame that the device transmits, in bytes without FCS.
  public var maximumLength: Int

  public init(
    socket: CInt, memoryFile: CInt, name: String, umem: UMEMConfiguration, rings: RingSizes, framesWithKernel: Int,
    maximumLength: Int
  ) {
    self.socket = socket
    self.memoryFile = memoryFile
    self.name = name
    self.umem = umem
    self.rings = rings
    self.framesWithKernel = framesWithKernel
    self.maximumLength = maximumLength
  }
}

extension WorkerParts {
  /// Parts on one adopted queue, as port 0.
  ///
  /// - Parameter counters: a page with one worker and one slot.
  /// - Throws: if the geometry does not fit the descriptors, or the kernel is too old to map a bound socket's rings (5.19).
  public init(
    adopting queue: AdoptedQueue, counters: CounterPage, configuration: WorkerConfiguration = WorkerConfiguration(),
    control: WorkerControl = WorkerControl()
  ) throws(XSKError) {
    guard (0...min(queue.umem.frames, Int(queue.rings.fill))).contains(queue.framesWithKernel) else {
      throw XSKError(
        "\(queue.name): \(queue.framesWithKernel) frames with the kernel", "more than its fill ring or its UMEM has",
        remedy: "ask its maker for the right geometry")
    }
    let umem = try UMEM(adopting: queue.memoryFile, queue.umem)
    let socket = try XSKSocket(adopting: queue.socket, name: queue.name, rings: queue.rings)
    let queues = try FixedArray<XSKQueue>(count: 1) { slot throws(XSKError) in
      XSKQueue(
        rings: QueueRings(socket.rings), doorbell: .kernel(socket.descriptor), counters: counters.queue(slot: slot),
        port: 0, queue: 0, maximumLength: queue.maximumLength,
        fillLevel: configuration.fillLevel)
    }
    try self.init(
      queues: queues, workerCounters: counters.worker(index: 0), configuration: configuration,
      resources: WorkerResources(
        control: control, umem: umem, counterPage: counters, sockets: [socket], devices: []))
    core.stockPool(from: queue.framesWithKernel)
    core.noteFramesWithKernel(queue.framesWithKernel)
  }
}

extension WorkerCore {
  /// Frames 0 ..< `count` are with queue 0's receive side already.
  mutating func noteFramesWithKernel(_ count: Int) {
    for index in 0..<count { owners.table.give(index, to: FrameOwners.receive(0)) }
    queues[0].receiveFrames = count
  }
}
