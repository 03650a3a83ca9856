import CXsk
import Glibc

/// Runs a closure on a thread of its own, which ends with it: what the closure does to the thread's namespaces is gone
/// afterwards, and the calling thread's were never touched.
enum NamespaceThread {
  /// @unchecked: the thread writes `value`, and the creator reads it after the thread was joined.
  private final class Answered<Value: Sendable>: @unchecked Sendable {
    var value: Value?
  }

  private final class Errand: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Answers what the closure answered; nil if no thread could be started.
  static func run<Answer: Sendable>(_ body: @escaping @Sendable () -> Answer) -> Answer? {
    let answered = Answered<Answer>()
    var thread = pthread_t()
    // The thread takes over this reference.
    let argument = unsafe Unmanaged.passRetained(Errand { answered.value = body() })
    let code = unsafe pthread_create(
      &thread, nil,
      { argument in
        unsafe Unmanaged<Errand>.fromOpaque(argument!).takeRetainedValue().run()
        return nil
      }, argument.toOpaque())
    guard code == 0 else {
      unsafe argument.release()
      return nil
    }
    pthread_join(thread, nil)
    return answered.value
  }

  /// As `run`, inside the network namespace of an nsfs file; nil also if that can't be entered.
  static func run<Answer: Sendable>(in path: String, _ body: @escaping @Sendable () -> Answer?) -> Answer? {
    let answer: Answer?? = run {
      let fd = unsafe open(path, O_RDONLY | O_CLOEXEC)
      guard fd >= 0 else { return nil }
      defer { close(fd) }
      guard cxsk_enter_network(fd) == 0 else { return nil }
      return body()
    }
    return answer ?? nil
  }
}
