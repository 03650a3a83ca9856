import Forwarder
import KernelRoutes
import Synchronization
import XSKEngine

/// The kernel's routes on their way into a running pipeline (`routes: kernel`).
final class RouteFollowing: Sendable {
  private struct State: Sendable {
    var pipeline: Pipeline?
    var engine: Engine?
    var plan: RoutePlan?
    /// Changes that no policy has yet.
    var pending: RouteChanges = []
    var problem: String?
  }

  private let state: Mutex<State>
  private let follower: KernelRouteFollower

  /// - Throws: if the kernel can't be asked.
  init(_ configuration: ForwarderConfiguration) throws(XSKError) {
    let target = Target()
    let (follower, first) = try KernelRouteFollower.start(
      configuration, onProblem: { Console.error("xskfwd: routes: \($0)") },
      onUpdate: { target.following.withLock { $0.value }?.take($0) })
    self.follower = follower
    state = Mutex(State(plan: first.plan, pending: .all))
    target.following.withLock { $0.value = self }
  }

  /// The routes to begin with.
  func first() throws(XSKError) -> Routes {
    guard let plan = state.withLock({ $0.plan }) else { preconditionFailure("there is a first plan") }
    let routes = try Routes(ipv4: plan.ipv4, ipv6: plan.ipv6, hops: plan.hops, routers: plan.routers)
    state.withLock { ($0.plan, $0.pending) = (nil, []) }
    return routes
  }

  /// Asks for a destination's neighbour.
  var resolve: @Sendable (IPAddress, Int) -> Void { { [follower] in follower.resolve($0, port: $1) } }

  func feed(_ pipeline: Pipeline) { state.withLock { $0.pipeline = pipeline } }

  /// From now on there are workers to take routes; what came before is given to them at once.
  func begin(_ engine: Engine) {
    let waiting = state.withLock { state in
      state.engine = engine
      return state.plan
    }
    if waiting != nil { apply() }
  }

  func reconfigure(_ configuration: ForwarderConfiguration) { follower.reconfigure(configuration) }

  func end() {
    state.withLock { $0.engine = nil }
    follower.stop()
  }

  /// On the follower's thread.
  private func take(_ update: RouteUpdate) {
    let isRunning = state.withLock { state in
      state.plan = update.plan
      state.pending.formUnion(update.changes)
      return state.engine != nil
    }
    if isRunning { apply() }
  }

  private func apply() {
    let (pipeline, engine) = state.withLock { ($0.pipeline, $0.engine) }
    guard let pipeline, let engine else { return }
    do throws(XSKError) {
      try pipeline.replaceRoutes(wake: engine.wakeWorkers) { former throws(XSKError) in
        let (plan, changes) = state.withLock { state in
          defer { (state.plan, state.pending) = (nil, []) }
          return (state.plan, state.pending)
        }
        guard let plan else { return former }
        return try Routes(plan, after: former, changes: changes)
      }
    } catch {
      // What was not taken is made whole with the next change.
      state.withLock { $0.pending = .all }
      Console.error("xskfwd: routes: \(error)")
    }
  }

  /// Tells the follower's thread, which is there first, whom to tell.
  private final class Target: Sendable {
    struct Weak: Sendable { weak var value: RouteFollowing? }
    let following = Mutex(Weak())
  }
}
