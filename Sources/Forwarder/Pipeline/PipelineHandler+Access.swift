import GROLite
import PacketHeaders
import XSKEngine

/// Access lists: asked of what is routed, on either side.
extension PipelineHandler {
  /// Has a plain packet meet the two lists on its way, whose rules ask for the flow only. Parameters as for `carryOutPlain`.
  @inline(__always)
  mutating func passPlain(
    _ ports: UInt32, _ addresses: UInt64, _ identity: UInt64, _ bytes: Int, _ now: UInt64
  ) -> PlainOutcome {
    // Both lists look at the same protocol and ports.
    let served = state.access.services.served(identity: identity)
    // Plain values: what is written in between can't change where they lead.
    let (lanes, counters) = (state.access.lanes, state.counters)
    let (arriving, leaving) = (AccessLane.arriving(ports), AccessLane.leaving(ports))
    if let verdict = passPlain(arriving, lanes, counters, served, addresses, identity, bytes, now) {
      return .isDecided(verdict)
    }
    if let verdict = passPlain(leaving, lanes, counters, served, addresses, identity, bytes, now) {
      return .isDecided(verdict)
    }
    return .isRouted
  }

  /// Has a plain packet meet a list.
  ///
  /// - Parameters:
  ///   - lanes, counters: the state's.
  ///   - served: compiled rules that protocol and ports leave, if they are in one word.
  /// - Returns: why it goes no further; nil: it passes.
  @inline(__always)
  private mutating func passPlain(
    _ number: Int, _ lanes: AccessLanes.View, _ counters: PolicyCountersView, _ served: UInt64, _ addresses: UInt64,
    _ identity: UInt64, _ bytes: Int, _ now: UInt64
  ) -> Verdict? {
    // Only in pieces from here on: what takes a lane out of line would have it copied into memory first.
    let possible = served & lanes[number].mask
    if possible != 0 {
      let rule = possible.trailingZeroBitCount
      let place = Int(lanes[number].offset) &+ rule
      counters.add(place, packets: 1, bytes: bytes)
      if lanes[number].drops &>> UInt64(truncatingIfNeeded: rule) & 1 != 0 { return state.entries[place].verdict }
    } else if !lanes[number].range.isEmpty {
      if let verdict = search(number, addresses, identity, bytes) { return verdict }
    }
    guard lanes[number].isLimited else { return nil }
    guard lanes[number].buckets.takeOne(bytes: bytes, now: now) else { return exceed(number, bytes, now) }
    counters.add(Int(lanes[number].passed), packets: 1, bytes: bytes)
    return nil
  }

  /// Searches the rules of a list for a plain packet.
  ///
  /// - Returns: the verdict of the first that matches, if it drops.
  @inline(never)
  private mutating func search(_ number: Int, _ addresses: UInt64, _ identity: UInt64, _ bytes: Int) -> Verdict? {
    let lane = state.access.lanes[number]
    let rule = state.access.classifier.firstMatch(
      in: lane.rules, (addresses, 0), (0, 0), identity, Self.plainFlags, .none,
      PrefixSetContext(state.access.sets.span))
    guard rule >= 0 else { return nil }
    let place = Int(lane.offset) &+ rule
    state.counters.add(place, packets: 1, bytes: bytes)
    let entry = state.entries[place]
    return entry.kind == .verdict ? entry.verdict : nil
  }

  /// What `takeOne` has not let pass, looked at with care.
  @inline(never)
  private mutating func exceed(_ number: Int, _ bytes: Int, _ now: UInt64) -> Verdict? {
    let lanes = state.access.lanes
    let outcome = lanes[number].buckets.take(packets: 1, bytes: bytes, first: bytes, now: now)
    if outcome.passed > 0 {
      state.counters.add(Int(lanes[number].passed), packets: 1, bytes: bytes)
      return nil
    }
    let (isBits, lane) = (outcome.isBeyondBits, lanes[number])
    state.counters.add(Int(isBits ? lane.bitsExceeded : lane.packetsExceeded), packets: 1, bytes: bytes)
    return isBits ? lane.bitsVerdict : lane.packetsVerdict
  }

  // MARK: Units

