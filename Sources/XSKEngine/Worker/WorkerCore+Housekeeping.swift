extension WorkerCore {
  /// Writes the gauges and checks both invariants. Between bursts only.
  mutating func writeGauges() {
    var total = burst.pool.count + burst.held.frameCount
    for place in 0..<usedCount { total += writeGauges(of: usedSlot(place)) }
    counters.set(.units, burst.unitTotal)
    counters.set(.unitPackets, burst.unitPacketTotal)
    counters.set(.framesInPool, UInt64(burst.pool.count))
    counters.set(.framesHeld, UInt64(burst.held.frameCount))
    counters.set(.heartbeat, TimestampClock.monotonicNanoseconds)
    if total != layout.frameCount { counters.add(.ledgerViolations, 1) }
  }

  /// Writes a queue's gauges, and checks that its packets are all accounted for.
  ///
  /// - Returns: frames that its two sides have.
  @discardableResult mutating func writeGauges(of slot: Int) -> Int {
    let counters = queues[slot].counters
    // The completion ring is read before the TX ring: a frame that moves between the two readings is then in neither, and
    // counted inside the kernel, instead of twice.
    let isThere = !queues[slot].isVacant
    let fill = isThere ? Int(queues[slot].fill.pending) : 0
    let completion = isThere ? Int(queues[slot].completion.pending) : 0
    let transmit = isThere ? Int(queues[slot].transmit.pending) : 0
    let all = queues[slot].receiveFrames + queues[slot].transmitFrames
    counters.set(.fillFrames, UInt64(fill))
    counters.set(.completionFrames, UInt64(completion))
    counters.set(.txFrames, UInt64(transmit))
    counters.set(.kernelFrames, UInt64(bitPattern: Int64(all - fill - completion - transmit)))
    checkPackets(slot)
    return all
  }

  /// Adding up all drop reasons takes time: a queue on which nothing happened since the last time adds up as it did.
  private mutating func checkPackets(_ slot: Int) {
    let counters = queues[slot].counters
    let held = UInt64(burst.held.count(slot: slot))
    counters.set(.heldPackets, held)
    let seen = counters.get(.receivedPackets) &+ counters.get(.forwardedPackets) &+ held
    guard seen != queues[slot].checked else { return }
    queues[slot].checked = seen
    if !isConserved(slot) { self.counters.add(.ledgerViolations, 1) }
  }

  /// received = forwarded + delivered + held + Σ dropped, on one queue.
  func isConserved(_ slot: Int) -> Bool {
    let counters = queues[slot].counters
    let explained = counters.get(.forwardedPackets) &+ counters.get(.deliveredPackets) &+ counters.get(.heldPackets)
    return explained &+ counters.droppedTotal == counters.get(.receivedPackets)
  }

  /// Nothing is under way: no packet to take, nothing to transmit, nothing to complete.
  var isDrained: Bool {
    for place in 0..<usedCount {
      let slot = usedSlot(place)
      guard queues[slot].isUp else { continue }
      if queues[slot].transmitFrames > 0 || queues[slot].receive.pending > 0 { return false }
    }
    return true
  }
}
