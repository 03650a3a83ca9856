import Glibc
import Synchronization
public import XSKEngine

/// The forwarder's pipeline from the control plane's side: makes the workers' handlers, swaps policies under them, and knows
/// what their rules have counted.
///
///     let pipeline = try Pipeline(configuration, facts: facts)
///     let engine = try Engine.start(try configuration.engineConfiguration()) { placement in
///       try pipeline.handler(for: placement)
///     }
///     try pipeline.replace(with: changed)
public final class Pipeline: Sendable {
  /// A worker as the control plane sees it.
  private struct Member: Sendable {
    let exchange: PolicyExchange
    /// The number of the state that the worker had when it was last looked at.
    var adopted: UInt64 = 0
    /// What it counts under the policies that it may still work by, oldest first, by the numbers of its states.
    var counting: [(sequence: UInt64, past: PastPolicy)]
  }

  private struct State: Sendable {
    var policy: Policy
    var members: [Int: Member] = [:]
    var workers = 1
    /// What was counted under policies that are gone, by kind and name.
    var past: [CountedThing: RuleCount] = [:]
    var generation: UInt64 = 1
    /// Of the last state that was sent to the workers.
    var sequence: UInt64 = 0
    var notes = RuleNotes()
    var limiters = LimiterNumbers()
  }

  private let state: Mutex<State>
  /// One replacement at a time.
  private let replacing = Mutex<Void>(())
  private let taps: [TapDevice?]
  /// Asks for neighbours that packets wait for.
  private let resolve: (@Sendable (IPAddress, Int) -> Void)?

  /// - Parameters:
  ///   - policy: what the workers begin with.
  ///   - taps: for each port the TAP device that the action `host` hands packets to; nil: none.
  ///   - resolve: called on workers, in housekeeping, with destinations whose neighbour on a port is not known: at most 16 in
  ///     10 ms, again and again while packets to them come.
  public init(
    _ policy: Policy, taps: [TapDevice?] = [], resolve: (@Sendable (IPAddress, Int) -> Void)? = nil
  ) {
    self.resolve = resolve
    state = Mutex(State(policy: policy))
    self.taps = taps
  }

  /// The policy that is in force, or about to be.
  public var policy: Policy { state.withLock { $0.policy } }

  /// Policies so far, the first included.
  public var generation: UInt64 { state.withLock { $0.generation } }

  /// Names of rules by the numbers that workers note of packets (`Burst.note`). A number keeps its name.
  public var noteNames: [String] { state.withLock { $0.notes.names } }

  /// A worker's handler behind GRO. On the worker's thread: its memory lies there.
  ///
  /// - Throws: too much memory, or a TAP device that has no queue left.
  public func handler(for placement: Engine.Placement) throws(XSKError) -> CoalescingHandler<PipelineHandler> {
    try handler(
      worker: placement.worker, of: placement.workerCount, queues: placement.slotCount, offload: placement.offload)
  }

  /// As `handler(for:)`, for a worker that is not an engine's.
  ///
  /// - Parameters:
  ///   - isOffline: there is no host's stack: what would go there counts as delivered.
  ///   - seed: what GRO hashes by; given only where a run is to repeat exactly.
  public func handler(
    worker: Int = 0, of workers: Int = 1, queues: Int, offload: OffloadRequests? = nil,
    isOffline: Bool = false, seed: UInt64 = .random(in: .min ... .max)
  ) throws(XSKError) -> CoalescingHandler<PipelineHandler> {
    let policy = policy
    let exchange = PolicyExchange()
    let (notes, limiters) = state.withLock { ($0.notes.numbers(of: policy), $0.limiters.limiters(of: policy)) }
    let first = try PolicyState(policy, workers: workers, notes: notes, knownLimiters: limiters, sequence: 0)
    let member = Member(
      exchange: exchange, counting: [(0, PastPolicy(policy: policy, counters: first.counterMemory))])
    state.withLock {
      $0.members[worker] = member
      $0.workers = workers
    }
    let engine = policy.configuration.engine
    let hosts = try HostPorts(taps, worker: worker, batch: engine.batch, isPretended: isOffline)
    return try CoalescingHandler(
      PipelineHandler(first, exchange, hosts: hosts, offload: offload, awaited: AwaitedNeighbours(resolve)),
      gro: policy.configuration.groConfiguration(seed: seed),
      batch: engine.batch, queues: queues)
  }
}

// MARK: Replacing

extension Pipeline {
  /// As `replace(within:wake:make:)`, by a policy that does not depend on the one in force.
  @discardableResult
  public func replace(
    with policy: Policy, within seconds: Double = 5, wake: () -> Void = {}
  ) throws(XSKError) -> PolicyReplacement {
    try replace(within: seconds, wake: wake) { _ in policy }
  }