  /// Whether packets of one flow may meet different rules: of the rule set, or of the lists on their way.
  @usableFromInline @inline(never)
  mutating func looksBeyondFlow(_ key: FlowKey, _ port: UInt8, isTagged: Bool) -> Bool {
    if state.rulesLookBeyondFlow && (isTagged || !state.hasNoRules[Int(port)]) { return true }
    let egress = state.stage.egress(key)
    var kinds = state.access.lanes[AccessLane.arriving(UInt32(port) &<< 8)].kind
    if let egress { kinds |= state.access.lanes[AccessLane.leaving(UInt32(egress))].kind }
    return kinds & AccessLane.looksBeyondFlow != 0
  }

  /// Decides about a unit that is routed to a hop which `plainHop` has found, and may meet lists.
  @usableFromInline @inline(never)
  mutating func decideListed(
    _ place: Int, _ hop: Int, _ unit: GROUnit, _ gro: borrowing GROLite, _ burst: inout Burst
  ) -> Verdict? {
    let ports = UInt32(burst.port) &<< 8 | UInt32(state.stage.port(hop))
    let kinds = state.access.kinds(ports)
    guard kinds <= AccessLane.asksForFlow else {
      let bytes = Self.bytes(unit, unit.count, gro, burst.packets)
      state.counters.add(place, packets: unit.count, bytes: bytes)
      return carryOut(place, unit, gro.summary(of: unit), gro, &burst)
    }
    let headers = gro.summary(of: unit)
    let (key, flags, fault) = (headers.key, headers.flags, headers.malformation)
    let network = Int(headers.networkOffset)
    let bytes = state.stage.rewrite(unit, for: hop, network: network, version: key.version, of: gro, in: &burst)
    state.counters.add(place, packets: unit.count, bytes: bytes)
    let count = kinds == 0 ? unit.count : pass(ports, unit, bytes, key, flags, fault, gro, &burst)
    let routed = state.stage.verdict(hop)
    let verdict = state.sources.isolates ? apart(routed, burst.port) : routed
    guard count < unit.count else { return verdict }
    Self.decide(verdict, unit, 0..<count, gro, &burst)
    return nil
  }

  /// Has a unit meet two lists whose rules ask for the flow only.
  ///
  /// - Returns: how many of its packets pass: the first ones. The others have their verdicts.
  @inline(__always)
  private mutating func pass(
    _ ports: UInt32, _ unit: GROUnit, _ bytes: Int, _ key: FlowKey, _ flags: PacketSummary.Flags,
    _ fault: Malformation, _ gro: borrowing GROLite, _ burst: inout Burst
  ) -> Int {
    let isServed = flags.isSuperset(of: Self.plainFlags) && fault == .none
    let served = isServed ? state.access.services.served(identity: key.identity) : 0
    var (count, left) = (unit.count, bytes)
    var number = AccessLane.arriving(ports)
    let leaving = AccessLane.leaving(ports)
    while true {
      let lanes = state.access.lanes
      let possible = served & lanes[number].mask
      var rule = -1
      if possible != 0 {
        rule = possible.trailingZeroBitCount
      } else if !isServed || !lanes[number].range.isEmpty {
        rule = state.access.classifier.firstMatch(
          in: lanes[number].rules, (key.address0, key.address1), (key.address2, key.address3), key.identity, flags,
          fault, PrefixSetContext(state.access.sets.span))
      }
      let passed = pass(number, rule, count, left, unit, gro, &burst)
      guard passed > 0, number != leaving else { return passed }
      if passed < count { left = Self.bytes(unit, passed, gro, burst.packets) }
      count = passed
      number = leaving
    }
  }

  /// Has those of a unit's packets that are still on their way meet the lists of the port that they came in on, and of the one that
  /// their route leads to.
  ///
  /// - Returns: whether any of them passes. The others have their verdicts.
  mutating func pass(
    _ progress: inout UnitProgress, _ unit: GROUnit, _ summary: PacketSummary, _ gro: borrowing GROLite,
    _ burst: inout Burst
  ) -> Bool {
    let egress = state.stage.egress(summary.key)
    progress.count = pass(AccessLane.arriving(UInt32(burst.port) &<< 8), progress, unit, summary, gro, &burst)
    guard progress.count > 0 else { return false }
    guard let egress else { return true }
    progress.count = pass(AccessLane.leaving(UInt32(egress)), progress, unit, summary, gro, &burst)
    return progress.count > 0
  }

