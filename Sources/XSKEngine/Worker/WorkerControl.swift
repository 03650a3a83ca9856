import CXsk
import Glibc
import Synchronization

/// What the control plane and a worker share: the wish to stop, a mailbox for one message, and a bell that wakes the worker
/// out of poll(2).
///
/// The worker looks at it once a housekeeping, never on the packet path.
public final class WorkerControl: Sendable {
  private let stop = Atomic<Bool>(false)
  private let hasMail = Atomic<Bool>(false)
  private let mail = Mutex<Mailbox>(Mailbox())
  /// Readable when there is something to look at; negative if the kernel had none to give: the worker then looks often.
  let bell: CInt = cxsk_bell_open()

  /// The worker's memory, for a socket that takes a lost one's place.
  let umem = Mutex<UMEM?>(nil)

  public init() {}

  deinit { if bell >= 0 { close(bell) } }

  /// Asks the worker to drain and end.
  public func requestStop() {
    stop.store(true, ordering: .releasing)
    ring()
  }

  public var isStopRequested: Bool { stop.load(ordering: .acquiring) }

  /// Has a worker that sleeps do its housekeeping.
  public func wake() { ring() }

  private func ring() {
    if bell >= 0 { cxsk_bell_ring(bell) }
  }

  func silence() {
    if bell >= 0 { cxsk_bell_silence(bell) }
  }

  /// Whether a message may be sent. From a message until its answer was taken the mailbox belongs to that message's queue:
  /// two queues of a worker are often lost at once, with the device that both are on.
  var isFree: Bool { mail.withLock { $0.slot == nil } }

  /// Leaves a message for the worker, the mailbox being free; the answer is there once `takeAnswer` says so.
  func send(_ message: QueueMail) {
    mail.withLock { box in
      precondition(box.slot == nil, "one message at a time")
      box = Mailbox(slot: message.slot, message: message)
    }
    hasMail.store(true, ordering: .releasing)
    ring()
  }

  func takeMail() -> QueueMail? {
    guard hasMail.load(ordering: .acquiring) else { return nil }
    hasMail.store(false, ordering: .relaxed)
    return mail.withLock { $0.message }
  }

  func answer(vacated socket: XSKSocket?) {
    mail.withLock { $0 = Mailbox(slot: $0.slot, isAnswered: true, vacated: socket) }
  }

  /// Lets go of what is in the mailbox, once neither side looks at it any more: a socket in it would stay open, and its
  /// queue busy.
  func discardMail() { mail.withLock { $0 = Mailbox() } }

  /// Whether the worker has obeyed the message about `slot`; with it the socket that it gave up, whose last reference this
  /// is.
  func takeAnswer(slot: Int) -> (isAnswered: Bool, vacated: XSKSocket?) {
    mail.withLock { box in
      guard box.isAnswered, box.slot == slot else { return (false, nil) }
      defer { box = Mailbox() }
      return (true, box.vacated)
    }
  }
}

private struct Mailbox {
  /// The queue that the message or its answer is about; nil: free.
  var slot: Int?
  var message: QueueMail?
  var isAnswered = false
  var vacated: XSKSocket?
}

/// What the control plane asks of a worker about one of its queues.
enum QueueMail: Sendable {
  /// Let go of a failed queue's socket, so that it can be closed where closing may take its time.
  case vacate(slot: Int)
  /// Put this socket in the failed one's place; longer frames are not transmitted there.
  case replace(slot: Int, XSKSocket, maximumLength: Int)

  var slot: Int {
    switch self {
    case .vacate(let slot), .replace(let slot, _, _): slot
    }
  }
}
