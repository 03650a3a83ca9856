import CXsk
import Glibc
import Synchronization

/// What the control plane and a worker share: the wish to stop, and a bell that wakes the worker out of poll(2).
///
/// The worker looks at it once a housekeeping, never on the packet path.
public final class WorkerControl: Sendable {
  private let stop = Atomic<Bool>(false)
  private let ended = Atomic<Bool>(false)
  /// A queue to be put in a failed one's place.
  let replacement = Mutex<QueueReplacement?>(nil)
  /// Readable when there is something to look at; −1 if the kernel had none to give, and the worker looks every 100 ms.
  let bell: CInt = cxsk_bell_open()

  public init() {}

  deinit { if bell >= 0 { close(bell) } }

  /// Asks the worker to drain and end.
  public func requestStop() {
    stop.store(true, ordering: .releasing)
    ring()
  }

  public var isStopRequested: Bool { stop.load(ordering: .acquiring) }

  /// The worker has ended; its counters are final.
  public var hasEnded: Bool { ended.load(ordering: .acquiring) }

  @usableFromInline func markEnded() { ended.store(true, ordering: .releasing) }

  func ring() {
    if bell >= 0 { cxsk_bell_ring(bell) }
  }

  func silence() {
    if bell >= 0 { cxsk_bell_silence(bell) }
  }
}

/// A fresh socket for a slot whose device came back.
struct QueueReplacement: Sendable {
  let slot: Int
  let socket: XSKSocket
}
