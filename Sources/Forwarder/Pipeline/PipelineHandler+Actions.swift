import GROLite
import PacketHeaders
import XSKEngine

/// What actions have said so far about the packets of a unit. Rate limits may let its first packets through and drop the rest.
struct UnitProgress {
  /// Packets that are still on their way: the unit's first ones.
  var count: Int
  var tag = Tag.asItIs
  var mark: UInt32?

  /// What is to become of the outer VLAN tag, once the packets' way is known.
  enum Tag {
    case asItIs
    case set(UInt16, priority: UInt8)
    case removed
  }
}

extension PipelineHandler {
  /// Carries out a rule's actions, and those of the rules behind it as long as none is terminal.
  @usableFromInline @inline(never)
  mutating func carryOut(
    _ first: Int, _ unit: GROUnit, _ summary: PacketSummary, _ gro: borrowing GROLite, _ burst: inout Burst
  ) -> Verdict? {
    var place = first
    var next = 0
    var progress = UnitProgress(count: unit.count)
    while true {
      let entry = state.entries[place]
      next = place + 1
      for number in Int(entry.first)..<Int(entry.first + entry.count) {
        let step = state.steps[number]
        switch step.kind {
        case .verdict: return finish(step.verdict, unit, progress, gro, &burst)
        case .route:
          if state.access.isOn, !pass(&progress, unit, summary, gro, &burst) { return nil }
          let verdict = state.stage.route(unit, summary, of: gro, in: &burst, &answers)
          if verdict == RouteStage.forHost { return deliver(unit, progress, gro, &burst) }
          if verdict == .drop(.needsFragmentation) && unit.count > 1 {
            return routeLast(unit, progress, gro, &burst)
          }
          if verdict.isFinal { _ = unrouted(verdict, unit, summary, gro, &burst) }
          let isKeptApart = !verdict.isFinal && state.sources.isolates
          return finish(isKeptApart ? apart(verdict, burst.port) : verdict, unit, progress, gro, &burst)
        case .malformed:
          return finish(.drop(.malformed(summary.malformation)), unit, progress, gro, &burst)
        case .host: return deliver(unit, progress, gro, &burst)
        case .limit:
          guard limit(step, &progress, unit, summary, gro, &burst) else { return nil }
        case .sample:
          if burst.isCapturing { sample(step, place, unit, progress.count, gro, &burst) }
        case .count:
          let bytes = Self.bytes(unit, progress.count, gro, burst.packets)
          state.counters.add(Int(step.number), packets: progress.count, bytes: bytes)
        case .setVLAN: progress.tag = .set(UInt16(truncatingIfNeeded: step.number), priority: step.priority)
        case .removeVLAN: progress.tag = .removed
        case .skip: next = Int(step.number)
        case .setMark:
          let old = progress.mark ?? Self.mark(unit.first, burst.packets)
          progress.mark = old & ~step.mask | step.number & step.mask
        }
      }
      place = matchAny(summary, unit.first, &burst, from: next, mark: progress.mark)
      let bytes = Self.bytes(unit, progress.count, gro, burst.packets)
      state.counters.add(place, packets: progress.count, bytes: bytes)
      if burst.isCapturing { note(place, unit, progress.count, gro, &burst) }
    }
  }

  /// The mark that a packet came in with.
  private static func mark(_ index: Int, _ packets: borrowing BurstPackets) -> UInt32 {
    guard packets.hasMetadata else { return 0 }
    return UInt32(truncatingIfNeeded: packets.metadata(at: index).get(.mark) ?? 0)
  }

  /// - Returns: whether any packet conforms. The others have their verdicts.
  private mutating func limit(
    _ step: PipelineStep, _ progress: inout UnitProgress, _ unit: GROUnit, _ summary: PacketSummary,
    _ gro: borrowing GROLite, _ burst: inout Burst
  ) -> Bool {
    let (limiter, packets) = (Int(step.number), progress.count)
    let bytes = Self.bytes(unit, packets, gro, burst.packets)
    let now = replayTime == 0 ? burst.now : replayTime
    let passed = state.limiters[limiter].take(summary.key, packets: packets, bits: bytes * 8, now: now)
    let passedBytes = passed == packets ? bytes : Self.bytes(unit, passed, gro, burst.packets)
    let place = state.places.limiter(limiter)
    state.counters.add(place, packets: passed, bytes: passedBytes)
    guard passed < packets else { return true }
    state.counters.add(place + 1, packets: packets - passed, bytes: bytes - passedBytes)
    Self.decide(step.verdict, unit, passed..<packets, gro, &burst)
    progress.count = passed
    return passed > 0
  }

  /// Gives the packets that are still on their way their verdict, and the tag that they are to have.
  private mutating func finish(
    _ verdict: Verdict, _ unit: GROUnit, _ progress: UnitProgress, _ gro: borrowing GROLite, _ burst: inout Burst
  ) -> Verdict? {
    if verdict.isTransmitted, retag(unit, progress, verdict, gro, &burst) { return nil }
    guard progress.count < unit.count else { return verdict }
    Self.decide(verdict, unit, 0..<progress.count, gro, &burst)
    return nil
  }

