import GROLite
import PacketHeaders
import XSKEngine

/// Access lists: asked of what is routed, on either side.
extension PipelineHandler {
  /// Has a plain packet meet a list whose rules ask for the flow only.
  ///
  /// - Parameter served: compiled rules that protocol and ports leave, if they are in one word.
  /// - Returns: why it goes no further; nil: it passes.
  @inline(__always)
  mutating func passPlain(
    _ number: Int, _ served: UInt64, _ key: FlowKey, _ bytes: Int, _ now: UInt64
  ) -> Verdict? {
    // Only in pieces from here on: what takes a record out of line would have it copied into memory first.
    let list = state.access.lists[number]
    let possible = served & list.mask
    if possible != 0 {
      state.counters.add(Int(list.offset) &+ possible.trailingZeroBitCount, packets: 1, bytes: bytes)
      // Of its bits the lowest.
      if possible & (0 &- possible) & list.drops != 0 {
        return state.entries[Int(list.offset) &+ possible.trailingZeroBitCount].verdict
      }
    } else if !list.range.isEmpty {
      if let verdict = search(number, key.address0, key.identity, bytes) { return verdict }
    }
    guard list.limit >= 0 else { return nil }
    if state.access.buckets[Int(list.limit)].takeOne(bits: bytes &* 8, now: now) {
      state.counters.add(Int(list.passed), packets: 1, bytes: bytes)
      return nil
    }
    return exceed(number, bytes, now)
  }

  /// Searches the rules of a list for a plain packet.
  ///
  /// - Returns: the verdict of the first that matches, if it drops.
  @inline(never)
  private mutating func search(_ number: Int, _ addresses: UInt64, _ identity: UInt64, _ bytes: Int) -> Verdict? {
    let list = state.access.lists[number]
    let rule = state.access.classifier.firstMatch(
      in: list.rules, (addresses, 0), (0, 0), identity, Self.plainFlags, .none,
      PrefixSetContext(state.access.sets.span))
    guard rule >= 0 else { return nil }
    let place = Int(list.offset) &+ rule
    state.counters.add(place, packets: 1, bytes: bytes)
    let entry = state.entries[place]
    return entry.kind == .verdict ? entry.verdict : nil
  }

  /// What `takeOne` has not let pass, looked at with care.
  @inline(never)
  private mutating func exceed(_ number: Int, _ bytes: Int, _ now: UInt64) -> Verdict? {
    let list = state.access.lists[number]
    let outcome = state.access.buckets[Int(list.limit)].take(packets: 1, bits: bytes &* 8, now: now)
    if outcome.passed > 0 {
      state.counters.add(Int(list.passed), packets: 1, bytes: bytes)
      return nil
    }
    let isPackets = outcome.withinPackets == 0
    state.counters.add(Int(isPackets ? list.packetsExceeded : list.bitsExceeded), packets: 1, bytes: bytes)
    return isPackets ? list.packetsVerdict : list.bitsVerdict
  }

  // MARK: Units

  /// Whether packets of one flow may meet different rules: of the rule set, or of the lists on their way.
  @usableFromInline @inline(never)
  mutating func looksBeyondFlow(_ key: FlowKey, _ port: UInt8) -> Bool {
    if state.rulesLookBeyondFlow { return true }
    let egress = state.stage.egress(key)
    let (arriving, leaving) = AccessTable.numbers(UInt32(port) &<< 8 | UInt32(egress ?? 0))
    var kinds = state.access.lists[arriving].kind
    if egress != nil { kinds |= state.access.lists[leaving].kind }
    return kinds & AccessRecord.looksBeyondFlow != 0
  }

