import CXsk
import Dispatch
import Synchronization
import XSKEngine

/// The thread that made a namespace and stays in it until the namespace is closed.
///
/// Child processes are started on it, because the kernel kills them when the thread that started them ends.
final class NamespaceKeeper: Sendable {
  /// What the keeper made; each descriptor is owned by the `NetworkNamespace`.
  struct Made: Sendable {
    let network: CInt
    /// The mount namespace with the network's own /sys, or −1 where the kernel refused one.
    let mounts: CInt
    let cookie: UInt64
  }

  private let jobs = Mutex<[@Sendable () -> Void]?>([])
  private let wake = DispatchSemaphore(value: 0)

  /// Starts the thread and waits until it is in its namespace.
  func start(_ name: String) throws(XSKError) -> Made {
    let answer = OneShot<Made>()
    try SystemThread.start("lab-\(name)") {
      answer.fulfill(Result { () throws(XSKError) in try Self.make(name) })
      self.work()
    }
    return try answer.wait()
  }

  /// Runs `body` on the keeper's thread and waits for it.
  func perform<Value: Sendable>(
    _ body: @escaping @Sendable () throws(XSKError) -> Value
  ) throws(XSKError) -> Value {
    let answer = OneShot<Value>()
    let isOpen = jobs.withLock { jobs in
      jobs?.append { answer.fulfill(Result { () throws(XSKError) in try body() }) }
      return jobs != nil
    }
    guard isOpen else {
      throw XSKError("network namespace", "closed already", remedy: "start commands before closing it")
    }
    wake.signal()
    return try answer.wait()
  }

  /// Ends the thread, and with it every child process that it started.
  func stop() {
    jobs.withLock { $0 = nil }
    wake.signal()
  }

  private func work() {
    while true {
      wake.wait()
      guard
        let batch = jobs.withLock({ jobs in
          jobs.map { batch in
            jobs = []; return batch
          }
        })
      else { return }
      for job in batch { job() }
    }
  }

  private static func make(_ name: String) throws(XSKError) -> Made {
    let code = cxsk_unshare_network()
    guard code == 0 else {
      throw XSKError(
        "network namespace \(name)", refused: "can't be made", code: code,
        remedy: "run as root (CAP_SYS_ADMIN), outside a container that forbids it")
    }
    let network = cxsk_open_own_network()
    guard network >= 0 else {
      throw XSKError("network namespace \(name)", refused: "can't be opened", code: network, remedy: "mount /proc")
    }
    // Without mounts of its own the namespace works; only /sys shows the devices of another.
    let hasMounts = cxsk_unshare_mounts() == 0 && cxsk_lab_mount_sysfs() == 0
    return Made(network: network, mounts: hasMounts ? cxsk_lab_open_own_mounts() : -1, cookie: cxsk_network_cookie())
  }
}
