import CXsk
import Glibc
import XSKEngine

/// A POSIX thread of its own: network and mount namespaces belong to threads, so the pools of Swift concurrency can't
/// be used for what enters one.
public enum LabThread {
  /// Starts a detached thread.
  public static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws(XSKError) {
    let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
    var thread = pthread_t()
    // The retained box is the thread's from here on; it is taken back only if there is no thread.
    let code = unsafe pthread_create(
      &thread, nil,
      { argument in
        // `argument` is the box retained above, released here once.
        guard let argument = unsafe argument else { return nil }
        let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        // A name is at most 15 bytes; without one the thread works as well.
        unsafe _ = cxsk_thread_name(String(start.name.prefix(15)))
        start.body()
        return nil
      }, start.toOpaque())
    guard code == 0 else {
      unsafe start.release()
      throw XSKError("thread \(name)", refused: "can't be started", code: code, remedy: "raise the limit on threads")
    }
    pthread_detach(thread)
  }

  private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }
}