  /// Decides about a unit that is routed to a hop which `plainHop` has found, and may meet lists.
  @usableFromInline @inline(never)
  mutating func decideListed(
    _ place: Int, _ hop: Int, _ unit: GROUnit, _ gro: borrowing GROLite, _ burst: inout Burst
  ) -> Verdict? {
    let (arriving, leaving) = AccessTable.numbers(UInt32(burst.port) &<< 8 | UInt32(state.stage.port(hop)))
    let kinds = state.access.lists[arriving].kind | state.access.lists[leaving].kind
    guard kinds <= AccessRecord.asksForFlow else {
      let bytes = Self.bytes(unit, unit.count, gro, burst.packets)
      state.counters.add(place, packets: unit.count, bytes: bytes)
      return carryOut(place, unit, gro.summary(of: unit), gro, &burst)
    }
    let headers = gro.summary(of: unit)
    let (key, flags, fault) = (headers.key, headers.flags, headers.malformation)
    let network = Int(headers.networkOffset)
    let bytes = state.stage.rewrite(unit, for: hop, network: network, version: key.version, of: gro, in: &burst)
    state.counters.add(place, packets: unit.count, bytes: bytes)
    let count = kinds == 0 ? unit.count : pass(arriving, leaving, unit, key, flags, fault, gro, &burst)
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
    _ arriving: Int, _ leaving: Int, _ unit: GROUnit, _ key: FlowKey, _ flags: PacketSummary.Flags,
    _ fault: Malformation, _ gro: borrowing GROLite, _ burst: inout Burst
  ) -> Int {
    let isServed = flags.isSuperset(of: Self.plainFlags) && fault == .none
    let served = isServed ? state.access.services?.served(key) ?? 0 : 0
    var count = unit.count
    var number = arriving
    while true {
      let list = state.access.lists[number]
      var rule = -1
      if served & list.mask != 0 {
        rule = (served & list.mask).trailingZeroBitCount
      } else if !isServed || !list.range.isEmpty {
        rule = state.access.classifier.firstMatch(
          in: list.rules, (key.address0, key.address1), (key.address2, key.address3), key.identity, flags, fault,
          PrefixSetContext(state.access.sets.span))
      }
      count = pass(number, rule, count, unit, gro, &burst)
      guard count > 0, number != leaving else { return count }
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
    let (arriving, leaving) = AccessTable.numbers(UInt32(burst.port) &<< 8 | UInt32(egress ?? 0))
    progress.count = pass(arriving, progress, unit, summary, gro, &burst)
    guard progress.count > 0 else { return false }
    guard egress != nil else { return true }
    progress.count = pass(leaving, progress, unit, summary, gro, &burst)
    return progress.count > 0
  }

  private mutating func pass(
    _ number: Int, _ progress: UnitProgress, _ unit: GROUnit, _ summary: PacketSummary,
    _ gro: borrowing GROLite, _ burst: inout Burst
  ) -> Int {
    guard state.access.lists[number].kind != 0 else { return progress.count }
    let rule = match(state.access.lists[number].rules, summary, unit.first, &burst, mark: progress.mark)
    return pass(number, rule, progress.count, unit, gro, &burst)
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
  /// - Parameter rule: the one that matches, among the compiled ones; -1: none.
  /// - Returns: how many of them pass: the first ones. The others have their verdicts.
  @inline(never)
  private mutating func pass(
    _ number: Int, _ rule: Int, _ count: Int, _ unit: GROUnit, _ gro: borrowing GROLite, _ burst: inout Burst
  ) -> Int {
    let list = state.access.lists[number]
    guard rule >= 0 || list.limit >= 0 else { return count }
    let bytes = Self.bytes(unit, count, gro, burst.packets)
    if rule >= 0 {
      let place = Int(list.offset) &+ rule
      state.counters.add(place, packets: count, bytes: bytes)
      if burst.isCapturing { note(place, unit, count, gro, &burst) }
      let entry = state.entries[place]
      if entry.kind == .verdict {
        Self.decide(entry.verdict, unit, 0..<count, gro, &burst)
        return 0
      }
    }
    guard list.limit >= 0 else { return count }
    let now = replayTime == 0 ? burst.now : replayTime
    let outcome = state.access.buckets[Int(list.limit)].take(packets: count, bits: bytes &* 8, now: now)
    if outcome.passed == count {
      state.counters.add(Int(list.passed), packets: count, bytes: bytes)
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
    let list = state.access.lists[number]
    let (passed, within) = (outcome.passed, outcome.withinPackets)
    let passedBytes = Self.bytes(unit, passed, gro, burst.packets)
    let withinBytes = Self.bytes(unit, within, gro, burst.packets)
    if passed > 0 { state.counters.add(Int(list.passed), packets: passed, bytes: passedBytes) }
    if within < count {
      state.counters.add(Int(list.packetsExceeded), packets: count - within, bytes: bytes - withinBytes)
      Self.decide(list.packetsVerdict, unit, within..<count, gro, &burst)
    }
    if passed < within {
      state.counters.add(Int(list.bitsExceeded), packets: within - passed, bytes: withinBytes - passedBytes)
      Self.decide(list.bitsVerdict, unit, passed..<within, gro, &burst)
    }
  }
}
