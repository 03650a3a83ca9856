import CXsk
import Glibc

extension SystemThread {
  /// As `run`, inside the network namespace of an nsfs file; nil if that can't be entered, or no thread be started.
  static func run<Answer: Sendable>(inNamespace path: String, _ body: @escaping @Sendable () -> Answer?) -> Answer? {
    let answer: Answer?? = try? run("xsk-namespace") {
      let fd = unsafe open(path, O_RDONLY | O_CLOEXEC)
      guard fd >= 0 else { return nil }
      defer { close(fd) }
      guard cxsk_enter_network(fd) == 0 else { return nil }
      return body()
    }
    return answer ?? nil
  }
}
