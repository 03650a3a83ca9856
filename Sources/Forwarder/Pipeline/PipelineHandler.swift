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
  /// Where verdicts in the kernel are asked for; nil: nowhere.
  let offload: OffloadDoor
  /// The time of the packets, in ticks of `TimestampClock`, where it is not now: of a capture's. 0: now.
  public var replayTime: UInt64 = 0 { didSet { answers.replayTime = replayTime } }
  /// Destinations whose neighbour is not known, until the next housekeeping.
  var awaited: AwaitedNeighbours
  /// For samples: xorshift64*, seeded for each worker.
  var random: UInt64 = .random(in: 1 ... .max)

  init(
    _ state: consuming PolicyState, _ exchange: PolicyExchange, hosts: consuming HostPorts, offload: OffloadRequests?,
    awaited: consuming AwaitedNeighbours
  ) {
    self.offload = OffloadDoor(offload)
    self.awaited = awaited
    self.state = state
    self.exchange = exchange
    self.hosts = hosts
    answers = AnswerQueue()
  }

  @inlinable @inline(__always)
  public mutating func decide(
    _ unit: GROUnit, of gro: borrowing GROLite, in burst: inout Burst
  ) -> Verdict? {
    // Its packets have the same addresses, of the link too.
    if state.sources.isOn && !state.sources.admits(gro.summary(of: unit), on: burst.port) {
      if let reason = state.sources.reason(gro.summary(of: unit), on: burst.port) { return .drop(reason) }
    }
    if state.looksBeyondFlow && unit.count > 1 {
      let isTagged = gro.summary(of: unit).vlanTags != 0
      if looksBeyondFlow(gro.summary(of: unit).key, burst.port, isTagged: isTagged) {
        return decideEach(unit, gro, &burst)
      }
    }
    let place = match(gro.summary(of: unit), unit.first, &burst)
    let entry = state.entries[place]
    // The two that are common, without a table of jumps.
    if entry.kind == .route && !burst.isCapturing {
      let hop = state.stage.plainHop(gro.summary(of: unit))
      if hop != RouteStage.noPlainHop {
        if state.access.isOn { return decideListed(place, hop, unit, gro, &burst) }
        let headers = gro.summary(of: unit)
        let bytes = state.stage.rewrite(
          unit, for: hop, network: Int(headers.networkOffset), version: headers.key.version, of: gro, in: &burst)
        state.counters.add(place, packets: unit.count, bytes: bytes)
        let verdict = state.stage.verdict(hop)
        return state.sources.isolates ? apart(verdict, burst.port) : verdict
      }
    }
    state.counters.add(place, packets: unit.count, bytes: Self.bytes(unit, unit.count, gro, burst.packets))
    if burst.isCapturing { note(place, unit, unit.count, gro, &burst) }
    if entry.kind == .verdict { return entry.verdict }
    return decideOtherwise(place, unit, gro.summary(of: unit), gro, &burst)
  }

  @inlinable public static var decidesAlone: Bool { true }

  /// What is seldom, or takes its time.
  @usableFromInline @inline(never)
  mutating func decideOtherwise(
    _ place: Int, _ unit: GROUnit, _ summary: PacketSummary, _ gro: borrowing GROLite, _ burst: inout Burst
  ) -> Verdict? {
    let entry = state.entries[place]
    switch entry.kind {
    case .route where !state.access.isOn: return routeOtherwise(unit, summary, gro, &burst)
    case .route, .verdict, .steps: return carryOut(place, unit, summary, gro, &burst)
    case .offloadedSource, .offloadedFlow:
      ask(entry, summary, burst.port)
      return entry.verdict
    case .malformed: return .drop(.malformed(summary.malformation))
    }
  }

  // A burst, and this handler, are large, and what borrows one out of line is given a copy of it: so helpers are mutating, and
  // bursts inout. A summary is asked for where it is needed: no copy is made for what is seldom.

  /// What has been routed, unless it may not leave there.
  @inlinable @inline(__always)
  func apart(_ verdict: Verdict, _ ingress: UInt8) -> Verdict {
    guard let egress = verdict.egressPort, state.sources.separates(ingress, egress) else { return verdict }
    return .drop(.isolated)
  }

  /// The entry of the first rule, from `first` on, that matches a packet; of the last resort if none does.
  @inlinable @inline(always)
  mutating func match(
    _ summary: @autoclosure () -> PacketSummary, _ index: Int, _ burst: inout Burst, from first: Int = 0
  ) -> Int {
    guard state.asksForFlowOnly else { return matchAny(summary(), index, &burst, from: first, mark: nil) }
    let headers = summary()
    let found = state.classifier.firstMatch(
      headers.key, headers.flags, headers.malformation, context: PrefixSetContext(state.sets.span), from: first)
    return found ?? lastResort(headers.malformation)
  }

  /// The same of rules that ask for more than the flow.
  ///
  /// - Parameter mark: what rules have set.
  @usableFromInline @inline(never)
  mutating func matchAny(
    _ summary: PacketSummary, _ index: Int, _ burst: inout Burst, from first: Int, mark: UInt32?
  ) -> Int {
    if summary.vlanTags == 0 && state.hasNoRules[Int(burst.port)] { return lastResort(summary.malformation) }
    let found =
      state.usesMetadata
      ? matchMetadata(summary, index, &burst, from: first, mark: mark)
      : matchPlain(summary, index, &burst, from: first)
    guard let found else { return lastResort(summary.malformation) }
    return found
  }

  @inline(never)
  private mutating func matchPlain(
    _ summary: PacketSummary, _ index: Int, _ burst: inout Burst, from first: Int
  ) -> Int? {
    let (port, length) = (burst.port, burst.length(index))
    return state.classifier.firstMatch(
      summary, frame: burst.bytes(index), length: length, ingressPort: port,
      context: PrefixSetContext(state.sets.span), from: first)
  }

  @inline(never)
  private mutating func matchMetadata(
    _ summary: PacketSummary, _ index: Int, _ burst: inout Burst, from first: Int, mark: UInt32?
  ) -> Int? {
    let (port, length) = (burst.port, burst.length(index))
    return state.classifier.firstMatch(
      summary, frame: burst.bytes(index), length: length, ingressPort: port,
      context: MetadataContext(state.sets.span, burst.metadata(index).block, mark: mark), from: first)
  }

  @inlinable @inline(__always)
  mutating func lastResort(_ malformation: Malformation) -> Int {
    malformation == .none ? state.ruleCount : state.ruleCount &+ 1
  }

  /// Bytes of a unit's first `count` frames.
  @inlinable @inline(__always)
  static func bytes(
    _ unit: GROUnit, _ count: Int, _ gro: borrowing GROLite, _ packets: borrowing BurstPackets
  ) -> Int {
    guard count > 0 else { return 0 }
    var bytes = packets.packetLength(at: unit.first)
    var index = unit.first
    for _ in 1..<count {
      index = gro.next(after: index)
      bytes &+= packets.packetLength(at: index)
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
  public func prefetch(alone headers: RawSpan) {
    guard state.usesRoutes || state.sourceSets | state.destinationSets != 0 else { return }
    // Untagged IPv4. It is a hint: whatever lies there, looking it up is harmless.
    guard headers.byteCount >= 34, headers.byte(12) == 0x08, headers.byte(13) == 0 else { return }
    let (source, destination) = (headers.word(26), headers.word(30))
    if state.usesRoutes { state.stage.prefetch(ipv4: destination) }
    prefetch(state.sourceSets, source)
    prefetch(state.destinationSets, destination)
  }

  @inlinable @inline(__always)
  func prefetch(_ sets: UInt64, _ address: UInt32) {
    var left = sets
    while left != 0 {
      state.sets[left.trailingZeroBitCount].prefetch(address)
      left &= left &- 1
    }
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
    awaited.ask(now: nanoseconds)
  }
}
