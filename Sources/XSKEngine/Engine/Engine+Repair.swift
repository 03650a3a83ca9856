import Glibc

/// What is done about a queue that doesn't work: because it failed, or because its spare port is being filled or emptied.
struct Repair {
  enum Step: Hashable {
    /// The worker is asked to give its socket up.
    case vacating
    /// The socket is closed. Its frames are to go back to the worker; whether it has been asked to take them.
    case reclaiming(isAsked: Bool)
    /// It has no socket.
    case vacant
    /// The worker is asked to take a fresh socket.
    case replacing
  }

  var step: Step
  /// CLOCK_MONOTONIC nanoseconds of the next attempt, and how long to wait after that.
  var next: UInt64 = 0
  var delay = Self.firstDelay
  /// What stood in the way of the last attempt.
  var obstacle: XSKError?

  static let firstDelay: UInt64 = 100_000_000
  static let busyDelay: UInt64 = 2_000_000
  static let longestDelay: UInt64 = 5_000_000_000
  /// Of a queue that is busy: the kernel lets go of one in the background (two grace periods of RCU, then a work item that
  /// waits for the RTNL lock). That takes some 20 ms, and seconds on a machine with too much to do.
  static let longestBusyDelay: UInt64 = 1_000_000_000
  /// A driver may use frames for a moment after its zero-copy socket was closed: the kernel ends that in the background.
  static let zeroCopyRest: UInt64 = 1_000_000_000

  init(step: Step) { self.step = step }

  /// Something is to be done at once, or an answer is waited for that comes at once.
  var isUrgent: Bool {
    switch step {
    case .reclaiming(isAsked: false): TimestampClock.monotonicNanoseconds >= next
    // A queue that was just given up is free in a moment.
    case .vacant: next == 0 || delay < Self.firstDelay
    case .vacating, .replacing, .reclaiming(isAsked: true): true
    }
  }

  /// The kernel lets go of a queue some time after its socket was closed: that is looked at more often, at first.
  mutating func backOffFromBusyQueue() {
    if delay == Self.firstDelay { delay = Self.busyDelay }
    backOff()
  }

  mutating func backOff(atMost longest: UInt64 = Self.longestDelay) {
    delay = min(delay, longest)
    next = TimestampClock.monotonicNanoseconds + delay
    delay = min(delay * 2, longest)
  }
}

extension Engine {
  /// Looks after one queue: nothing while it works and is to; vacate, close, take its frames back, and open again once it
  /// has failed or its port gets a device.
  ///
  /// - Returns: how far that is; nil once the queue works.
  func attend(_ thread: WorkerThread, _ place: Int, _ queue: EnginePlan.Queue, _ repair: Repair?) -> Repair? {
    guard var repair else { return noticeEnd(thread, place, queue) }
    switch repair.step {
    case .vacating:
      let answer = thread.control.takeAnswer(slot: place)
      guard answer.isAnswered else { return repair }
      if let socket = answer.vacated { thread.giveUp(socket) }  // Closed when `answer` goes.
      let port = ports[queue.port]
      repair.step = .reclaiming(isAsked: false)
      repair.next =
        port.current.mode == .zerocopy ? TimestampClock.monotonicNanoseconds + Repair.zeroCopyRest : 0
      port.detachIfGone()
    case .reclaiming(isAsked: false):
      guard thread.control.isFree, isDue(repair) else { return repair }
      thread.control.send(.reclaim(slot: place))
      repair.step = .reclaiming(isAsked: true)
    case .reclaiming(isAsked: true):
      guard thread.control.takeAnswer(slot: place).isAnswered else { return repair }
      repair.step = .vacant
      repair.backOff()
    case .vacant:
      guard isWanted(queue), isDue(repair), thread.control.isFree else { return repair }
      open(thread, place, queue, &repair)
    case .replacing:
      guard thread.control.takeAnswer(slot: place).isAnswered else { return repair }
      let port = ports[queue.port]
      if !port.isSpare { note("\(port.name) queue \(queue.queue): back") }
      publishDescription()
      return nil
    }
    return repair
  }

  private func isDue(_ repair: Repair) -> Bool { TimestampClock.monotonicNanoseconds >= repair.next }

  /// Whether a queue without a socket is to get one.
  private func isWanted(_ queue: EnginePlan.Queue) -> Bool {
    switch ports[queue.port].current.occupancy {
    case .fixed: configuration.reopensPorts
    case .opening, .open: true
    case .empty, .closing: false
    }
  }

  /// A queue that has just failed, or whose device is to go: the worker is asked to give its socket up.
  private func noticeEnd(_ thread: WorkerThread, _ place: Int, _ queue: EnginePlan.Queue) -> Repair? {
    let port = ports[queue.port]
    let failure = CInt(truncatingIfNeeded: counters.queue(slot: queue.slot).get(.failure))
    let state = port.current
    let isClosing = state.occupancy == .closing
    let isDetached = state.detachedQueues.contains(queue.queue)
    // While the mailbox is another queue's, this one waits.
    guard failure != 0 || isClosing || isDetached, thread.control.isFree else { return nil }
    port.update { _ = $0.detachedQueues.remove(queue.queue) }
    if isDetached {
      note("\(port.name) queue \(queue.queue): lost (the container was detached from it)")
      thread.control.send(.retire(slot: place))
    } else if isClosing {
      thread.control.send(.retire(slot: place))
    } else {
      note("\(port.name) queue \(queue.queue): lost (\(errorName(failure)))")
      thread.control.send(.vacate(slot: place))
    }
    return Repair(step: .vacating)
  }

