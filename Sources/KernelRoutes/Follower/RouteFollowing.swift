public import Forwarder
import Synchronization
public import XSKEngine

/// The kernel's routes on their way into a running pipeline (`routes: kernel`).
public final class RouteFollowing: Sendable {
  private let feed: RouteFeed
  private let follower: KernelRouteFollower

  /// - Parameters:
  ///   - adapt: changes each plan before tables are made of it.
  ///   - onProblem: told what stands in the way, from any thread.
  /// - Throws: if the kernel can't be asked.
  public init(
    _ configuration: ForwarderConfiguration, adapt: @escaping @Sendable (inout RoutePlan) -> Void = { _ in },
    onProblem: @escaping @Sendable (XSKError) -> Void
  ) throws(XSKError) {
    let feed = RouteFeed(adapt: adapt, onProblem: onProblem)
    let (follower, first) = try KernelRouteFollower.start(
      configuration, onProblem: onProblem, onUpdate: { feed.take($0) })
    self.feed = feed
    self.follower = follower
    feed.begin(with: first)
  }

  /// The routes to begin with.
  public func first() throws(XSKError) -> Routes { try feed.first() }

  /// Asks for a destination's neighbour.
  public var resolve: @Sendable (IPAddress, Int) -> Void { { [follower] in follower.resolve($0, port: $1) } }

  /// From now on there are workers to take routes; what came before is given to them at once.
  public func begin(_ pipeline: Pipeline, _ engine: Engine) { feed.open(pipeline, engine) }

  public func reconfigure(_ configuration: ForwarderConfiguration) { follower.reconfigure(configuration) }

  /// Tries again what failed.
  public func retry() { feed.retry() }

  public func end() {
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
  private let adapt: @Sendable (inout RoutePlan) -> Void
  private let onProblem: @Sendable (XSKError) -> Void

  init(adapt: @escaping @Sendable (inout RoutePlan) -> Void, onProblem: @escaping @Sendable (XSKError) -> Void) {
    (self.adapt, self.onProblem) = (adapt, onProblem)
  }

  /// The first plan; a later one may be here already.
  func begin(with update: RouteUpdate) {
    state.withLock { state in
      state.plan = state.plan ?? update.plan
      state.pending = .all
    }
  }

  func first() throws(XSKError) -> Routes {
    guard var plan = take().plan else { preconditionFailure("there is a first plan") }
    adapt(&plan)
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
        var adapted = plan
        adapt(&adapted)
        return try Routes(adapted, after: former, changes: changes)
      }
    } catch {
      // A newer plan may be here already. Whichever it is, all of it is new to the pipeline.
      state.withLock { state in
        state.plan = state.plan ?? taken.withLock { $0 }
        state.pending = .all
        state.retryAt = TimestampClock.monotonicNanoseconds + 1_000_000_000
      }
      onProblem(error)
    }
  }
}
