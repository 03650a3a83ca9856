import CXsk
import FoundationEssentials
import Glibc

extension CounterPageMemory {
  /// Attempts at copying a description that doesn't change meanwhile, a millisecond apart.
  static let attempts = 200

  /// Everything in a page that changes, as copied within one epoch. Nothing has been made of it yet: copying is short,
  /// so that a writer that rewrites its description often doesn't keep readers waiting.
  private struct Copy {
    var epoch: UInt64
    var pid: UInt64
    var pidStart: UInt64
    var state: UInt64
    var startedUnix: UInt64
    var startedMonotonic: UInt64
    var readUnix: UInt64
    var readMonotonic: UInt64
    var readTicks: UInt64
    /// nil: its length is beyond its room.
    var description: [UInt8]?
    var workers: [[UInt64]]
    var slots: [[UInt64]]
  }

  /// Reads everything, again and again until the description held still.
  ///
  /// - Throws: if the epoch stays odd (the writer died in mid-sentence), or what is wrong with the page.
  func snapshot() throws(XSKError) -> CounterSnapshot {
    for attempt in 0..<Self.attempts {
      if attempt > 0 { usleep(1000) }
      let epoch = self[.epoch]
      guard epoch % 2 == 0 else { continue }
      let copied = copy(epoch: epoch)
      // Keeps the reads above before the second look at the epoch.
      cxsk_full_fence()
      if self[.epoch] == epoch { return try interpret(copied) }
    }
    throw Self.restless(subject, self[.epoch])
  }

  static func restless(_ subject: String, _ epoch: UInt64) -> XSKError {
    XSKError(
      subject, "its description is being rewritten all the time (epoch \(epoch))",
      remedy: "try again, or restart the engine if it hangs")
  }

  private func copy(epoch: UInt64) -> Copy {
    Copy(
      epoch: epoch, pid: self[.pid], pidStart: self[.pidStart], state: self[.state],
      startedUnix: self[.startedUnix], startedMonotonic: self[.startedMonotonic],
      readUnix: clockNanoseconds(CLOCK_REALTIME), readMonotonic: clockNanoseconds(CLOCK_MONOTONIC),
      readTicks: cxsk_timestamp(), description: descriptionBytes(),
      workers: (0..<layout.workerCount).map {
        unsafe words(CounterPageLayout.workerCounters, at: worker($0))
      },
      slots: (0..<layout.slotCount).map { unsafe words(CounterPageLayout.slotCounters, at: slot($0)) })
  }

  /// - Parameter count: at most the words of the block at `block`.
  private func words(_ count: Int, at block: UnsafeMutablePointer<UInt64>) -> [UInt64] {
    (0..<count).map { unsafe cxsk_counter_load(block + $0) }
  }

  private func interpret(_ copy: Copy) throws(XSKError) -> CounterSnapshot {
    guard let pid = Int32(exactly: copy.pid), pid > 0 else {
      throw damaged(subject, "claims the process number \(copy.pid)")
    }
    guard let state = CounterPage.State(rawValue: copy.state) else {
      throw damaged(subject, "claims the unknown state \(copy.state)")
    }
    let description = try decode(copy.description)
    let names = description.counters
    // All places are below 64, as `validate` has seen to; a slot's drop reasons are its words from 64 on.
    return CounterSnapshot(
      process: ProcessIdentity(pid: pid, start: copy.pidStart), state: state, epoch: copy.epoch,
      startedUnix: copy.startedUnix, startedMonotonic: copy.startedMonotonic, readUnix: copy.readUnix,
      readMonotonic: copy.readMonotonic, readTicks: copy.readTicks, description: description,
      workers: copy.workers.map { block in .init(counters: names.worker.mapValues { block[$0] }) },
      slots: copy.slots.map { block in
        .init(
          counters: names.queue.mapValues { block[$0] },
          drops: names.drops.mapValues { block[CounterPageLayout.firstDropReason + $0] })
      })
  }

  private func decode(_ text: [UInt8]?) throws(XSKError) -> CounterDescription {
    guard let text else {
      throw damaged(
        subject,
        "claims a description of \(self[.descriptionLength]) bytes, there is room for \(layout.descriptionCapacity)")
    }
    let description: CounterDescription
    do { description = try JSONDecoder().decode(CounterDescription.self, from: Data(text)) } catch {
      throw damaged(subject, "has a description that doesn't parse (\(error))")
    }
    try description.validate(subject, against: layout)
    return description
  }
}
