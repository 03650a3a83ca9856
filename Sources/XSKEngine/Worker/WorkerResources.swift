/// What a worker's queues live off: sockets or simulated devices, the UMEM, the counter page.
struct WorkerResources {
  let control: WorkerControl
  let umem: UMEM
  /// Keeps the counters' memory.
  let counterPage: CounterPage
  /// One a slot; nil where the queue is simulated, or given up.
  var sockets: [XSKSocket?]
  let devices: [SimulatedDevice]
  /// What empty queues are made of; nil: there are none.
  var empty: EmptyQueue?
  /// The queue for packets of the handler's own, if there is one.
  var local: LocalQueue?
  /// The queue that is being emptied, and the CLOCK_MONOTONIC time after which that is done whatever is under way.
  var retiring: (slot: Int, deadline: UInt64)?
  /// Keeps the memory that the burst records into.
  var capture: CaptureRing?
  /// CLOCK_MONOTONIC of the next look at the kernel's statistics.
  var nextStatistics: UInt64 = 0

  /// Nanoseconds between two looks at XDP_STATISTICS and the sockets' errors: two system calls a queue.
  static let statisticsInterval: UInt64 = 100_000_000
}

extension WorkerParts {
  /// The bell is silenced before anybody looks for what it was rung for: what rings from now on is looked for next time.
  @usableFromInline mutating func beginHousekeeping() { resources.control.silence() }

  /// The worker's own part of housekeeping.
  @usableFromInline mutating func finishHousekeeping() {
    core.dispatchReleased()
    if core.burst.isCapturing { core.finishCapture() }
    let now = TimestampClock.monotonicNanoseconds
    if now >= resources.nextStatistics || core.burst.isDraining {
      resources.nextStatistics = now + WorkerResources.statisticsInterval
      for slot in 0..<core.queueCount { readKernelState(slot) }
    }
    core.writeGauges()
    if let mail = resources.control.takeMail() { obey(mail) }
    if let retiring = resources.retiring, core.isQuiet(retiring.slot) || now >= retiring.deadline {
      resources.retiring = nil
      vacate(retiring.slot)
    }
    if let lengths = resources.control.takeMaximumLengths() {
      for (slot, length) in lengths { core.queues[slot].maximumLength = length }
    }
    if let wish = resources.control.newCaptureWish() { obey(wish) }
  }

  /// Begins or ends recording. Whoever made the wish keeps the old ring until then, so that the worker frees none.
  private mutating func obey(_ wish: CaptureWish) {
    core.burst.capture.arm(wish.ring)
    core.burst.isCapturing = wish.ring != nil
    resources.capture = wish.ring
    resources.control.obeyed(wish)
  }

  /// Copies the kernel's statistics to the counters, and notices a socket whose device was unregistered.
  private mutating func readKernelState(_ slot: Int) {
    guard slot < resources.sockets.count, let socket = resources.sockets[slot], core.queues[slot].isUp else { return }
    let error = socket.takeError()
    if error != 0 { core.fail(slot, error) }
    let counters = core.queues[slot].counters
    let statistics = socket.statistics
    counters.set(.kernelRXDropped, statistics.rxDropped)
    counters.set(.kernelRXInvalidDescriptors, statistics.rxInvalidDescriptors)
    counters.set(.kernelTXInvalidDescriptors, statistics.txInvalidDescriptors)
    counters.set(.kernelRXRingFull, statistics.rxRingFull)
    counters.set(.kernelFillRingEmpty, statistics.fillRingEmpty)
    counters.set(.kernelTXRingEmpty, statistics.txRingEmpty)
  }

  /// Gives up a slot's socket for the control plane to close, or puts a fresh one in its place.
  private mutating func obey(_ mail: QueueMail) {
    switch mail {
    case .vacate(let slot): vacate(slot)
    case .retire(let slot):
      core.closeEgress(slot)
      resources.retiring = (slot, TimestampClock.monotonicNanoseconds + drainNanoseconds)
    case .reclaim(let slot):
      core.reclaim(slot)
      if core.queues[slot].isSpare { core.empty(slot) }
      core.writeGauges()
      core.findUsed()
      resources.control.answer(vacated: nil)
    case .replace(let slot, let backing, let maximumLength):
      if case .socket(let socket) = backing { resources.sockets[slot] = socket }
      core.replace(slot, with: backing, maximumLength: maximumLength)
      core.route(Int(core.queues[slot].port))
      core.findUsed()
      resources.control.answer(vacated: nil)
    }
  }

  private mutating func vacate(_ slot: Int) {
    core.queues[slot].isVacant = true
    let socket = resources.sockets[slot]
    resources.sockets[slot] = nil
    resources.control.answer(vacated: socket)
  }
}
