import CXsk

/// One core's engine: takes bursts off its queues, has its handler decide, carries the verdicts out. Run to completion: it
/// owns everything that it touches, and shares nothing with other workers.
///
/// Build it on the thread that runs it, so that its memory lies on that core's NUMA node.
public struct Worker<Handler: PacketHandler & ~Copyable>: ~Copyable {
  @usableFromInline var core: WorkerCore
  @usableFromInline var handler: Handler
  @usableFromInline var idle: IdleState
  // What the queues live off, held but never touched on the packet path.
  @usableFromInline var resources: WorkerResources
  @usableFromInline let drainNanoseconds: UInt64

  /// One turn of the loop: completions and fill, then for each queue a burst through the handler, then TX.
  ///
  /// - Returns: packets that were taken.
  @inlinable @discardableResult
  public mutating func turn() -> Int {
    core.beginTurn()
    for slot in 0..<core.queueCount where core.receive(slot) > 0 {
      handler.handle(&core.burst)
      core.dispatch()
    }
    core.endTurn()
    return core.turnPackets
  }

  /// Runs until it is asked to stop, then drains.
  @inlinable public mutating func run() {
    while true {
      if turn() == 0 { idle.rest(&core) } else { idle.reset() }
      guard idle.isHousekeepingDue(core.now) else { continue }
      housekeeping()
      if resources.control.isStopRequested { break }
    }
    drain()
  }

  /// Timers, counters, mailbox, kernel statistics; between bursts.
  @inlinable public mutating func housekeeping() {
    handler.housekeeping(&core.burst.held, nanoseconds: TimestampClock.monotonicNanoseconds)
    core.finishHousekeeping(&resources)
  }

  /// Takes what the kernel has already received, releases what the handler holds, and waits a bounded time until everything
  /// under way in the kernel is back. The caller has taken the sockets out of the XSKMAP.
  @inlinable mutating func drain() {
    let deadline = TimestampClock.monotonicNanoseconds &+ drainNanoseconds
    core.beginDrain()
    while !core.isFinished(deadline: deadline) { turn() }
    core.finishHousekeeping(&resources)
    resources.control.markEnded()
  }
}
