import Dispatch
import Synchronization
import XSKEngine

/// A value that one thread produces, once, and another waits for.
final class OneShot<Value: Sendable>: Sendable {
  private let result = Mutex<Result<Value, XSKError>?>(nil)
  private let ready = DispatchSemaphore(value: 0)

  func fulfill(_ value: Result<Value, XSKError>) {
    result.withLock { $0 = value }
    ready.signal()
  }

  var isFulfilled: Bool { result.withLock { $0 != nil } }

  /// Waits for the value; any number of threads may.
  func wait() throws(XSKError) -> Value {
    while true {
      if let value = result.withLock({ $0 }) { return try value.get() }
      ready.wait()
      ready.signal()
    }
  }
}