  private func open(_ thread: WorkerThread, _ place: Int, _ queue: EnginePlan.Queue, _ repair: inout Repair) {
    do throws(XSKError) {
      let (socket, limit) = try reopen(thread, queue)
      ports[queue.port].update { _ = $0.detachedQueues.remove(queue.queue) }
      thread.keep(socket)
      thread.control.send(.replace(slot: place, .socket(socket), maximumLength: limit))
      repair.step = .replacing
    } catch {
      // A device that is still gone was reported as that. A queue that is busy for a moment is no news.
      let isBusyAtFirst = error.code == EBUSY && ports[queue.port].isSpare && repair.delay <= Repair.firstDelay
      if error.code != ENODEV && error != repair.obstacle && !isBusyAtFirst { note("\(error)") }
      repair.obstacle = isBusyAtFirst ? nil : error
      if isBusyAtFirst {
        repair.backOffFromBusyQueue()
      } else {
        repair.backOff(atMost: error.code == EBUSY ? Repair.longestBusyDelay : Repair.longestDelay)
      }
    }
  }

  private func lookUp(_ port: Port) throws(XSKError) -> NetworkDevice {
    if let attachment = port.attachment, attachment.interface.isPhysical { return try lookUpPhysical(port, attachment) }
    // What lies behind the device matters to metadata only.
    return try NetworkDevice(named: port.deviceName, looksFar: !port.isSpare || configuration.metadata.isOn)
  }

  /// A fresh, bound socket for a queue whose device is there (again), and the longest frame that the device takes now.
  private func reopen(
    _ thread: WorkerThread, _ queue: EnginePlan.Queue
  ) throws(XSKError) -> (socket: XSKSocket, maximumLength: Int) {
    let port = ports[queue.port]
    let device = try lookUp(port)
    guard device.isUp else {
      throw XSKError(port.name, "is down", remedy: "bring it up: ip link set dev \(device.name) up")
    }
    guard !port.isSpare || device.queues.receive == port.queues.count else {
      throw XSKError(
        "\(port.name): \(device.queues.receive) RX queues", "its port takes packets of \(port.queues.count)",
        remedy: "make it with one RX queue for each worker")
    }
    if (port.current.program == nil && port.attachment == nil) || port.current.device.index != device.index {
      port.update { state in
        state.device = device
        // A fixed port's link is told by who watches it.
        if port.isSpare { state.link = device.isRunning ? .up : .down }
      }
      try port.attach(configuration.socket.mode)
      noteMode(port)
      notePromiscuity(port)
      updateEgress()
    }
    // Its own registration of the same memory: the socket that registered it first may be the one that was lost.
    let umem = thread.control.umem.withLock { $0 }
    if let attachment = port.attachment, let umem {
      // Which frames are free is the worker's to know: it fills the ring itself.
      let socket = try attach(queue, attachment, over: umem, 0..<0)
      attachment.refresh()
      enableBusyPoll(socket, port)
      port.bound(socket)
      if port.current.isDrained { attachment.remove(queue: queue.queue) }
      return (socket, EnginePlan.largestFrame(device))
    }
    let socket = try makeSocket(thread, queue, device, umem)
    try socket.bind(ifindex: device.index, queue: queue.queue, copying: port.kind.program == .generic)
    enableBusyPoll(socket, port)
    port.bound(socket)
    if !port.current.isDrained { try port.redirect(queue.queue, to: socket) }
    return (socket, EnginePlan.largestFrame(device))
  }
}

extension Engine {
  private func makeSocket(
    _ thread: WorkerThread, _ queue: EnginePlan.Queue, _ device: NetworkDevice, _ umem: UMEM?
  ) throws(XSKError) -> XSKSocket {
    let name = "\(ports[queue.port].name) queue \(queue.queue)"
    var wanted = queue.isSpare ? spareSocketConfiguration : plan.socket
    wanted.bindPatience = 0
    wanted.multiBuffer = wanted.multiBuffer || EnginePlan.needsSeveralBuffers(plan.umem, [device])
    if queue.isSpare, let socket = thread.spareSocket.withLock({ $0.take() }), socket.configuration == wanted {
      socket.rename(name)
      return socket
    }
    return try XSKSocket(name: name, umem: umem, wanted)
  }

  private var spareSocketConfiguration: SocketConfiguration {
    var wanted = plan.socket
    wanted.rings = configuration.spares.rings
    wanted.bindPatience = 0
    return wanted
  }

  /// Makes ahead what the next devices in spare ports need, one thing at a time: programs for the first empty ports, a socket
  /// for each worker.
  ///
  /// - Throws: a refusal. A device that comes is told of it if it meets it, too.
  func makeAhead() throws(XSKError) {
    let empty = ports.lazy.filter { $0.isSpare && $0.current.occupancy == .empty }
    for port in empty.prefix(Self.portsAhead) where port.current.loaded == nil && !configuration.metadata.isOn {
      try port.load()
      return
    }
    guard !empty.isEmpty else { return }
    for thread in threads where thread.spareSocket.withLock({ $0 == nil }) {
      guard let umem = thread.control.umem.withLock({ $0 }) else { continue }
      let socket = try XSKSocket(
        name: "spare socket of worker \(thread.plan.index)", umem: umem, spareSocketConfiguration)
      thread.spareSocket.withLock { $0 = socket }
      return
    }
  }

  /// Ports that a program is ready for.
  private static let portsAhead = 4
}

extension Port {
  /// A program whose device is gone went with it.
  func detachIfGone() {
    guard attachment?.interface.isPhysical != true, link == nil else { return }
    detach()
    update { $0.link = .gone }
  }
}
