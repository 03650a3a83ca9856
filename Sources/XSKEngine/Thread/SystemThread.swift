import CXsk
import Glibc

/// A POSIX thread of its own. CPUs, names, and network and mount namespaces belong to threads, so the pools of Swift
/// concurrency can't be used for what is pinned or enters a namespace.
///
/// A new thread has the network namespace, the CPUs and the blocked signals of the one that starts it.
package enum SystemThread {
  /// Starts a thread that nobody waits for.
  ///
  /// - Parameter name: what ps(1) and top(1) show; the kernel keeps 15 bytes of it.
  /// - Throws: if the kernel has no thread to give (pthread_create(3)).
  package static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws(XSKError) {
    pthread_detach(try create(name, body))
  }

  /// Answers what a closure answered that was run on a thread of its own, which has ended by then: what the closure did to
  /// the thread's namespaces is gone with it, and the calling thread's were never touched.
  ///
  /// - Throws: as `start`.
  package static func run<Answer: Sendable>(
    _ name: String, _ body: @escaping @Sendable () -> Answer
  ) throws(XSKError) -> Answer {
    try run(name, body) {}
  }

  /// As `run`, and something else on the calling thread meanwhile.
  package static func run<Answer: Sendable>(
    _ name: String, _ body: @escaping @Sendable () -> Answer, beside: () -> Void
  ) throws(XSKError) -> Answer {
    let answered = Answered<Answer>()
    let thread = try create(name) { answered.value = body() }
    beside()
    pthread_join(thread, nil)
    guard let value = answered.value else { preconditionFailure("a thread that was joined has run its closure") }
    return value
  }

  private static func create(_ name: String, _ body: @escaping @Sendable () -> Void) throws(XSKError) -> pthread_t {
    // The retained errand is the thread's from here on; it is taken back only if there is no thread.
    let errand = unsafe Unmanaged.passRetained(Errand(name: name, body: body))
    var thread = pthread_t()
    let code = unsafe pthread_create(
      &thread, nil,
      { argument in
        // `argument` is the errand retained above, released here once.
        if let argument = unsafe argument {
          unsafe Unmanaged<Errand>.fromOpaque(argument).takeRetainedValue().perform()
        }
        return nil
      }, errand.toOpaque())
    guard code == 0 else {
      unsafe errand.release()
      throw XSKError("thread \(name)", refused: "can't be started", code: code, remedy: "raise the limit on threads")
    }
    return thread
  }

  private final class Errand: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }

    func perform() {
      // Without a name the thread works as well.
      _ = unsafe cxsk_thread_name(String(decoding: name.utf8.prefix(15), as: UTF8.self))
      body()
    }
  }

  /// @unchecked: the thread writes `value`, and its creator reads it after the thread was joined.
  private final class Answered<Value: Sendable>: @unchecked Sendable {
    var value: Value?
  }
}
