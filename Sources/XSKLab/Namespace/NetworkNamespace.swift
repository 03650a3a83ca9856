import CXsk
import Dispatch
import Glibc
import Synchronization
import XSKEngine

/// A network namespace without a name in the file system, held by a descriptor and a thread of this process only: the
/// kernel removes it, with every device in it, when the process ends in whatever way.
///
///     let left = try NetworkNamespace("left"), right = try NetworkNamespace("right")
///     let pair = try VethPair(VethEnd("l0", in: left), VethEnd("r0", in: right))
///     let socket = try left.run { try PacketSocket(device: "l0") }
///
/// Its loopback device is up. The counterpart of unshare(2) and setns(2) with CLONE_NEWNET.
public final class NetworkNamespace: Sendable {
  /// A label for messages; nothing in the system carries it.
  public let name: String
  /// The descriptor that stands for the namespace, open until `close()`. Usable with setns(2) and netlink.
  public let fd: CInt
  /// The kernel's number for the namespace (SO_NETNS_COOKIE), unique as long as the system runs.
  public let cookie: UInt64
  /// True if code run in the namespace sees its devices under /sys/class/net. Refused in some containers.
  public var hasOwnSysfs: Bool { mounts >= 0 }

  private let mounts: CInt
  private let keeper: NamespaceKeeper
  private let children = Mutex<[ChildProcess]>([])
  private let isClosed = Atomic<Bool>(false)

  /// Makes a namespace.
  ///
  /// - Throws: `XSKError` where the caller lacks CAP_SYS_ADMIN.
  public init(_ name: String) throws(XSKError) {
    let keeper = NamespaceKeeper()
    let made = try keeper.start(name)
    self.name = name
    self.keeper = keeper
    fd = made.network
    mounts = made.mounts
    cookie = made.cookie
    try onThread { () throws(XSKError) in try Netlink().setUp("lo", true) }
  }

  deinit { close() }

  /// Kills the child processes that still run and lets go of the namespace. Sockets that were made in it keep it alive
  /// until they are closed. Closing twice is harmless; using it afterwards is an error.
  public func close() {
    guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
    for child in children.withLock({ $0 }) { child.kill() }
    keeper.stop()
    Glibc.close(fd)
    if mounts >= 0 { Glibc.close(mounts) }
  }

  /// Runs `body` on a new thread inside the namespace and waits for it: sockets made there belong to the namespace
  /// wherever they are used later, and /sys/class/net shows its devices. Calls from several threads run side by side.
  ///
  /// - Throws: what `body` throws; `XSKError` if the namespace can't be entered.
  public func run<Value: ~Copyable>(_ body: () throws -> Value) throws -> Value {
    try withoutActuallyEscaping(body) { body in
      let call = NamespaceCall(body)
      let done = DispatchSemaphore(value: 0)
      try SystemThread.start("lab-\(name)") { [self] in
        call.perform(after: enter)
        done.signal()
      }
      done.wait()
      return try call.result()
    }
  }

  /// `run` for work that throws nothing but `XSKError`.
  func onThread<Value>(_ body: () throws(XSKError) -> Value) throws(XSKError) -> Value {
    do {
      return try run(body)
    } catch let error as XSKError {
      throw error
    } catch {
      fatalError("only XSKError is thrown: \(error)")
    }
  }

  /// Moves the calling thread into the namespace, for good.
  func enter() throws(XSKError) {
    guard !isClosed.load(ordering: .acquiring) else {
      throw XSKError("network namespace \(name)", "closed already", remedy: "keep it open while it is used")
    }
    let code = cxsk_enter_network(fd)
    guard code == 0 else {
      throw XSKError("network namespace \(name)", refused: "can't be entered", code: code, remedy: "run as root")
    }
    guard mounts >= 0 else { return }
    let moved = cxsk_lab_enter_mounts(mounts)
    guard moved == 0 else {
      throw XSKError("mounts of \(name)", refused: "can't be entered", code: moved, remedy: "run as root")
    }
  }

  /// Starts a command in the namespace. It is killed when the namespace is closed or this process ends.
  ///
  /// - Parameter command: the program, looked for in PATH and the system folders, and its arguments.
  /// - Throws: `XSKError` if there is no such program or it can't be started.
  public func start(_ command: [String]) throws(XSKError) -> ChildProcess {
    let child = try keeper.perform { () throws(XSKError) in try ChildProcess(command) }
    children.withLock { children in
      children.removeAll { !$0.isRunning }
      children.append(child)
    }
    return child
  }

  /// Runs a command to its end, killing it after `timeout`.
  ///
  /// - Throws: `XSKError` if it can't be started or has not ended in time. Its exit status is for the caller to judge.
  @discardableResult
  public func run(_ command: [String], timeout: Duration = patience) throws(XSKError) -> CommandResult {
    let child = try start(command)
    guard let status = try child.wait(timeout: timeout) else {
      child.kill()
      throw XSKError(
        command.joined(separator: " "), "has not ended after \(timeout)",
        remedy: "allow more time, or find what it awaits")
    }
    return CommandResult(status: status, output: child.output, errors: child.errors)
  }
}

/// A closure on its way to another thread and its result on the way back. The caller waits meanwhile, so neither is
/// ever used by two threads at once.
private final class NamespaceCall<Value: ~Copyable>: @unchecked Sendable {
  private var body: (() throws -> Value)?
  private var outcome: Result<Value, any Error>?

  init(_ body: @escaping () throws -> Value) { self.body = body }

  /// Calls the closure and lets go of it: it must not outlive the caller's frame, and this object may for a moment.
  func perform(after prepare: () throws(XSKError) -> Void) {
    guard let body = body.take() else { return }
    do {
      try prepare()
      outcome = .success(try body())
    } catch {
      outcome = .failure(error)
    }
  }

  func result() throws -> Value {
    guard let outcome = outcome.take() else { fatalError("a call was read before it ended") }
    return try outcome.get()
  }
}