  /// Puts other routes in force, with the same rules and sets. It is no new generation.
  ///
  /// - Parameter make: makes them of those that are in force.
  @discardableResult
  public func replaceRoutes(
    wake: () -> Void = {}, make: (Routes) throws(XSKError) -> Routes
  ) throws(XSKError) -> PolicyReplacement {
    try replace(within: 5, generations: 0, wake: wake) { policy throws(XSKError) in
      Policy(policy, routes: try make(policy.routes))
    }
  }

  /// Puts another policy in force: on every worker between two bursts, whole. Buckets of limiters that stay, and counts of
  /// rules that stay, go on. One replacement at a time: others wait.
  ///
  /// - Parameters:
  ///   - seconds: how long to wait for the workers' answers.
  ///   - wake: wakes workers that sleep.
  ///   - make: makes it of the one in force: for the same ports, engine and metadata, which a running engine can't change.
  /// - Throws: what `make` throws, or too much memory: then nothing has changed.
  @discardableResult
  public func replace(
    within seconds: Double = 5, wake: () -> Void = {}, make: (Policy) throws(XSKError) -> Policy
  ) throws(XSKError) -> PolicyReplacement {
    try replace(within: seconds, generations: 1, wake: wake, make: make)
  }

  private func replace(
    within seconds: Double, generations: UInt64, wake: () -> Void, make: (Policy) throws(XSKError) -> Policy
  ) throws(XSKError) -> PolicyReplacement {
    try replacing.withLock { _ throws(XSKError) -> PolicyReplacement in
      let policy = try make(self.policy)
      try send(policy, generations)
      wake()
      return PolicyReplacement(generation: generation, silentWorkers: waitForAnswers(policy, seconds))
    }
  }

  private func send(_ policy: Policy, _ generations: UInt64) throws(XSKError) {
    let (members, workers) = state.withLock { ($0.members, $0.workers) }
    let (notes, limiters, sequence) = state.withLock {
      ($0.notes.numbers(of: policy), $0.limiters.limiters(of: policy), $0.sequence + 1)
    }
    let order = members.keys.sorted()
    var states = try FixedArray<PolicyState?>(count: order.count) { _ throws(XSKError) in
      try PolicyState(policy, workers: workers, notes: notes, knownLimiters: limiters, sequence: sequence)
    }
    // All are made: from here on nothing fails.
    state.withLock {
      $0.policy = policy
      $0.generation += generations
      $0.sequence = sequence
    }
    for (place, worker) in order.enumerated() {
      guard let next = states[place].take() else { continue }
      let past = PastPolicy(policy: policy, counters: next.counterMemory)
      state.withLock { $0.members[worker]?.counting.append((sequence, past)) }
      members[worker]?.exchange.send(next)
    }
  }

  /// The workers that have not answered in time.
  private func waitForAnswers(_ policy: Policy, _ seconds: Double) -> [Int] {
    let end = TimestampClock.monotonicNanoseconds + UInt64(seconds * 1e9)
    while true {
      let silent = collect(policy)
      if silent.isEmpty || TimestampClock.monotonicNanoseconds >= end { return silent }
      usleep(200)
    }
  }

  /// Takes the workers' answers in: what they counted under policies before is kept by name.
  ///
  /// - Returns: those that don't work by the newest policy yet.
  private func collect(_ policy: Policy) -> [Int] {
    state.withLock { state in
      var silent: [Int] = []
      for worker in state.members.keys.sorted() {
        guard var member = state.members[worker] else { continue }
        let (adopted, past) = member.exchange.collect()
        for one in past { state.past.add(one.policy, one.counters) }
        member.adopted = adopted
        // Those before were given back, or never taken: then they have counted nothing.
        member.counting.removeAll { $0.sequence < adopted }
        state.members[worker] = member
        if adopted != state.sequence { silent.append(worker) }
      }
      if silent.isEmpty {
        state.past.keep(policy)
        state.limiters.keep(policy)
      }
      return silent
    }
  }
}

/// What came of a replacement.
public struct PolicyReplacement: Hashable, Sendable {
  /// Policies so far, the first included; updates of routes don't count.
  public var generation: UInt64
  /// Workers that have not answered in time: they go on by the policy before, and take the new one once they go on at all.
  public var silentWorkers: [Int]
}

// MARK: Counts

extension Pipeline {
  /// What rules, last resorts, counters and limiters have counted since the start, or since they are there.
  public var counts: PipelineCounts {
    state.withLock { state in
      var sums = state.past
      for member in state.members.values {
        for (_, past) in member.counting { sums.add(past.policy, past.counters) }
      }
      return PipelineCounts(state.policy, sums, generation: state.generation)
    }
  }
}
