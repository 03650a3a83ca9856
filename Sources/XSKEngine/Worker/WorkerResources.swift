/// What a worker's queues live off: sockets or simulated devices, the UMEM, the counter page. Kept, never touched on the
/// packet path.
@usableFromInline struct WorkerResources {
  @usableFromInline let control: WorkerControl
  let umem: UMEM
  /// Keeps the counters' memory.
  let counterPage: CounterPage
  /// One a slot; nil where the queue is simulated.
  var sockets: [XSKSocket?]
  let devices: [SimulatedDevice]
  /// CLOCK_MONOTONIC of the next look at the kernel's statistics.
  var nextStatistics: UInt64 = 0

  /// Between two looks at XDP_STATISTICS and the sockets' errors: two system calls a queue.
  static let statisticsInterval: UInt64 = 100_000_000
}

extension WorkerCore {
  /// The worker's own part of housekeeping.
  @usableFromInline mutating func finishHousekeeping(_ resources: inout WorkerResources) {
    dispatchReleased()
    writeGauges()
    let now = TimestampClock.monotonicNanoseconds
    if now >= resources.nextStatistics || isDraining {
      resources.nextStatistics = now + WorkerResources.statisticsInterval
      for slot in 0..<queues.count { readKernelState(slot, resources.sockets[slot]) }
    }
    resources.control.silence()
    if let replacement = resources.control.replacement.withLock({ take(&$0) }) {
      resources.sockets[replacement.slot] = replacement.socket
      replace(replacement.slot, with: replacement.socket)
    }
  }

  private func take(_ replacement: inout QueueReplacement?) -> QueueReplacement? {
    defer { replacement = nil }
    return replacement
  }

  /// Copies the kernel's statistics to the counters, and notices a socket whose device was unregistered.
  private mutating func readKernelState(_ slot: Int, _ socket: XSKSocket?) {
    guard let socket, queues[slot].isUp else { return }
    let error = socket.takeError()
    if error != 0 { fail(slot, error) }
    let counters = queues[slot].counters
    let statistics = socket.statistics
    counters.set(.kernelRXDropped, statistics.rxDropped)
    counters.set(.kernelRXInvalidDescriptors, statistics.rxInvalidDescriptors)
    counters.set(.kernelTXInvalidDescriptors, statistics.txInvalidDescriptors)
    counters.set(.kernelRXRingFull, statistics.rxRingFull)
    counters.set(.kernelFillRingEmpty, statistics.fillRingEmpty)
    counters.set(.kernelTXRingEmpty, statistics.txRingEmpty)
  }

  /// From here on no frame is given to the kernel for receiving.
  @usableFromInline mutating func beginDrain() {
    isDraining = true
    burst.held.releaseAll(.drop(.shutdown))
    dispatchReleased()
  }

  /// Everything is back, or the time for it is over.
  @usableFromInline func isFinished(deadline: UInt64) -> Bool {
    isDrained || TimestampClock.monotonicNanoseconds >= deadline
  }
}
