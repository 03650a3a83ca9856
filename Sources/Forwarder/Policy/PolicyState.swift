import PacketHeaders
import XSKEngine

/// A policy as one worker carries it out: the tables as plain values, and what is the worker's own, buckets and counters.
///
/// It is made by the control plane, handed over whole, and handed back whole (`PolicyExchange`): the packet path never sees
/// half of one, and nothing is allocated or freed there.
public struct PolicyState: ~Copyable, @unchecked Sendable {
  // Sendable: one thread has it at a time. What it points into is kept by `policy` and `counterMemory`.
  let policy: Policy
  let counterMemory: PolicyCounters
  @usableFromInline let classifier: RuleClassifier
  /// What plain packets are asked by: the same if no rule asks for more than the flow; otherwise, on ports of `hasNoRules`, no rules.
  @usableFromInline let plainClassifier: RuleClassifier
  /// By port: no rule is for untagged packets.
  @usableFromInline let hasNoRules: FixedArray<Bool>
  @usableFromInline let entries: FixedArray<PipelineEntry>
  let steps: FixedArray<PipelineStep>
  @usableFromInline let sets: FixedArray<PrefixSet.View>
  @usableFromInline var stage: RouteStage
  @usableFromInline let sources: SourceGuardTable
  @usableFromInline let counters: PolicyCountersView
  var limiters: FixedArray<WorkerLimiter>
  /// The limiters in the order of numbers that they keep (`LimiterNumbers`).
  private let knownLimiters: FixedArray<KnownLimiter>
  @usableFromInline var access: AccessTable
  /// Which of the states that were sent to the worker it is, from 0.
  let sequence: UInt64
  let places: PolicyPlaces
  /// What captures call each entry by (`Burst.note`).
  let noteNumbers: FixedArray<UInt32>
  /// Rules; the last resorts' entries are behind theirs.
  @usableFromInline let ruleCount: Int
  /// Packets of a unit may meet different rules.
  @usableFromInline let looksBeyondFlow: Bool
  /// Not only on their way through access lists.
  let rulesLookBeyondFlow: Bool
  @usableFromInline let usesMetadata: Bool
  /// No rule asks for more than addresses, ports, protocol and prefix sets.
  @usableFromInline let asksForFlowOnly: Bool
  @usableFromInline let usesRoutes: Bool
  /// Every rule's steps are such as `carryOutPlain` can carry out.
  @usableFromInline let hasPlainStepsOnly: Bool
  /// Of verdicts in the kernel: milliseconds, and the generation that they are asked for in.
  let verdictLifetime: UInt32
  let verdictGeneration: UInt32
  @usableFromInline let sourceSets: UInt64
  @usableFromInline let destinationSets: UInt64

  /// - Parameters:
  ///   - workers: that limits on all packets of a rule are divided among.
  ///   - notes: what captures call rules and last resorts by.
  ///   - knownLimiters: `LimiterNumbers.limiters(of:)`.
  ///   - sequence: which of the states that the worker is sent, from 0.
  /// - Throws: too much memory.
  init(
    _ policy: Policy, workers: Int, notes: [UInt32], knownLimiters: [KnownLimiter], sequence: UInt64
  ) throws(XSKError) {
    self.sequence = sequence
    self.policy = policy
    noteNumbers = FixedArray(notes)
    self.knownLimiters = FixedArray(knownLimiters)
    places = policy.places
    counterMemory = PolicyCounters(count: places.count)
    // Safe: `policy` and `counterMemory` are kept beside the views.
    unsafe (classifier, counters) = (policy.rules.classifier, counterMemory.view)
    unsafe plainClassifier = policy.plainRules.classifier
    hasNoRules = FixedArray(policy.hasNoRules)
    sets = FixedArray(policy.sets.map { unsafe $0.view })
    entries = FixedArray(policy.program.entries)
    steps = FixedArray(policy.program.steps)
    stage = RouteStage(policy.routes, answersUnresolved: policy.configuration.kernelRoutes == nil)
    sources = SourceGuardTable(policy.configuration.sources)
    let limiters = policy.configuration.limiters
    self.limiters = try FixedArray(count: limiters.count) { number throws(XSKError) in
      try WorkerLimiter(limiters[number], workers: workers)
    }
    access = AccessTable(policy, workers: workers)
    ruleCount = places.rules
    rulesLookBeyondFlow = policy.rules.looksBeyondFlow
    looksBeyondFlow = rulesLookBeyondFlow || policy.access.compiled.looksBeyondFlow
    asksForFlowOnly = classifier.asksForFlowOnly
    usesMetadata = policy.usesMetadata
    usesRoutes = policy.usesRoutes
    hasPlainStepsOnly = policy.program.hasPlainStepsOnly
    verdictLifetime = UInt32(policy.configuration.offload.lifetime)
    verdictGeneration = policy.verdictGeneration
    (sourceSets, destinationSets) = policy.setsInUse
  }

  /// Takes over the buckets of limiters that are the same. In housekeeping: nothing is allocated.
  mutating func inherit(from past: inout PolicyState) {
    var (place, pastPlace) = (0, 0)
    // Both in the order of their numbers.
    while place < knownLimiters.count, pastPlace < past.knownLimiters.count {
      let (limiter, before) = (knownLimiters[place], past.knownLimiters[pastPlace])
      if limiter.number == before.number {
        swap(&limiters[limiter.index], &past.limiters[before.index])
        access.inherit(limiter.index, from: past.access, before.index)
      }
      if limiter.number <= before.number { place += 1 }
      if before.number <= limiter.number { pastPlace += 1 }
    }
  }

  /// Writes what the limiters know of themselves to the counters.
  mutating func publishGauges() {
    for number in 0..<limiters.count {
      counters.set(places.limiter(number) + 2, packets: limiters[number].sharedPackets)
    }
  }
}
