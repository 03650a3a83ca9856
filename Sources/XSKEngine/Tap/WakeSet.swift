import CXsk
import Glibc

/// Several descriptors as one that is readable when any of them is: epoll(7).
public final class WakeSet: Sendable {
  public let descriptor: CInt

  /// - Throws: if the kernel gives no more descriptors.
  public init() throws(XSKError) {
    descriptor = cxsk_wake_set_open()
    guard descriptor >= 0 else {
      throw XSKError(
        "epoll", refused: "the kernel gives no descriptor", code: -descriptor, remedy: "raise the limit of open files")
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// - Throws: if the kernel can't wait for it.
  public func add(_ member: CInt) throws(XSKError) {
    let code = cxsk_wake_set_add(descriptor, member)
    guard code == 0 else {
      throw XSKError(
        "epoll", refused: "a descriptor can't be waited for", code: -code, remedy: "report this as a bug")
    }
  }
}