  private mutating func pass(
    _ number: Int, _ progress: UnitProgress, _ unit: GROUnit, _ summary: PacketSummary,
    _ gro: borrowing GROLite, _ burst: inout Burst
  ) -> Int {
    guard state.access.lanes[number].kind != 0 else { return progress.count }
    let rule = match(state.access.lanes[number].rules, summary, unit.first, &burst, mark: progress.mark)
    let bytes = Self.bytes(unit, progress.count, gro, burst.packets)
    return pass(number, rule, progress.count, bytes, unit, gro, &burst)
  }

  /// - Returns: the first rule of a list that matches, among the compiled ones; -1 if none does.
  @inline(never)
  private mutating func match(
    _ rules: RuleRange, _ summary: PacketSummary, _ index: Int, _ burst: inout Burst, mark: UInt32?
  ) -> Int {
    let (port, length) = (burst.port, burst.length(index))
    if state.usesMetadata {
      return state.access.classifier.firstMatch(
        in: rules, summary, burst.bytes(index), length: length, ingressPort: port,
        MetadataContext(state.access.sets.span, burst.metadata(index).block, mark: mark))
    }
    return state.access.classifier.firstMatch(
      in: rules, summary, burst.bytes(index), length: length, ingressPort: port,
      PrefixSetContext(state.access.sets.span))
  }

  /// Carries out what a list says about the first packets of a unit.
  ///
  /// - Parameters:
  ///   - rule: the one that matches, among the compiled ones; -1: none.
  ///   - bytes: of the packets together.
  /// - Returns: how many of them pass: the first ones. The others have their verdicts.
  @inline(never)
  private mutating func pass(
    _ number: Int, _ rule: Int, _ count: Int, _ bytes: Int, _ unit: GROUnit, _ gro: borrowing GROLite,
    _ burst: inout Burst
  ) -> Int {
    let lanes = state.access.lanes
    if rule >= 0 {
      let place = Int(lanes[number].offset) &+ rule
      state.counters.add(place, packets: count, bytes: bytes)
      if burst.isCapturing { note(place, unit, count, gro, &burst) }
      let entry = state.entries[place]
      if entry.kind == .verdict {
        Self.decide(entry.verdict, unit, 0..<count, gro, &burst)
        return 0
      }
    }
    guard lanes[number].isLimited else { return count }
    let now = replayTime == 0 ? burst.now : replayTime
    if count == 1 && lanes[number].buckets.takeOne(bytes: bytes, now: now) {
      state.counters.add(Int(lanes[number].passed), packets: 1, bytes: bytes)
      return 1
    }
    let first = burst.packets.packetLength(at: unit.first)
    let outcome = lanes[number].buckets.take(packets: count, bytes: bytes, first: first, now: now)
    if outcome.passed == count {
      state.counters.add(Int(lanes[number].passed), packets: count, bytes: bytes)
      return count
    }
    exceed(number, outcome, count, bytes, unit, gro, &burst)
    return outcome.passed
  }

  /// Some of a unit's packets are over a list's limits.
  @inline(never)
  private mutating func exceed(
    _ number: Int, _ outcome: PairedBuckets.Outcome, _ count: Int, _ bytes: Int, _ unit: GROUnit,
    _ gro: borrowing GROLite, _ burst: inout Burst
  ) {
    let lane = state.access.lanes[number]
    let passed = outcome.passed
    let passedBytes = Self.bytes(unit, passed, gro, burst.packets)
    if passed > 0 { state.counters.add(Int(lane.passed), packets: passed, bytes: passedBytes) }
    let place = outcome.isBeyondBits ? lane.bitsExceeded : lane.packetsExceeded
    state.counters.add(Int(place), packets: count - passed, bytes: bytes - passedBytes)
    Self.decide(outcome.isBeyondBits ? lane.bitsVerdict : lane.packetsVerdict, unit, passed..<count, gro, &burst)
  }
}
