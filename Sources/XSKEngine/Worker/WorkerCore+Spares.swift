extension WorkerCore {
  /// For each ingress queue the queue to leave each port by.
  mutating func routeAll() {
    var ports: Set<Int> = []
    for slot in 0..<queues.count { ports.insert(Int(queues[slot].port)) }
    for port in ports { route(port) }
  }

  /// For each ingress queue the queue to leave a port by: the one of the same number, else they are dealt in turn. An empty
  /// spare port has none.
  mutating func route(_ port: Int) {
    var candidates: [Int] = []
    for slot in 0..<queues.count where Int(queues[slot].port) == port && !queues[slot].isLocal {
      if !queues[slot].isSpare || !queues[slot].isVacant { candidates.append(slot) }
    }
    for ingress in 0..<queues.count {
      let number = queues[ingress].queue
      let same = candidates.first { queues[$0].queue == number }
      let slot = candidates.isEmpty ? -1 : same ?? candidates[number % candidates.count]
      egress[ingress * 256 + port] = Int16(slot)
    }
  }

  /// Nothing leaves by a queue any more: its port is about to be emptied.
  mutating func closeEgress(_ slot: Int) {
    for place in 0..<egress.count where egress[place] == Int16(slot) { egress[place] = -1 }
  }

  /// Between turns only. An empty spare port's queue is looked at as long as the handler holds packets of it.
  mutating func findUsed() {
    usedCount = 0
    for slot in 0..<queues.count {
      guard !queues[slot].isSpare || !queues[slot].isVacant || burst.held.count(slot: slot) > 0 else { continue }
      used[usedCount] = Int16(slot)
      usedCount += 1
    }
  }

  /// Whether a queue whose device's packets are no longer redirected has nothing under way any more.
  func isQuiet(_ slot: Int) -> Bool {
    !queues[slot].isUp
      || queues[slot].transmitFrames == 0 && queues[slot].receive.pending == 0 && burst.held.count(slot: slot) == 0
  }

  /// Every frame that a vacant queue's socket had is the worker's again. The socket must be closed, or its device gone, so
  /// that the kernel can't touch them.
  mutating func reclaim(_ slot: Int) {
    for owner in [FrameOwners.receive(slot), FrameOwners.transmit(slot)] {
      for index in owners.reclaim(from: owner) { burst.pool.push(layout.address(ofFrame: index)) }
    }
    (queues[slot].receiveFrames, queues[slot].transmitFrames) = (0, 0)
  }

  /// A vacant queue of a spare port is as it was before it had a device.
  mutating func empty(_ slot: Int) {
    queues[slot].failure = 0
    queues[slot].counters.set(.failure, 0)
    route(Int(queues[slot].port))
  }

  /// Puts a fresh socket in a vacant queue's place.
  mutating func replace(_ slot: Int, with backing: XSKQueue.Backing, maximumLength: Int) {
    reclaim(slot)
    let old = (
      port: queues[slot].port, queue: queues[slot].queue, counters: queues[slot].counters,
      fillLevel: queues[slot].fillLevel, isSpare: queues[slot].isSpare
    )
    queues[slot] = XSKQueue(
      rings: backing.rings, doorbell: backing.doorbell, counters: old.counters, port: old.port, queue: old.queue,
      maximumLength: maximumLength, fillLevel: old.fillLevel, isSpare: old.isSpare)
    old.counters.set(.failure, 0)
    refill(slot)
  }
}