  /// Sets the tag of what leaves, and the verdicts.
  ///
  /// - Returns: false, and nothing has happened, if the tag is to stay.
  private mutating func retag(
    _ unit: GROUnit, _ progress: UnitProgress, _ verdict: Verdict, _ gro: borrowing GROLite, _ burst: inout Burst
  ) -> Bool {
    var index = unit.first
    for place in 0..<progress.count {
      switch progress.tag {
      case .asItIs: return false
      case .removed:
        _ = burst.removeVLAN(index)
        burst[verdict: index] = verdict
      case .set(let id, let priority):
        let isSet = burst.setVLAN(index, to: id, priority: priority < 8 ? priority : nil)
        burst[verdict: index] = isSet ? verdict : .drop(.noHeadroom)
      }
      if place + 1 < unit.count { index = gro.next(after: index) }
    }
    return true
  }

  /// Routes what needs more than new MAC addresses and a lower hop limit.
  @usableFromInline @inline(never)
  mutating func routeOtherwise(
    _ unit: GROUnit, _ summary: PacketSummary, _ gro: borrowing GROLite, _ burst: inout Burst
  ) -> Verdict? {
    let verdict = state.stage.routeOtherwise(unit, summary, gro, &burst, &answers)
    guard verdict.isFinal else { return state.sources.isolates ? apart(verdict, burst.port) : verdict }
    return unrouted(verdict, unit, summary, gro, &burst)
  }

  /// What was not sent on: it may be for the host, or wait for a neighbour, or be too large.
  private mutating func unrouted(
    _ verdict: Verdict, _ unit: GROUnit, _ summary: PacketSummary, _ gro: borrowing GROLite, _ burst: inout Burst
  ) -> Verdict? {
    if verdict == RouteStage.forHost { return hosts.deliver(unit, of: gro, in: &burst) }
    if verdict == .drop(.neighbourUnknown), let port = state.stage.port(summary.key) {
      awaited.add(summary.key, port: port)
    }
    if verdict == .drop(.needsFragmentation), unit.count > 1 {
      return routeLast(unit, UnitProgress(count: unit.count), gro, &burst)
    }
    return verdict
  }

  /// The first packet of a unit was too large for its route: the last one, which alone can be shorter, may not be.
  private mutating func routeLast(
    _ unit: GROUnit, _ progress: UnitProgress, _ gro: borrowing GROLite, _ burst: inout Burst
  ) -> Verdict? {
    let isShorter = unit.payloadLength < unit.count * unit.segmentSize
    guard isShorter, progress.count == unit.count else {
      return finish(.drop(.needsFragmentation), unit, progress, gro, &burst)
    }
    Self.decide(.drop(.needsFragmentation), unit, 0..<unit.count - 1, gro, &burst)
    var last = unit.first
    for _ in 1..<unit.count { last = gro.next(after: last) }
    let summary = PacketSummary(burst.bytes(last), length: burst.length(last))
    let alone = GROUnit(lone: last, summary)
    var rest = progress
    rest.count = 1
    var verdict = state.stage.route(alone, summary, of: gro, in: &burst, &answers)
    if !verdict.isFinal && state.sources.isolates { verdict = apart(verdict, burst.port) }
    if let verdict = finish(verdict, alone, rest, gro, &burst) { burst[verdict: last] = verdict }
    return nil
  }

  /// Hands packets to the host's stack.
  private mutating func deliver(
    _ unit: GROUnit, _ progress: UnitProgress, _ gro: borrowing GROLite, _ burst: inout Burst
  ) -> Verdict? {
    if progress.count == unit.count { return hosts.deliver(unit, of: gro, in: &burst) }
    var index = unit.first
    for place in 0..<progress.count {
      burst[verdict: index] = hosts.deliver(index, in: &burst)
      if place + 1 < unit.count { index = gro.next(after: index) }
    }
    return nil
  }

  /// Sets the verdict of some of a unit's packets.
  static func decide(
    _ verdict: Verdict, _ unit: GROUnit, _ range: Range<Int>, _ gro: borrowing GROLite, _ burst: inout Burst
  ) {
    var index = unit.first
    for place in 0..<range.upperBound {
      if place >= range.lowerBound { burst[verdict: index] = verdict }
      if place + 1 < unit.count { index = gro.next(after: index) }
    }
  }

  /// Decides about each packet of a unit by itself.
  @usableFromInline @inline(never)
  mutating func decideEach(_ unit: GROUnit, _ gro: borrowing GROLite, _ burst: inout Burst) -> Verdict? {
    var index = unit.first
    for place in 0..<unit.count {
      let next = place + 1 < unit.count ? gro.next(after: index) : index
      let summary = PacketSummary(burst.bytes(index), length: burst.length(index))
      let alone = GROUnit(lone: index, summary)
      let place = match(summary, index, &burst)
      state.counters.add(place, packets: 1, bytes: burst.length(index))
      if burst.isCapturing { note(place, alone, 1, gro, &burst) }
      let entry = state.entries[place]
      let isOffloaded = entry.kind == .offloadedSource || entry.kind == .offloadedFlow
      if isOffloaded { ask(entry, summary, burst.port) }
      let verdict = isOffloaded ? entry.verdict : carryOut(place, alone, summary, gro, &burst)
      if let verdict { burst[verdict: index] = verdict }
      index = next
    }
    return nil
  }
}
