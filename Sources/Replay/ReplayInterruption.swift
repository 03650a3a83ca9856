import Synchronization

/// The wish to end a replay before its capture does, from another thread.
public final class ReplayInterruption: Sendable {
  private let requested = Atomic<Bool>(false)
  private let reading = Atomic<Bool>(false)

  public init() {}

  /// Has the replay end with what it has read. A read(2) that waits for more of the capture goes on waiting: if `isReading`
  /// says so, a signal has to interrupt it.
  public func request() { requested.store(true, ordering: .relaxed) }

  public var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// The capture is being read, so nothing else is hurt by an interrupted system call.
  public var isReading: Bool { reading.load(ordering: .relaxed) }

  func setReading(_ isReading: Bool) { reading.store(isReading, ordering: .relaxed) }
}
