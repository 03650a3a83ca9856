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
  private let hasMaximumLengths = Atomic<Bool>(false)
  private let maximumLengths = Mutex<[Int: Int]>([:])
  private let mail = Mutex<Mailbox>(Mailbox())
  /// Readable when there is something to look at; negative if the kernel had none to give: the worker then looks often.
  let bell: CInt = cxsk_bell_open()

  /// Which capture the worker is to record for: the newest wish, its number, and the number of the one that it obeys.
  private let capture = Mutex<CaptureWish>(CaptureWish())
  private let captureWished = Atomic<UInt64>(0)
  private let captureObeyed = Atomic<UInt64>(0)

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
  func ring() {
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

extension WorkerControl {
  /// Has the worker record for a capture from its next housekeeping on, which is now; nil: for none any more.
  ///
  /// - Returns: the wish's number.
  func arm(_ ring: CaptureRing?) -> UInt64 {
    let number = capture.withLock { wish in
      wish = CaptureWish(number: wish.number + 1, ring: ring)
      return wish.number
    }
    captureWished.store(number, ordering: .releasing)
    self.ring()
    return number
  }

  /// Has the worker transmit no longer frames on a queue from now on.
  func setMaximumLength(_ length: Int, slot: Int) {
    maximumLengths.withLock { $0[slot] = length }
    hasMaximumLengths.store(true, ordering: .releasing)
    ring()
  }

  /// For the worker: the lengths that were set since the last time, by slot.
  func takeMaximumLengths() -> [Int: Int]? {
    guard hasMaximumLengths.load(ordering: .acquiring) else { return nil }
    hasMaximumLengths.store(false, ordering: .relaxed)
    return maximumLengths.withLock { lengths in
      defer { lengths = [:] }
      return lengths
    }
  }

  /// Whether the worker has gone on to a wish, or past it: it holds no earlier ring.
  func hasObeyed(_ number: UInt64) -> Bool { captureObeyed.load(ordering: .acquiring) >= number }

  /// The worker has obeyed the newest wish.
  var isArmed: Bool { hasObeyed(captureWished.load(ordering: .acquiring)) }

  /// For the worker: the newest wish if it is not the one that it obeys. It does not wait for whoever is just making one.
  func newCaptureWish() -> CaptureWish? {
    guard captureWished.load(ordering: .acquiring) > captureObeyed.load(ordering: .relaxed) else { return nil }
    return capture.withLockIfAvailable { $0 }
  }

  /// The worker is no more: it records for nobody, whatever is wished.
  func retire() { captureObeyed.store(.max, ordering: .releasing) }

  func obeyed(_ wish: CaptureWish) { captureObeyed.store(wish.number, ordering: .releasing) }
}

/// A capture that a worker is to record for.
struct CaptureWish: Sendable {
  var number: UInt64 = 0
  /// nil: none.
  var ring: CaptureRing?
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
  /// The same for a queue that works, once what is under way there is over. Nothing leaves by it from now on.
  case retire(slot: Int)
  /// The vacant queue's socket is closed: its frames are the worker's again.
  case reclaim(slot: Int)
  /// Put this socket in a vacant queue's place; longer frames are not transmitted there.
  case replace(slot: Int, XSKQueue.Backing, maximumLength: Int)

  var slot: Int {
    switch self {
    case .vacate(let slot), .retire(let slot), .reclaim(let slot), .replace(let slot, _, _): slot
    }
  }
}
