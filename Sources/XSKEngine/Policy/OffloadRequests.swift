import Synchronization

/// A worker's wishes for verdicts, on their way to the control plane: a ring with one writer, the worker, and one reader.
///
/// Asking costs some stores and no system call. A ring that is full drops the request and counts it: a flow that goes on
/// is asked for again.
///
///     if let requests, isFlood { requests.ask(key, .drop(.policy), milliseconds: 10_000, decidedIn: generation) }
@safe public final class OffloadRequests: Sendable {
  @frozen @usableFromInline struct Request: Sendable {
    @usableFromInline var key: VerdictKey
    @usableFromInline var verdict: OffloadedVerdict
    @usableFromInline var milliseconds: UInt32
    @usableFromInline var generation: UInt32

    @usableFromInline @inline(__always)
    init(key: VerdictKey, verdict: OffloadedVerdict, milliseconds: UInt32, generation: UInt32) {
      self.key = key
      self.verdict = verdict
      self.milliseconds = milliseconds
      self.generation = generation
    }
  }

  /// `capacity` places, each written by the worker before `written` says so and read before `read` does.
  @usableFromInline nonisolated(unsafe) let places: UnsafeMutablePointer<Request>
  @usableFromInline let mask: UInt32
  @usableFromInline let written = Atomic<UInt32>(0)
  @usableFromInline let read = Atomic<UInt32>(0)
  @usableFromInline let lostCount = Atomic<UInt64>(0)

  /// - Parameter capacity: a power of two.
  init(capacity: Int) {
    precondition(capacity > 1 && capacity & (capacity - 1) == 0)
    unsafe places = .allocate(capacity: capacity)
    mask = UInt32(capacity - 1)
  }

  deinit { unsafe places.deallocate() }

  /// Requests that found the ring full.
  public var lost: UInt64 { lostCount.load(ordering: .relaxed) }

  /// Asks for a verdict. From the worker's thread only.
  ///
  /// - Parameters:
  ///   - milliseconds: its lifetime.
  ///   - decidedIn: the generation of the rules that it follows from (`VerdictTable.generation`).
  /// - Returns: false if the ring was full.
  @inlinable @discardableResult public func ask(
    _ key: VerdictKey, _ verdict: OffloadedVerdict, milliseconds: UInt32, decidedIn generation: UInt32
  ) -> Bool {
    let next = written.load(ordering: .relaxed)
    guard next &- read.load(ordering: .acquiring) <= mask else {
      // One writer: no locked add is needed.
      lostCount.store(lostCount.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
      return false
    }
    // Inside the ring by the mask, and the reader is done with the place. Requests are trivial: overwriting one is enough.
    unsafe places[Int(next & mask)] = Request(
      key: key, verdict: verdict, milliseconds: milliseconds, generation: generation)
    written.store(next &+ 1, ordering: .releasing)
    return true
  }

  /// The oldest request; nil if there is none. From one thread of the control plane only.
  func take() -> Request? {
    let next = read.load(ordering: .relaxed)
    guard next != written.load(ordering: .acquiring) else { return nil }
    // Inside the ring by the mask, and written before `written` said so.
    let request = unsafe places[Int(next & mask)]
    read.store(next &+ 1, ordering: .releasing)
    return request
  }
}
