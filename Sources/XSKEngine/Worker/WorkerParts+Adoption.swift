/// A queue that another process has set up and bound, and handed over.
///
/// Its maker has registered the memory as the socket's UMEM, given frames `framesWithKernel` to the fill ring (the kernel wants
/// it filled before bind), bound the socket, and put it into an XSKMAP. The process that adopts it needs no privileges.
public struct AdoptedQueue: Sendable {
  /// The bound AF_XDP socket, its rings mapped; its name, `DEVICE queue N`, is for errors.
  public let socket: XSKSocket
  public let umem: UMEM
  /// Frames that the fill ring was given before bind.
  public let framesWithKernel: Range<Int>
  /// The longest frame that the device transmits, in bytes without FCS.
  public let maximumLength: Int
  /// Where it was handed over; nil: not by xskd. Who has no engine should look from time to time whether it `isOver`.
  public let attachment: Attachment?

  /// - Parameters:
  ///   - socket: made with `XSKSocket(adopting:name:rings:)`.
  ///   - umem: the same memory as its maker registered: `UMEM(adopting:_:)`, or what was lent to the maker.
  ///   - attachment: where it was handed over.
  public init(
    socket: XSKSocket, umem: UMEM, framesWithKernel: Range<Int>, maximumLength: Int, attachment: Attachment? = nil
  ) {
    self.socket = socket
    self.umem = umem
    self.framesWithKernel = framesWithKernel
    self.maximumLength = maximumLength
    self.attachment = attachment
  }
}

extension WorkerParts {
  /// Parts on one adopted queue, as port 0.
  ///
  /// - Parameter counters: a page with one worker and one slot.
  /// - Throws: if the kernel has been given more frames than there are.
  public init(
    adopting queue: AdoptedQueue, counters: CounterPage, configuration: WorkerConfiguration = WorkerConfiguration(),
    control: WorkerControl = WorkerControl()
  ) throws(XSKError) {
    let given = queue.framesWithKernel
    guard given.lowerBound == 0,
      given.count <= min(queue.umem.configuration.frames, Int(queue.socket.configuration.rings.fill))
    else {
      throw XSKError(
        "\(queue.socket.name): frames \(given.lowerBound)..<\(given.upperBound) with the kernel",
        "not the first ones, or more than its fill ring or its UMEM has", remedy: "ask its maker for the right geometry"
      )
    }
    let queues = try FixedArray<XSKQueue>(count: 1) { slot throws(XSKError) in
      XSKQueue(
        rings: QueueRings(queue.socket.rings), doorbell: .kernel(queue.socket.descriptor),
        counters: counters.queue(slot: slot), port: 0, queue: 0, maximumLength: queue.maximumLength,
        fillLevel: configuration.fillLevel)
    }
    try self.init(
      queues: queues, workerCounters: counters.worker(index: 0), configuration: configuration,
      resources: WorkerResources(
        control: control, umem: queue.umem, counterPage: counters, sockets: [queue.socket], devices: []))
    core.stockPool(from: given.upperBound)
    core.noteFramesWithKernel(given, slot: 0)
  }
}

extension WorkerCore {
  /// These frames are with a queue's receive side already.
  mutating func noteFramesWithKernel(_ frames: Range<Int>, slot: Int) {
    for index in frames { owners.table.give(index, to: FrameOwners.receive(slot)) }
    queues[slot].receiveFrames += frames.count
  }
}
