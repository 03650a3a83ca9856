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
  static let longestDelay: UInt64 = 5_000_000_000
  /// A driver may use frames for a moment after its zero-copy socket was closed: the kernel ends that in the background.
  static let zeroCopyRest: UInt64 = 1_000_000_000

  init(step: Step) { self.step = step }

  /// Waiting for the worker.
  var isAsked: Bool {
    switch step {
    case .vacating, .replacing, .reclaiming(isAsked: true): true
    case .vacant, .reclaiming(isAsked: false): false
    }
  }

  mutating func backOff() {
    next = TimestampClock.monotonicNanoseconds + delay
    delay = min(delay * 2, Self.longestDelay)
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
    let isClosing = port.current.occupancy == .closing
    // While the mailbox is another queue's, this one waits.
    guard failure != 0 || isClosing, thread.control.isFree else { return nil }
    if isClosing {
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
      thread.keep(socket)
      thread.control.send(.replace(slot: place, .socket(socket), maximumLength: limit))
      repair.step = .replacing
    } catch {
      // A device that is still gone was reported as that.
      if error.code != ENODEV && error != repair.obstacle { note("\(error)") }
      repair.obstacle = error
      repair.backOff()
    }
  }

  /// A fresh, bound socket for a queue whose device is there (again), and the longest frame that the device takes now.
  private func reopen(
    _ thread: WorkerThread, _ queue: EnginePlan.Queue
  ) throws(XSKError) -> (socket: XSKSocket, maximumLength: Int) {
    let port = ports[queue.port]
    let device = try NetworkDevice(named: port.name)
    guard device.isUp else {
      throw XSKError(port.name, "is down", remedy: "bring it up: ip link set dev \(port.name) up")
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
    var configuration = plan.socket
    if port.isSpare { configuration.rings = self.configuration.spares.rings }
    configuration.bindPatience = 0
    configuration.multiBuffer = configuration.multiBuffer || EnginePlan.needsSeveralBuffers(plan.umem, [device])
    let socket = try XSKSocket(name: "\(port.name) queue \(queue.queue)", umem: umem, configuration)
    try socket.bind(ifindex: device.index, queue: queue.queue, copying: port.kind.program == .generic)
    enableBusyPoll(socket, port)
    port.bound(socket)
    if !port.current.isDrained { try port.redirect(queue.queue, to: socket) }
    return (socket, EnginePlan.largestFrame(device))
  }
}

extension Port {
  /// A program whose device is gone went with it.
  func detachIfGone() {
    let state = current
    if let now = try? LinkDescription.named(state.name), now.index == state.device.index { return }
    detach()
    update { $0.link = .gone }
  }
}
