public import GROLite
public import PacketHeaders
public import XSKEngine

/// The forwarder's pipeline: rules decide once for each unit, and their actions are carried out.
///
/// Conditions look at packets as they came in, whatever actions have changed since, but for the mark. Where a rule asks for
/// what the packets of a unit may differ in (length, TCP flags, metadata) each packet is decided about by itself.
public struct PipelineHandler: UnitHandler, ~Copyable {
  @usableFromInline var state: PolicyState
  @usableFromInline var answers: AnswerQueue
  let exchange: PolicyExchange
  var hosts: HostPorts
  /// For samples: xorshift64*, seeded for each worker.
  var random: UInt64 = .random(in: 1 ... .max)

  init(_ state: consuming PolicyState, _ exchange: PolicyExchange, hosts: consuming HostPorts) {
    self.state = state
    self.exchange = exchange
    self.hosts = hosts
    answers = AnswerQueue()
  }

  @inlinable public mutating func decide(
    _ unit: GROUnit, of gro: borrowing GROLite, in burst: inout Burst
  ) -> Verdict? {
    if state.looksBeyondFlow && unit.count > 1 { return decideEach(unit, gro, &burst) }
    let summary = gro.summary(of: unit)
    let place = match(summary, unit.first, burst, from: 0)
    let entry = state.entries[place]
    switch entry.kind {
    case .verdict:
      count(place, unit, gro, burst)
      return entry.verdict
    case .route:
      count(place, unit, gro, burst)
      return state.stage.route(unit, summary, of: gro, in: &burst, &answers)
    case .malformed:
      count(place, unit, gro, burst)
      return .drop(.malformed(summary.malformation))
    case .steps:
      return carryOut(place, unit, summary, gro, &burst)
    }
  }

  /// The entry of the first rule, from `first` on, that matches a packet; of the last resort if none does.
  @inlinable @inline(__always)
  func match(_ summary: PacketSummary, _ index: Int, _ burst: borrowing Burst, from first: Int) -> Int {
    let found =
      state.usesMetadata
      ? matchMetadata(summary, index, burst, from: first, mark: nil)
      : state.classifier.firstMatch(
        summary, frame: burst.bytes(index), length: burst.length(index), ingressPort: burst.port,
        context: PrefixSetContext(state.sets.span), from: first)
    return found ?? lastResort(summary)
  }

  @inlinable @inline(__always)
  func lastResort(_ summary: PacketSummary) -> Int {
    summary.malformation == .none ? state.ruleCount : state.ruleCount &+ 1
  }

  @usableFromInline @inline(never)
  func matchMetadata(
    _ summary: PacketSummary, _ index: Int, _ burst: borrowing Burst, from first: Int, mark: UInt32?
  ) -> Int? {
    state.classifier.firstMatch(
      summary, frame: burst.bytes(index), length: burst.length(index), ingressPort: burst.port,
      context: MetadataContext(state.sets.span, burst.metadata(index), mark: mark), from: first)
  }

  @inlinable @inline(__always)
  func count(_ place: Int, _ unit: GROUnit, _ gro: borrowing GROLite, _ burst: borrowing Burst) {
    state.counters.add(place, packets: unit.count, bytes: Self.bytes(unit, gro, burst))
  }

  /// Bytes of a unit's frames.
  @inlinable @inline(__always)
  static func bytes(_ unit: GROUnit, _ gro: borrowing GROLite, _ burst: borrowing Burst) -> Int {
    var bytes = burst.length(unit.first)
    var index = unit.first
    for _ in 1..<unit.count {
      index = gro.next(after: index)
      bytes &+= burst.length(index)
    }
    return bytes
  }
}

// MARK: Memory that is far away

extension PipelineHandler {
  @inlinable public static var prefetchDistance: Int { 8 }

  @inlinable @inline(__always)
  public func prefetch(_ unit: GROUnit, of gro: borrowing GROLite) {
    let sets = state.sourceSets | state.destinationSets
    guard state.usesRoutes || sets != 0 else { return }
    let key = gro.summary(of: unit).key
    if state.usesRoutes { state.stage.prefetch(key) }
    if sets != 0 { prefetch(sets, key) }
  }

  @inlinable @inline(__always)
  func prefetch(_ sets: UInt64, _ key: FlowKey) {
    var left = sets
    while left != 0 {
      let set = left.trailingZeroBitCount
      left &= left &- 1
      let bit = UInt64(1) &<< UInt64(truncatingIfNeeded: set)
      if key.version == 4 {
        if state.sourceSets & bit != 0 { state.sets[set].prefetch(key.sourceIPv4) }
        if state.destinationSets & bit != 0 { state.sets[set].prefetch(key.destinationIPv4) }
      } else {
        if state.sourceSets & bit != 0 { state.sets[set].prefetch(key.sourceIPv6) }
        if state.destinationSets & bit != 0 { state.sets[set].prefetch(key.destinationIPv6) }
      }
    }
  }
}

// MARK: Beside the packets

extension PipelineHandler {
  public mutating func originate(_ burst: inout Burst) {
    answers.send(&burst)
    hosts.originate(&burst)
  }

  public var wakeDescriptor: CInt { hosts.wakeDescriptor }

  public mutating func housekeeping(nanoseconds: UInt64) {
    exchange.receive(into: &state)
    state.publishGauges()
  }
}
