import Dispatch
public import Forwarder
import Synchronization
public import XSKEngine

/// Follows the kernel's routes and neighbours, and makes plans of them for the forwarder: `routes: kernel`.
///
///     let (follower, first) = try KernelRouteFollower.start(configuration) { update in
///       routes = try Routes(update.plan, after: routes, changes: update.changes)   // and swap them in
///     }
///
/// It has a thread of its own, in the network namespace of the thread that starts it. Devices are found by the names that ports
/// have; MAC address, MTU and (if the file has none) addresses are the kernel's.
///
/// Routes of the file and its neighbours count more than the kernel's for the same prefix or address. `docs/configuration.md`
/// says what is followed, and what is not.
public final class KernelRouteFollower: Sendable {
  private let mailbox: FollowerMailbox
  private let ended: DispatchSemaphore

  private init(_ mailbox: FollowerMailbox, _ ended: DispatchSemaphore) {
    (self.mailbox, self.ended) = (mailbox, ended)
  }

  /// Reads the kernel's tables, and follows them from then on.
  ///
  /// - Parameters:
  ///   - configuration: its `kernelRoutes` says which table; nil: `main`.
  ///   - receiveBuffer: bytes for what the kernel says while nobody listens, such as during `onUpdate`. If it overflows, all
  ///     is read anew.
  ///   - onUpdate: called on the follower's thread with each later plan: 5 ms after a change, at most every 50 ms, and not
  ///     while nothing changes. It may take its time, what happens meanwhile is gathered: of the time, a third at most is spent
  ///     on plans and in here. It must not call `stop`.
  ///   - onProblem: called on the same thread if the kernel can't be asked any more; a second later it is tried again, and the
  ///     last plan stays good until then.
  /// - Returns: the follower, and the first plan, of all that there is.
  /// - Throws: if the kernel can't be asked.
  public static func start(
    _ configuration: ForwarderConfiguration, receiveBuffer: Int = 16 << 20,
    onProblem: @escaping @Sendable (XSKError) -> Void = { _ in },
    onUpdate: @escaping @Sendable (RouteUpdate) -> Void
  ) throws(XSKError) -> (follower: KernelRouteFollower, first: RouteUpdate) {
    let mailbox = try FollowerMailbox()
    let (begun, ended) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let answer = Answer()
    try SystemThread.start("xsk-routes") {
      defer { ended.signal() }
      do throws(XSKError) {
        var loop = try FollowerLoop(configuration, receiveBuffer: receiveBuffer, mailbox)
        let first = try loop.begin()
        answer.result.withLock { $0 = .success(first) }
        begun.signal()
        loop.run(onUpdate, onProblem)
      } catch {
        answer.result.withLock { $0 = .failure(error) }
        begun.signal()
      }
    }
    begun.wait()
    // Taken out, so that nobody else keeps the lists.
    let result = answer.result.withLock { $0.take() }
    guard let result else { preconditionFailure("the thread has answered") }
    return (KernelRouteFollower(mailbox, ended), try result.get())
  }

  /// Has the kernel look for the neighbour that packets to a destination wait for: the gateway of its route, or the destination
  /// itself in a connected network. For packets whose next hop is unresolved.
  ///
  /// Cheap, and of no effect if it was called for the same neighbour within the last second (for one that doesn't answer: within
  /// up to 30 seconds). Gateways need no call: they are looked for as soon as a route names them, and verified every 15
  /// seconds, other neighbours on ports once a minute when they are stale. The answer is an update. Not for the packet path.
  ///
  /// - Parameter port: the next hop's.
  public func resolve(_ destination: IPAddress, port: Int) {
    mailbox.post(FollowerMailbox.Destination(address: destination, port: port))
  }

  /// Takes another file's ports, routes and neighbours from now on; a plan with them follows if it is a different one.
  public func reconfigure(_ configuration: ForwarderConfiguration) {
    mailbox.post { $0.configuration = configuration }
  }

  /// What it has, and what has happened, as of its last turn.
  public var statistics: KernelRouteStatistics { mailbox.statistics }

  /// Ends the thread, and returns when it has ended: no call comes any more. Calling it twice is harmless.
  public func stop() {
    mailbox.post { $0.isStopped = true }
    ended.wait()
    ended.signal()
  }

  /// A follower that nobody has any more ends by itself, a moment later.
  deinit { mailbox.post { $0.isStopped = true } }

  private final class Answer: Sendable {
    let result = Mutex<Result<RouteUpdate, XSKError>?>(nil)
  }
}
