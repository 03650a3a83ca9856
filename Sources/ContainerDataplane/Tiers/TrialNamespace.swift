import CXsk
import XSKEngine

/// A network namespace of a trial's own, which goes with it.
enum TrialNamespace {
  /// Runs something in one, on a thread that ends with it. Needs CAP_SYS_ADMIN.
  ///
  /// - Throws: what is refused, the namespace itself included.
  static func run<Answer: Sendable>(
    _ body: @escaping @Sendable () throws(XSKError) -> Answer
  ) throws(XSKError) -> Answer {
    try SystemThread.run("xsk-trial") {
      Result { () throws(XSKError) in
        let code = cxsk_unshare_network()
        guard code == 0 else {
          throw XSKError(
            "network namespace", refused: "none can be made to try it in", code: code,
            remedy: "run as root (CAP_SYS_ADMIN)")
        }
        return try body()
      }
    }.get()
  }
}
