import CXsk
import Glibc

/// What a worker does between turns that found nothing, and when its housekeeping is due.
struct IdleState: ~Copyable {
  /// For poll(2): the worker's bell, what the handler wants to be woken for, then the queues in use.
  private var entries: FixedArray<pollfd>
  private static let firstQueue = 2
  private let policy: IdlePolicy
  private let spinTicks: UInt64
  private let housekeepingTicks: UInt64
  private let bell: CInt
  private var emptySince: UInt64 = 0
  private var nextHousekeeping: UInt64 = 0

  /// How long the worker sleeps at most, in milliseconds: its counters and its mailbox want a look now and then.
  private static let longestSleep: CInt = 100

  init(_ configuration: WorkerConfiguration, queues: Int, bell: CInt) {
    policy = configuration.idle
    spinTicks = TimestampClock.shared.ticks(microseconds: configuration.spinMicroseconds)
    housekeepingTicks = TimestampClock.shared.ticks(microseconds: 1000)
    self.bell = bell
    entries = FixedArray(repeating: pollfd(fd: -1, events: Int16(POLLIN), revents: 0), count: Self.firstQueue + queues)
    entries[0].fd = bell
  }

  mutating func watch(_ descriptor: CInt) { entries[1].fd = descriptor }

  /// A turn found packets.
  mutating func reset() { emptySince = 0 }

  mutating func isHousekeepingDue(_ now: UInt64) -> Bool {
    guard now &- nextHousekeeping < UInt64.max / 2 else { return false }
    nextHousekeeping = now &+ housekeepingTicks
    return true
  }

  /// A turn found nothing: rests as the policy says.
  mutating func rest(_ core: inout WorkerCore) {
    if emptySince == 0 { emptySince = core.now }
    switch policy {
    case .spin:
      core.wakeStarvedQueues()
      cxsk_spin_hint()
    case .busyPoll:
      core.busyPoll()
    case .sleep:
      sleep(&core)
    case .adaptive:
      core.wakeStarvedQueues()
      if core.now &- emptySince >= spinTicks { sleep(&core) } else { cxsk_spin_hint() }
    }
  }

  /// Sleeps in poll(2), which also transmits what is pending in copy mode.
  private mutating func sleep(_ core: inout WorkerCore) {
    // What is held is held for microseconds: no sleep is that short.
    guard core.burst.held.count == 0 else {
      core.wakeStarvedQueues()
      return cxsk_spin_hint()
    }
    var isWaitingForKernel = false
    for place in 0..<core.usedCount {
      let slot = core.usedSlot(place)
      let isUp = core.queues[slot].isUp
      entries[Self.firstQueue + place].fd = isUp ? core.queues[slot].doorbell.descriptor : -1
      if isUp && core.queues[slot].transmitFrames > 0 { isWaitingForKernel = true }
    }
    core.counters.add(.polls, 1)
    let patience = isWaitingForKernel || bell < 0 ? 1 : Self.longestSleep
    // Safe: the array has an entry for each queue, and no more than those are in use.
    _ = unsafe poll(entries.view.base, nfds_t(Self.firstQueue + core.usedCount), patience)
    nextHousekeeping = core.now  // However long that was: look at the mailbox and the counters.
  }
}

extension WorkerCore {
  /// A fill ring that ran empty has stopped the driver; it goes on when somebody asks it to.
  mutating func wakeStarvedQueues() {
    for place in 0..<usedCount {
      let slot = usedSlot(place)
      if queues[slot].isUp && queues[slot].fill.needsWakeup { ringReceive(slot) }
    }
  }

  /// Has the kernel poll every device: sendto(2) where something is to be transmitted (it polls RX first), else recvfrom(2).
  mutating func busyPoll() {
    for place in 0..<usedCount {
      let slot = usedSlot(place)
      guard queues[slot].isUp else { continue }
      if queues[slot].transmitFrames > 0 { kick(slot) } else { ringReceive(slot) }
    }
  }

  /// Rings the RX doorbell; a refusal that is not ordinary ends the queue.
  mutating func ringReceive(_ slot: Int) {
    queues[slot].counters.add(.rxKicks, 1)
    let result = queues[slot].doorbell.ringReceive()
    if !result.isOrdinaryKickResult { fail(slot, -result) }
  }
}
