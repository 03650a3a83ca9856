import XSKEngine

/// What becomes of packets that one rule, or a last resort, decides about: compiled from its actions.
@frozen @usableFromInline struct PipelineEntry: BitwiseCopyable, Sendable {
  @frozen @usableFromInline enum Kind: UInt8, Sendable {
    /// `verdict`, and nothing else: most rules of a scrubber.
    case verdict
    /// Where the routing table says, and nothing else.
    case route
    /// Dropped under the malformation's name.
    case malformed
    /// `verdict`, and the XDP program is asked to carry it out from now on, for the source or for the flow.
    case offloadedSource, offloadedFlow
    /// `count` steps from `first` on.
    case steps
  }

  @usableFromInline var kind: Kind
  @usableFromInline var verdict: Verdict
  @usableFromInline var first: UInt32 = 0
  @usableFromInline var count: UInt32 = 0
}

/// An action, with names made numbers.
struct PipelineStep: BitwiseCopyable, Sendable {
  enum Kind: UInt8, Sendable {
    // Terminal: the packet goes no further.
    case verdict, route, host, malformed
    // The packet goes on.
    case limit, sample, count, setVLAN, removeVLAN, setMark, skip
  }

  var kind: Kind
  /// Of `verdict`; what exceeds a limit gets.
  var verdict = Verdict.drop(.policy)
  /// The limiter, the counter's place, one packet in so many, the VLAN id, the mark, the next rule.
  var number: UInt32 = 0
  /// The mark's bits.
  var mask: UInt32 = 0
  /// The VLAN priority; 0xFF: as it was.
  var priority: UInt8 = 0xFF

  var isPlain: Bool {
    switch kind {
    case .verdict, .route, .limit, .count, .skip: true
    case .host, .malformed, .sample, .setVLAN, .removeVLAN, .setMark: false
    }
  }
}

/// The actions of all rules, of the two last resorts behind them, and what access lists' rules decide.
struct PipelineProgram: Sendable {
  private(set) var entries: [PipelineEntry] = []
  private(set) var steps: [PipelineStep] = []
  /// Names of `count` actions, each once; their places are behind the entries'.
  private(set) var counterNames: [String] = []
  private var counterNumbers: [String: Int] = [:]
  private let reasons: [String: DropReason]
  private let entryCount: Int
  /// The entries that packets come to by the rule set, without the last resort for malformed ones.
  private let wellFormed: Range<Int>

  /// - Parameters:
  ///   - access: all access lists' rules.
  ///   - reasons: what packets are dropped under, for each name in the rules.
  init(_ set: RuleSet, access: [AccessList.Rule], reasons: [String: DropReason]) {
    self.reasons = reasons
    entryCount = set.rules.count + 2 + access.count
    wellFormed = 0..<set.rules.count + 1
    for rule in set.rules { add(rule.actions.map { step($0) }, offload: rule.offload) }
    add([step(set.defaultAction)])
    add([set.malformedAction.map { step($0) } ?? PipelineStep(kind: .malformed)])
    // Routing is what packets that pass go on with.
    for rule in access {
      let verdict = rule.drop.map { Verdict.drop(reasons[$0] ?? .policy) }
      entries.append(PipelineEntry(kind: verdict == nil ? .route : .verdict, verdict: verdict ?? .drop(.policy)))
    }
  }

  /// Whether a plain packet's way can be gone to its end without looking at more than its headers, whatever rules it meets: they
  /// limit, count, skip, route, and give verdicts. The last resort for malformed packets is none that it meets.
  var hasPlainStepsOnly: Bool {
    entries[wellFormed].allSatisfy { entry in
      switch entry.kind {
      case .verdict, .route: true
      case .malformed, .offloadedSource, .offloadedFlow: false
      case .steps: steps[Int(entry.first)..<Int(entry.first + entry.count)].allSatisfy(\.isPlain)
      }
    }
  }

  private mutating func add(_ steps: [PipelineStep], offload: RuleOffload? = nil) {
    var entry = PipelineEntry(
      kind: .steps, verdict: .drop(.policy), first: UInt32(self.steps.count), count: UInt32(steps.count))
    if steps.count == 1 {
      switch steps[0].kind {
      case .verdict:
        entry.verdict = steps[0].verdict
        switch offload {
        case nil: entry.kind = .verdict
        case .source: entry.kind = .offloadedSource
        case .flow: entry.kind = .offloadedFlow
        }
      case .route: entry.kind = .route
      case .malformed: entry.kind = .malformed
      default: break
      }
    }
    entries.append(entry)
    self.steps += steps
  }

  private mutating func step(_ action: RuleAction) -> PipelineStep {
    switch action {
    case .drop(let reason): PipelineStep(kind: .verdict, verdict: .drop(reasons[reason] ?? .policy))
    case .forward(let port): PipelineStep(kind: .verdict, verdict: .forward(to: UInt8(port)))
    case .reflect: PipelineStep(kind: .verdict, verdict: .reflect)
    case .route: PipelineStep(kind: .route)
    case .host: PipelineStep(kind: .host)
    case .rateLimit(let limiter, let excess):
      PipelineStep(kind: .limit, verdict: .drop(reasons[excess] ?? .rateLimit), number: UInt32(limiter))
    case .sample(let oneIn): PipelineStep(kind: .sample, number: UInt32(oneIn))
    case .count(let name): PipelineStep(kind: .count, number: counter(name))
    case .setVLAN(.tag(let id, let priority)):
      PipelineStep(kind: .setVLAN, number: UInt32(id), priority: priority.map { UInt8($0) } ?? 0xFF)
    case .setVLAN(.remove): PipelineStep(kind: .removeVLAN)
    case .skip(let rule): PipelineStep(kind: .skip, number: UInt32(rule))
    case .setMark(let value, let mask): PipelineStep(kind: .setMark, number: value, mask: mask)
    }
  }

  private mutating func counter(_ name: String) -> UInt32 {
    let number = counterNumbers[name] ?? counterNames.count
    if number == counterNames.count {
      counterNames.append(name)
      counterNumbers[name] = number
    }
    return UInt32(entryCount + number)
  }
}
