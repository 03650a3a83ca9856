import CXsk
import Glibc
import Synchronization

/// A worker's thread: pinned, named, and in the network namespace of the thread that started it.
final class WorkerThread: Sendable {
  /// How far the thread has come.
  private enum Progress: Sendable {
    case starting
    case running([XSKSocket])
    case refused(XSKError)
    /// It has drained; its sockets are still open.
    case drained
    case ended
  }

  let plan: EnginePlan.Worker
  let control = WorkerControl()
  private let progress = Mutex<Progress>(.starting)
  private let release = Atomic<Bool>(false)

  init(_ plan: EnginePlan.Worker) { self.plan = plan }

  /// Starts the thread: `make` builds the parts, `run` runs the worker until it has drained.
  func start(
    make: @escaping @Sendable (WorkerThread) throws(XSKError) -> (parts: WorkerPartsBox, sockets: [XSKSocket]),
    run: @escaping @Sendable (consuming WorkerParts) throws(XSKError) -> Void
  ) {
    spawnThread { [self] in
      _ = unsafe cxsk_thread_name("xsk-worker-\(plan.index)")
      do throws(XSKError) {
        let code = cxsk_thread_pin(UInt32(plan.cpu))
        guard code == 0 else {
          throw XSKError(
            "CPU \(plan.cpu)", refused: "worker cannot be pinned to it", code: code, remedy: "choose another with --cores")
        }
        let made = try make(self)
        progress.withLock { $0 = .running(made.sockets) }
        try run(made.parts.take())
        progress.withLock { $0 = .drained }
        // Sockets are closed after the program was detached: the last references go with `made`.
        while !release.load(ordering: .acquiring) { usleep(1000) }
      } catch {
        progress.withLock { $0 = .refused(error) }
        return
      }
      progress.withLock { $0 = .ended }
    }
  }

  /// Waits until the worker runs; answers its sockets in the order of its queues.
  func waitUntilRunning() throws(XSKError) -> [XSKSocket] {
    while true {
      switch progress.withLock({ $0 }) {
      case .running(let sockets): return sockets
      case .refused(let error): throw error
      case .starting, .drained, .ended: usleep(500)
      }
    }
  }

  /// Waits until the worker has drained, or could not start.
  func waitUntilDrained() {
    while true {
      switch progress.withLock({ $0 }) {
      case .drained, .ended, .refused: return
      case .starting, .running: usleep(500)
      }
    }
  }

  /// Lets the thread close its sockets and end.
  func finish() {
    release.store(true, ordering: .releasing)
    while true {
      switch progress.withLock({ $0 }) {
      case .ended, .refused: return
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

/// Runs `body` on a detached thread of its own, which has the calling thread's network namespace.
func spawnThread(_ body: @escaping @Sendable () -> Void) {
  final class Errand: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }
  var thread = pthread_t()
  // The thread takes over this reference.
  let argument = unsafe Unmanaged.passRetained(Errand(body))
  let code = unsafe pthread_create(
    &thread, nil,
    { argument in
      if let argument = unsafe argument { unsafe Unmanaged<Errand>.fromOpaque(argument).takeRetainedValue().run() }
      return nil
    }, argument.toOpaque())
  precondition(code == 0, "no thread can be started: \(errorName(code))")
  pthread_detach(thread)
}
