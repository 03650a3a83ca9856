extension WorkerCore {
  /// Takes transmitted frames off a queue's completion ring into the pool.
  mutating func reap(_ slot: Int) {
    let owner = FrameOwners.transmit(slot)
    let available = queues[slot].completion.available(upTo: UInt32(truncatingIfNeeded: queues[slot].transmitFrames))
    guard available > 0 else { return }
    let ring = queues[slot].completion.window
    let (layout, owners) = (layout, owners.table)
    var top = burst.pool.top
    precondition(Int(available) <= top.capacity &- top.count, "more frames came back to the pool than the UMEM has")
    var returned = 0
    var read: UInt32 = 0
    while read < available {
      let piece = unsafe ring.piece(from: read, count: available &- read)
      for place in 0..<piece.count {
        let address = layout.plain(unsafe piece.baseAddress.unsafelyUnwrapped[place])
        guard owners.take(layout.index(of: address), from: owner) else { continue }
        top.pushKnown(layout.frame(of: address))
        returned &+= 1
      }
      read &+= UInt32(truncatingIfNeeded: piece.count)
    }
    burst.pool.finish(top)
    queues[slot].completion.advance(by: available)
    queues[slot].transmitFrames &-= returned
    queues[slot].completion.release()
  }

  /// Shows the kernel what was written to a TX ring, and kicks it by the wake-up policy.
  ///
  /// A kick happens when the ring asks for it and enough is pending, or the oldest has waited long enough, or there was
  /// nothing else to do in this turn. Descriptors that the kernel took but did not complete are reason enough: skipping the
  /// kick because nothing new was queued has stalled others.
  mutating func flush(_ slot: Int) {
    guard queues[slot].transmitFrames > 0 else { return }
    if queues[slot].isDirty {
      queues[slot].transmit.publish()
      queues[slot].isDirty = false
    }
    guard queues[slot].transmit.needsWakeup else { return }
    let pending = queues[slot].transmit.pending
    let isOld = now &- queues[slot].lastKick >= kickTicks
    guard pending >= kickThreshold || isOld || (pending > 0 && turnPackets == 0) else { return }
    kick(slot)
  }

  /// Rings the TX doorbell; a refusal that is not ordinary ends the queue.
  mutating func kick(_ slot: Int) {
    queues[slot].lastKick = now
    queues[slot].counters.add(.txKicks, 1)
    let result = queues[slot].doorbell.ringTransmit()
    if !result.isOrdinaryKickResult { fail(slot, -result) }
  }

  /// A full TX ring gets one chance a turn before packets are dropped: a kick, and its completions taken. Only one: with a
  /// far end that takes nothing each run of a burst comes here, and a system call a packet would make an overload worse.
  mutating func makeRoom(_ slot: Int, for wanted: UInt32) -> UInt32 {
    queues[slot].transmit.publish()
    queues[slot].isDirty = false
    if queues[slot].lastKick != now && queues[slot].transmit.needsWakeup { kick(slot) }
    reap(slot)
    return queues[slot].transmit.room(for: wanted)
  }

  /// Ends a queue: no more is received from it or transmitted on it until it is replaced.
  mutating func fail(_ slot: Int, _ code: CInt) {
    guard queues[slot].failure == 0 else { return }
    queues[slot].failure = code
    queues[slot].counters.set(.failure, UInt64(code))
  }
}
