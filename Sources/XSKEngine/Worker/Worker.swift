/// One core's engine: takes bursts off its queues, has its handler decide, carries the verdicts out. Run to completion: it
/// owns everything that it touches, and shares nothing with other workers.
///
/// Build it on the thread that runs it, so that its memory lies on that core's NUMA node.
public struct Worker<Handler: PacketHandler & ~Copyable>: ~Copyable {
  @usableFromInline var parts: WorkerParts
  /// What decides; here for whoever steps the worker.
  public var handler: Handler

  @inlinable public init(_ parts: consuming WorkerParts, handler: consuming Handler) {
    self.parts = parts
    self.handler = handler
    self.parts.watch(self.handler.wakeDescriptor)
  }

  /// - Throws: if the handler relies on holding more packets than the worker is configured for.
  @inlinable public func checkHoldLimit() throws(XSKError) {
    try parts.checkHoldLimit(handler.holdLimit)
  }

  /// One turn of the loop: completions and fill, then for each queue a burst through the handler, then TX.
  ///
  /// - Returns: packets that were taken.
  @inlinable @discardableResult
  public mutating func turn() -> Int {
    parts.core.beginTurn()
    for place in 0..<parts.core.usedCount {
      let slot = parts.core.usedSlot(place)
      guard parts.core.receive(slot) > 0 || parts.core.beginHeldBurst(slot) else { continue }
      handler.handle(&parts.core.burst)
      parts.core.dispatch()
    }
    if parts.core.beginOriginating() {
      handler.originate(&parts.core.burst)
      parts.core.finishOriginating()
    }
    parts.core.endTurn()
    return parts.core.turnPackets
  }

  /// Runs until it is asked to stop, then drains.
  @inlinable public mutating func run() {
    while true {
      parts.rest(after: turn())
      guard parts.isHousekeepingDue() else { continue }
      housekeeping()
      if parts.isStopRequested { break }
    }
    drain()
  }

  /// Timers, counters, mailbox, kernel statistics; between bursts.
  @inlinable public mutating func housekeeping() {
    parts.beginHousekeeping()
    handler.housekeeping(&parts.core.burst.held, nanoseconds: TimestampClock.monotonicNanoseconds)
    parts.watch(handler.wakeDescriptor)
    parts.finishHousekeeping()
  }

  /// Takes what the kernel has already received, has the handler let go of what it holds, waits a bounded time until
  /// everything under way in the kernel is back, and drops what is still held then. The caller has taken the sockets out of
  /// the XSKMAP.
  @inlinable public mutating func drain() {
    parts.beginDrain()
    repeat { turn() } while !parts.isDrained
    parts.finishDrain()
  }
}
