import Forwarder
import KernelRoutes
import ProgramSupport
import Synchronization
import XSKEngine

/// The kernel's routes on their way into a running pipeline (`routes: kernel`).
final class RouteFollowing: Sendable {
  private let feed: RouteFeed
  private let follower: KernelRouteFollower

  /// - Throws: if the kernel can't be asked.
  init(_ configuration: ForwarderConfiguration) throws(XSKError) {
    let feed = RouteFeed()
    let (follower, first) = try KernelRouteFollower.start(
      configuration, onProblem: { Console.error("xskfwd: routes: \($0)") }, onUpdate: { feed.take($0) })
    self.feed = feed
    self.follower = follower
    feed.begin(with: first)
  }

  /// The routes to begin with.
  func first() throws(XSKError) -> Routes { try feed.first() }

  /// Asks for a destination's neighbour.
  var resolve: @Sendable (IPAddress, Int) -> Void { { [follower] in follower.resolve($0, port: $1) } }

  /// From now on there are workers to take routes; what came before is given to them at once.
  func begin(_ pipeline: Pipeline, _ engine: Engine) { feed.open(pipeline, engine) }

  func reconfigure(_ configuration: ForwarderConfiguration) { follower.reconfigure(configuration) }

  /// Tries again what failed.
  func retry() { feed.retry() }

  func end() {
    feed.close()
    follower.stop()
  }
}

/// Plans that wait for the pipeline. The follower's thread fills it, and empties it once the engine runs.
private final class RouteFeed: Sendable {
  private struct State: Sendable {
    var pipeline: Pipeline?
    var engine: Engine?
    /// The newest plan, and all that changed since the routes that the pipeline has.
    var plan: RoutePlan?
    var pending: RouteChanges = []
    /// When to try again what failed: CLOCK_MONOTONIC nanoseconds.
    var retryAt: UInt64?
  }

  private let state = Mutex(State())

  /// The first plan; a later one may be here already.
  func begin(with update: RouteUpdate) {
    state.withLock { state in
      state.plan = state.plan ?? update.plan
      state.pending = .all
    }
  }

  func first() throws(XSKError) -> Routes {
    guard let plan = take().plan else { preconditionFailure("there is a first plan") }
    return try Routes(ipv4: plan.ipv4, ipv6: plan.ipv6, hops: plan.hops, routers: plan.routers)
  }

  func open(_ pipeline: Pipeline, _ engine: Engine) {
    state.withLock { ($0.pipeline, $0.engine) = (pipeline, engine) }
    apply()
  }

  func close() { state.withLock { ($0.pipeline, $0.engine) = (nil, nil) } }

  /// On the follower's thread.
  func take(_ update: RouteUpdate) {
    state.withLock { state in
      state.plan = update.plan
      state.pending.formUnion(update.changes)
    }
    apply()
  }

  func retry() {
    let isDue = state.withLock { $0.retryAt.map { TimestampClock.monotonicNanoseconds >= $0 } ?? false }
    if isDue { apply() }
  }

  /// What waits; it is the caller's now.
  private func take() -> (plan: RoutePlan?, changes: RouteChanges) {
    state.withLock { state in
      defer { (state.plan, state.pending, state.retryAt) = (nil, [], nil) }
      return (state.plan, state.pending)
    }
  }

  private func apply() {
    let (pipeline, engine) = state.withLock { ($0.plan == nil ? nil : $0.pipeline, $0.engine) }
    guard let pipeline, let engine else { return }
    let taken = Mutex<RoutePlan?>(nil)
    do throws(XSKError) {
      try pipeline.replaceRoutes(wake: engine.wakeWorkers) { former throws(XSKError) in
        let (plan, changes) = take()
        guard let plan else { return former }
        taken.withLock { $0 = plan }
        return try Routes(plan, after: former, changes: changes)
      }
    } catch {
      // A newer plan may be here already. Whichever it is, all of it is new to the pipeline.
      state.withLock { state in
        state.plan = state.plan ?? taken.withLock { $0 }
        state.pending = .all
        state.retryAt = TimestampClock.monotonicNanoseconds + 1_000_000_000
      }
      Console.error("xskfwd: routes: \(error)")
    }
  }
}
