import CXsk
import Glibc
import Synchronization

/// A worker's thread: pinned, named, and in the network namespace of the thread that started it.
final class WorkerThread: Sendable {
  /// How far the thread has come.
  private enum Progress: Sendable {
    case idle
    case starting
    case running
    case refused(XSKError)
    /// It has drained; its sockets are still open.
    case drained
    case ended
  }

  let plan: EnginePlan.Worker
  let control = WorkerControl()
  private let progress = Mutex<Progress>(.idle)
  /// Kept until the program was detached, wherever the worker is by then.
  private let sockets = Mutex<[XSKSocket]>([])
  /// Made ahead, unbound, with the worker's memory registered: for the next spare port that gets a device.
  let spareSocket = Mutex<XSKSocket?>(nil)
  private let release = Atomic<Bool>(false)

  private let dropsCapabilities: Bool

  init(_ plan: EnginePlan.Worker, dropsCapabilities: Bool) {
    self.plan = plan
    self.dropsCapabilities = dropsCapabilities
  }

  /// Starts the thread: `make` builds the parts; `run` makes the worker, says when it is ready, and runs it until it has
  /// drained.
  ///
  /// - Throws: if there is no thread to be had. What goes wrong on the thread is told by `waitUntilRunning`.
  func start(
    make: @escaping @Sendable (WorkerThread) throws(XSKError) -> WorkerPartsBox,
    run: @escaping @Sendable (consuming WorkerParts, _ ready: () -> Void) throws(XSKError) -> Void
  ) throws(XSKError) {
    progress.withLock { $0 = .starting }
    do throws(XSKError) {
      try SystemThread.start("xsk-worker-\(plan.index)") { [self] in live(make: make, run: run) }
    } catch {
      progress.withLock { $0 = .idle }
      throw error
    }
  }

  /// The thread, from beginning to end.
  private func live(
    make: (WorkerThread) throws(XSKError) -> WorkerPartsBox,
    run: (consuming WorkerParts, _ ready: () -> Void) throws(XSKError) -> Void
  ) {
    do throws(XSKError) {
      let code = cxsk_thread_pin(UInt32(plan.cpu))
      guard code == 0 else {
        throw XSKError(
          "CPU \(plan.cpu)", refused: "worker cannot be pinned to it", code: code,
          remedy: "choose another with --cores")
      }
      try run(make(self).take()) {
        // Less is better, but nothing depends on it.
        if dropsCapabilities { _ = cxsk_thread_keep_capabilities(0) }
        progress.withLock { $0 = .running }
      }
      control.retire()
      progress.withLock { $0 = .drained }
      // Sockets are closed after the program was detached.
      while !release.load(ordering: .acquiring) { usleep(1000) }
    } catch {
      closeSockets()
      progress.withLock { $0 = .refused(error) }
      return
    }
    closeSockets()
    progress.withLock { $0 = .ended }
  }

  /// Keeps a socket open until it is given up or the thread ends.
  func keep(_ socket: XSKSocket) { sockets.withLock { $0.append(socket) } }

  /// Lets go of a socket that the worker has given up: it is closed with the caller's reference.
  func giveUp(_ socket: XSKSocket) { sockets.withLock { $0.removeAll { $0 === socket } } }

  /// The socket of a queue that works, by its name.
  func socket(named name: String) -> XSKSocket? { sockets.withLock { $0.first { $0.name == name } } }

  private func closeSockets() {
    control.discardMail()
    sockets.withLock { $0.removeAll() }
    spareSocket.withLock { $0 = nil }
  }

  /// Waits until the worker runs; answers its sockets in the order of its queues.
  func waitUntilRunning() throws(XSKError) -> [XSKSocket] {
    while true {
      switch progress.withLock({ $0 }) {
      case .running: return sockets.withLock { $0 }
      case .refused(let error): throw error
      case .idle, .starting, .drained, .ended: usleep(500)
      }
    }
  }

  /// Waits until the worker has drained, or did not start.
  func waitUntilDrained() {
    while true {
      switch progress.withLock({ $0 }) {
      case .idle, .drained, .ended, .refused: return
      case .starting, .running: usleep(500)
      }
    }
  }

  /// Lets the thread, if it was ever started, close its sockets and end.
  func finish() {
    release.store(true, ordering: .releasing)
    while true {
      switch progress.withLock({ $0 }) {
      case .idle, .ended, .refused: return
      case .starting, .running, .drained: usleep(500)
      }
    }
  }
}

/// Carries noncopyable parts out of a closure's answer; taken once.
final class WorkerPartsBox {
  private var parts: WorkerParts?

  init(_ parts: consuming WorkerParts) { self.parts = consume parts }

  func take() -> WorkerParts {
    guard let parts = parts.take() else { preconditionFailure("worker parts are taken once") }
    return parts
  }
}
