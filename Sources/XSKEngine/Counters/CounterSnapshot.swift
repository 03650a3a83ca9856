import CXsk
import FoundationEssentials
import Glibc

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

extension CounterPageMemory {
  /// Attempts at reading a description that doesn't change meanwhile, a millisecond apart.
  static let attempts = 200

  /// Reads everything, again and again until the description held still.
  ///
  /// - Throws: if the epoch stays odd (the writer died in mid-sentence), or what is wrong with the description.
  func snapshot() throws(XSKError) -> CounterSnapshot {
    for attempt in 0..<Self.attempts {
      if attempt > 0 { usleep(1000) }
      let epoch = self[.epoch]
      guard epoch % 2 == 0 else { continue }
      let result = Result { () throws(XSKError) in try read(epoch: epoch) }
      // Keeps the reads above before the second look at the epoch.
      cxsk_full_fence()
      if self[.epoch] == epoch { return try result.get() }
    }
    throw XSKError(
      subject, "its description is being rewritten all the time (epoch \(self[.epoch]))",
      remedy: "try again, or restart the engine if it hangs")
  }

  private func read(epoch: UInt64) throws(XSKError) -> CounterSnapshot {
    guard let pid = Int32(exactly: self[.pid]), pid > 0 else {
      throw damaged(subject, "claims the process number \(self[.pid])")
    }
    guard let state = CounterPage.State(rawValue: self[.state]) else {
      throw damaged(subject, "claims the unknown state \(self[.state])")
    }
    let description: CounterDescription
    do { description = try JSONDecoder().decode(CounterDescription.self, from: Data(try descriptionBytes())) } catch {
      if let error = error as? XSKError { throw error }
      throw damaged(subject, "has a description that doesn't parse (\(error))")
    }
    try description.validate(subject, against: layout)
    return CounterSnapshot(
      process: ProcessIdentity(pid: pid, start: self[.pidStart]), state: state, epoch: epoch,
      startedUnix: self[.startedUnix], startedMonotonic: self[.startedMonotonic],
      readUnix: clockNanoseconds(CLOCK_REALTIME), readMonotonic: clockNanoseconds(CLOCK_MONOTONIC),
      readTicks: cxsk_timestamp(), description: description,
      workers: (0..<layout.workerCount).map { index in
        .init(counters: unsafe read(description.counters.worker, at: worker(index)))
      },
      slots: (0..<layout.slotCount).map { index in
        let block = unsafe slot(index)
        return .init(
          counters: unsafe read(description.counters.queue, at: block),
          drops: unsafe read(description.counters.drops, at: block + CounterPageLayout.firstDropReason))
      })
  }

  /// - Parameter names: places of at most 63, as `CounterDescription.validate` has seen to; `block` has 64 words.
  private func read(_ names: [String: Int], at block: UnsafeMutablePointer<UInt64>) -> [String: UInt64] {
    names.mapValues { unsafe cxsk_counter_load(block + $0) }
  }
}
