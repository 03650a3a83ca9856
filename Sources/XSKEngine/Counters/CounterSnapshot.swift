/// What a counter page said at one moment, as plain values.
///
/// Every counter is looked up by the name that the page's description gives it, so pages of other versions read as well:
/// a counter that the writer doesn't know is 0, one that only the writer knows is in `counters` under its name.
///
/// Counters are read one after the other while the engine runs. Sums over several are exact once its state is `stopped`.
public struct CounterSnapshot: Hashable, Sendable {
  public struct Worker: Hashable, Sendable {
    public var counters: [String: UInt64]

    public init(counters: [String: UInt64] = [:]) { self.counters = counters }

    public subscript(counter: WorkerCounter) -> UInt64 {
      get { counters[counter.name] ?? 0 }
      set { counters[counter.name] = newValue }
    }
  }

  public struct Slot: Hashable, Sendable {
    public var counters: [String: UInt64]
    /// Packets dropped, by reason; reasons that never occurred are there with 0.
    public var drops: [String: UInt64]

    public init(counters: [String: UInt64] = [:], drops: [String: UInt64] = [:]) {
      self.counters = counters
      self.drops = drops
    }

    public subscript(counter: QueueCounter) -> UInt64 {
      get { counters[counter.name] ?? 0 }
      set { counters[counter.name] = newValue }
    }

    public subscript(reason: DropReason) -> UInt64 {
      get { drops[reason.name] ?? 0 }
      set { drops[reason.name] = newValue }
    }
  }

  public var process: ProcessIdentity
  public var state: CounterPage.State
  /// The epoch that the description was read in; always even.
  public var epoch: UInt64
  /// When the page was made: Unix time, in nanoseconds.
  public var startedUnix: UInt64
  /// When the page was made: CLOCK_MONOTONIC, in nanoseconds.
  public var startedMonotonic: UInt64
  /// When this was read: Unix time, in nanoseconds.
  public var readUnix: UInt64
  /// When this was read: CLOCK_MONOTONIC, in nanoseconds.
  public var readMonotonic: UInt64
  /// When this was read: the reader's time-stamp counter, which all processors of a machine share. `busy_ticks` divided
  /// by the difference between two of these is a worker's load.
  public var readTicks: UInt64
  public var description: CounterDescription
  public var workers: [Worker]
  /// In the order of `description.slots`.
  public var slots: [Slot]
  /// What the XDP programs decided by themselves; nil if they decide nothing, and in what other processes read of the page.
  public var kernel: KernelCounters?

  public init(
    process: ProcessIdentity, state: CounterPage.State, epoch: UInt64 = 2, startedUnix: UInt64,
    startedMonotonic: UInt64, readUnix: UInt64, readMonotonic: UInt64, readTicks: UInt64,
    description: CounterDescription, workers: [Worker], slots: [Slot]
  ) {
    self.process = process
    self.state = state
    self.epoch = epoch
    self.startedUnix = startedUnix
    self.startedMonotonic = startedMonotonic
    self.readUnix = readUnix
    self.readMonotonic = readMonotonic
    self.readTicks = readTicks
    self.description = description
    self.workers = workers
    self.slots = slots
  }

  /// A counter's sum over all (device, queue) pairs; wraps as the counters do.
  public func total(_ counter: QueueCounter) -> UInt64 { slots.reduce(0) { $0 &+ $1[counter] } }

  /// A counter's sum over all workers; wraps as the counters do.
  public func total(_ counter: WorkerCounter) -> UInt64 { workers.reduce(0) { $0 &+ $1[counter] } }

  /// Dropped packets by reason, over all (device, queue) pairs.
  public var drops: [String: UInt64] {
    slots.reduce(into: [:]) { sums, slot in sums.merge(slot.drops) { $0 &+ $1 } }
  }
}
