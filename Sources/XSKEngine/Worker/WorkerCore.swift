import CXsk

/// Everything of a worker but its handler: queues, pool, owners, burst, and the steps of a turn.
///
/// Not generic, so it is compiled once; its steps are called once a burst or once a turn, never once a packet. Nothing in
/// it is a class reference that a step would retain.
@usableFromInline struct WorkerCore: ~Copyable {
  @usableFromInline var burst: Burst
  var queues: FixedArray<XSKQueue>
  var owners: FrameOwners
  let layout: UMEMLayout
  let counters: WorkerCounters
  /// egress[slot × 256 + port]: the worker's queue on that port for packets of queue `slot`, −1 if there is none.
  var egress: FixedArray<Int16>
  /// The queues that a turn looks at, in their order: all but those of empty spare ports.
  var used: FixedArray<Int16>
  @usableFromInline var usedCount = 0
  let batch: Int
  let kickThreshold: UInt32
  let kickTicks: UInt64
  /// Time-stamp ticks at the start of this turn.
  var now: UInt64 = 0
  /// The slot of the worker's own packets, −1 if it has none.
  let localSlot: Int
  let nanoseconds = TickScale(.shared)
  /// Packets that this turn took, over all queues.
  @usableFromInline var turnPackets = 0

  init(
    configuration: WorkerConfiguration, layout: UMEMLayout, queues: consuming FixedArray<XSKQueue>,
    counters: WorkerCounters
  ) {
    let clock = TimestampClock.shared
    burst = Burst(
      capacity: configuration.batch, layout: layout, holdCapacity: configuration.holdCapacity, slots: queues.count,
      ports: Self.portCount(queues))
    owners = FrameOwners(frames: layout.frameCount)
    egress = FixedArray(repeating: -1, count: queues.count * 256)
    used = FixedArray(repeating: 0, count: queues.count)
    localSlot = Self.localSlot(queues)
    self.queues = queues
    self.layout = layout
    self.counters = counters
    batch = configuration.batch
    kickThreshold = UInt32(configuration.kickThreshold)
    kickTicks = clock.ticks(microseconds: configuration.kickMicroseconds)
    counters.set(.framesTotal, UInt64(layout.frameCount))
    routeAll()
    findUsed()
  }

  /// Puts frames `first…` into the pool, the lowest address on top.
  mutating func stockPool(from first: Int = 0) {
    for index in stride(from: layout.frameCount - 1, through: first, by: -1) {
      burst.pool.push(layout.address(ofFrame: index))
    }
  }

  private static func portCount(_ queues: borrowing FixedArray<XSKQueue>) -> Int {
    var count = 0
    for slot in 0..<queues.count { count = max(count, Int(queues[slot].port) + 1) }
    return count
  }

  private static func localSlot(_ queues: borrowing FixedArray<XSKQueue>) -> Int {
    for slot in 0..<queues.count where queues[slot].isLocal { return slot }
    return -1
  }

  var queueCount: Int { queues.count }

  /// The queue at a place below `usedCount` of those that a turn looks at.
  @usableFromInline func usedSlot(_ place: Int) -> Int { Int(used[place]) }

  /// Step 1: the time, completions back to the pool, fill rings topped up.
  @usableFromInline mutating func beginTurn() {
    // One look at the counter a turn: where the last turn took packets, it lasted until now.
    let start = cxsk_timestamp()
    if turnPackets > 0 {
      counters.add(.busyTicks, start &- now)
      counters.countTurn(nanoseconds: nanoseconds.of(start &- now))
    }
    now = start
    burst.now = start
    turnPackets = 0
    for place in 0..<usedCount {
      let slot = usedSlot(place)
      guard queues[slot].isUp else { continue }
      if queues[slot].transmitFrames > 0 { reap(slot) }
      if !burst.isDraining { refill(slot) }
    }
  }

  /// Step 3: TX rings published and kicked by policy; the turn counted.
  @usableFromInline mutating func endTurn() {
    for place in 0..<usedCount {
      let slot = usedSlot(place)
      if queues[slot].isUp { flush(slot) }
    }
    counters.add(.turns, 1)
    if turnPackets == 0 { counters.add(.emptyTurns, 1) }
  }
}
