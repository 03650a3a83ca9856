import Glibc

extension Engine {
  /// Attaches, builds the workers, and lets packets in; throws at the first refusal.
  func launch(_ run: @escaping Run) throws(XSKError) {
    for port in ports where !port.isSpare {
      try port.attach(configuration.socket.mode)
      noteMode(port)
      notePromiscuity(port)
      try requireAllQueues(port)
    }
    updateEgress(isStart: true)
    if plan.socket.rings.receive < configuration.socket.rings.receive {
      note(
        "rings of \(plan.socket.rings.receive) and \(plan.socket.rings.transmit) entries, as the attachments' quota allows"
      )
    }
    let names = ports.map(\.name) + (configuration.localPort.map { [$0] } ?? [])
    for thread in threads {
      let placement = Placement(
        worker: thread.plan.index, cpu: thread.plan.cpu, ports: names, workerCount: threads.count,
        slotCount: thread.plan.slotCount,
        offload: policy?.requests.isEmpty == false ? policy?.requests[thread.plan.index] : nil)
      try thread.start(
        make: { [self] thread throws(XSKError) in try makeParts(thread) },
        run: { parts, ready throws(XSKError) in try run(parts, placement, ready) })
    }
    for thread in threads {
      let sockets = try thread.waitUntilRunning()
      for (queue, socket) in zip(thread.plan.queues, sockets) {
        ports[queue.port].bound(socket)
        try ports[queue.port].redirect(queue.queue, to: socket)
      }
    }
    publishDescription()
    counters.state = .running
    try supervise()
    try serveOffload()
  }

  /// Says what is not as it could be, of a program that has just been attached.
  func noteMode(_ port: Port) {
    guard let program = port.current.program else { return }
    if program.isShared {
      note("\(port.name): sharing the device with its other XDP program through libxdp's dispatcher")
    }
    if program.mode == .generic && configuration.socket.mode == .auto {
      let reason = program.nativeRefusal.map { " (\($0.problem))" } ?? ""
      note(
        "\(port.name): native XDP was refused\(reason), using generic mode (slower); see: xskfwd doctor \(port.name)")
    }
    if let refusal = program.hintsRefusal {
      note("\(port.name): metadata is made without its driver: \(refusal.problem)")
    }
    let missing = configuration.metadata.missingNames(hints: program.hints, of: port.current.device)
    if !missing.isEmpty {
      note("\(port.name): metadata without \(missing.joined(separator: " and ")), which its driver does not tell here")
    }
  }

  /// Puts a device into promiscuous mode if that is wanted; a refusal is a note, since not every device needs it.
  func notePromiscuity(_ port: Port) {
    guard port.attachment == nil else { return }
    do throws(XSKError) {
      try port.followPromiscuity()
    } catch {
      // A device that is gone gets it when it is back.
      if error.code != ENODEV { note("\(error)") }
    }
  }

  /// Packets of queues that the driver added with the program would go past an engine that is to have all. They can't be taken
  /// either: the driver forgets a zero-copy socket on one when the program goes first (see `receiveQueuesUnderXDP`).
  private func requireAllQueues(_ port: Port) throws(XSKError) {
    guard configuration.ports[port.index].queues == nil, port.attachment == nil else { return }
    let device = try NetworkDevice(named: port.name, looksFar: false)
    guard device.queues.receive > port.queues.count else { return }
    throw device.addedQueues(device.queues.receive, from: port.queues.count)
  }

  /// On the worker's thread: its UMEM, its sockets bound and their fill rings filled.
  private func makeParts(_ thread: WorkerThread) throws(XSKError) -> WorkerPartsBox {
    let umem = try UMEM(plan.umem)
    if let line = umem.note { note(line) }
    thread.control.umem.withLock { $0 = umem }
    var sockets: [XSKSocket] = []
    // Who shares a UMEM's registration gets its first socket's mode. Devices of another kind register the same memory for
    // themselves, so that one without zero-copy does not stand in another's way.
    var owners: [Port.Kind: Int] = [:]
    let open = thread.plan.queues.filter { !$0.isSpare }
    let given = plan.framesWithKernel(thread.plan, ports.map(\.attachment), fillLevel: configuration.worker.fillLevel)
    for (place, queue) in open.enumerated() {
      if let attachment = ports[queue.port].attachment {
        sockets.append(try attach(queue, attachment, over: umem, given[place] ?? 0..<0))
        continue
      }
      let name = "\(ports[queue.port].name) queue \(queue.queue)"
      let isFirst = owners[ports[queue.port].kind] == nil
      if isFirst { owners[ports[queue.port].kind] = place }
      sockets.append(try XSKSocket(name: name, umem: isFirst ? umem : nil, plan.socket))
    }
    let made = sockets
    let empty = try EmptyQueue()
    let local = try thread.plan.localSlot.map { slot throws(XSKError) in
      try LocalQueue(port: ports.count, slot: slot, queue: thread.plan.index)
    }
    let queues = try FixedArray<XSKQueue>(count: thread.plan.slotCount) { place throws(XSKError) in
      if place == thread.plan.queues.count, let local { return local.queue(counters) }
      let queue = thread.plan.queues[place]
      guard place >= made.count else { return makeQueue(queue, made[place]) }
      return empty.queue(
        counters.queue(slot: queue.slot), port: queue.port, queue: queue.queue,
        fillLevel: configuration.spares.fillLevel)
    }
    var worker = configuration.worker
    worker.holdCapacity = plan.holdCapacity
    var parts = try WorkerParts(
      queues: queues, workerCounters: counters.worker(index: thread.plan.index), configuration: worker,
      resources: WorkerResources(
        control: thread.control, umem: umem, counterPage: counters,
        sockets: sockets + thread.plan.queues.dropFirst(open.count).map { _ in nil }, devices: [], empty: empty,
        local: local))
    parts.core.stockPool(from: given.values.map(\.upperBound).max() ?? 0)
    for place in sockets.indices {
      let queue = thread.plan.queues[place]
      let port = ports[queue.port]
      if let given = given[place] {
        parts.core.noteFramesWithKernel(given, slot: place)
        enableBusyPoll(sockets[place], port)
        continue
      }
      parts.core.refill(place)
      let owner = owners[port.kind] ?? place
      try sockets[place].bind(
        ifindex: port.current.device.index, queue: queue.queue, sharing: owner == place ? nil : sockets[owner],
        copying: port.kind.program == .generic)
      enableBusyPoll(sockets[place], port)
    }
    for socket in sockets { thread.keep(socket) }
    return WorkerPartsBox(parts)
  }

  private func makeQueue(_ queue: EnginePlan.Queue, _ socket: XSKSocket) -> XSKQueue {
    XSKQueue(
      rings: QueueRings(socket.rings), doorbell: .kernel(socket.descriptor),
      counters: counters.queue(slot: queue.slot), port: UInt8(queue.port), queue: queue.queue,
      maximumLength: EnginePlan.largestFrame(ports[queue.port].current.device),
      fillLevel: configuration.worker.fillLevel)
  }

  /// A socket of an attachment, over this worker's memory.
  func attach(
    _ queue: EnginePlan.Queue, _ attachment: Attachment, over umem: UMEM, _ frames: Range<Int>
  ) throws(XSKError) -> XSKSocket {
    try attachment.queue(
      HandoverRequest(
        queue: queue.queue, rings: plan.socket.rings, framesWithKernel: frames, multiBuffer: plan.socket.multiBuffer),
      over: umem
    ).socket
  }

  func enableBusyPoll(_ socket: XSKSocket, _ port: Port) {
    let worker = configuration.worker
    guard worker.idle == .busyPoll else { return }
    let code = socket.enableBusyPoll(
      microseconds: CInt(worker.busyPollMicroseconds), budget: CInt(worker.busyPollBudget))
    if code == EPERM, let attachment = port.attachment {
      do throws(XSKError) {
        try attachment.busyPoll(socket, microseconds: worker.busyPollMicroseconds, budget: worker.busyPollBudget)
      } catch {
        note("\(socket.name): busy polling refused (\(error.problem)), polling without it")
      }
    } else if code != 0 {
      note("\(socket.name): busy polling refused (\(errorName(code))), polling without it")
    }
  }

  /// Ends the engine: no more packets are taken, what was taken is carried out, the programs are detached, the sockets
  /// closed.
  ///
  /// - Returns: the final counters.
  @discardableResult public func stop() -> CounterSnapshot? {
    supervisor.stop()
    offloader.stop()
    verdicts?.removeAll()
    for port in ports { port.stopRedirecting() }
    for thread in threads { thread.control.requestStop() }
    for thread in threads { thread.waitUntilDrained() }
    // A snapshot fails only if the page was damaged by another process; then there is none to return.
    var final = try? counters.snapshot()
    close()
    // Programs that were running when they were detached have counted what they did.
    _ = policy?.tables.waitForPrograms()
    final?.kernel = kernelCounters
    return final
  }

  /// A start that failed: whatever was set up is taken down again.
  func abandon() {
    supervisor.stop()
    offloader.stop()
    for port in ports { port.stopRedirecting() }
    for thread in threads { thread.control.requestStop() }
    close()
  }

  private func close() {
    for port in ports { port.detach() }
    for thread in threads { thread.finish() }
    for settings in napi { settings.restore() }
    counters.close()
  }

  /// Rewrites what the counter page says about ports.
  func publishDescription() {
    do throws(XSKError) {
      try describe()
    } catch {
      note("\(error)")
    }
  }

  private func describe() throws(XSKError) {
    let reasons = reasonNames.withLock { $0 }
    try counters.describe { [configuration, plan, ports] in
      $0 = Self.description(configuration, plan, ports, reasons)
    }
  }

  /// Names further drop reasons, as `EngineConfiguration.reasonNames`; what has a name keeps it.
  ///
  /// - Throws: more names than the counter page has room for; then none is added.
  public func add(reasonNames names: [DropReason: String]) throws(XSKError) {
    let before = reasonNames.withLock { old in
      defer { old.merge(names) { first, _ in first } }
      return old
    }
    do throws(XSKError) {
      try describe()
    } catch {
      reasonNames.withLock { $0 = before }
      throw error
    }
  }
}
