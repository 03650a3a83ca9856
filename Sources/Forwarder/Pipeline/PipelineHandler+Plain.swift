public import PacketHeaders
public import XSKEngine

/// Plain packets, one by one, in registers: the way of floods, and of whatever GRO has nothing to merge of. Where it turns out
/// that more has to be known of a packet, nothing has been counted or changed yet.
extension PipelineHandler {
  @inlinable @inline(__always)
  public func decidesPlain(_ burst: borrowing Burst) -> Bool {
    (state.asksForFlowOnly || state.hasNoRules[Int(burst.port)]) && !burst.isCapturing
  }

  @inlinable @inline(__always)
  public mutating func decide(
    plain headers: PacketSummary, _ frame: inout MutableRawSpan, on port: UInt8, now: UInt64
  ) -> Verdict? {
    if state.sources.isOn && !state.sources.admits(headers, on: port) { return nil }
    let found = state.plainClassifier.firstMatch(
      headers.key, Self.plainFlags, .none, context: PrefixSetContext(state.sets.span))
    let place = found ?? state.ruleCount
    let entry = state.entries[place]
    if entry.kind == .verdict {
      state.counters.add(place, packets: 1, bytes: frame.byteCount)
      return entry.verdict
    }
    guard entry.kind == .route || entry.kind == .steps && state.hasPlainStepsOnly else { return nil }
    let hop = state.stage.plainHop(headers)
    var outcome = PlainOutcome.isRouted
    if entry.kind == .route && hop != RouteStage.noPlainHop {
      if state.access.isOn {
        let ports = UInt32(port) &<< 8 | UInt32(state.stage.port(hop))
        outcome = meetLists(place, ports, headers.key.address0, headers.key.identity, frame.byteCount, now)
      } else {
        state.counters.add(place, packets: 1, bytes: frame.byteCount)
      }
    } else {
      guard entry.kind == .steps, hop != RouteStage.noPlainHop || !state.usesRoutes else { return nil }
      let ports = UInt32(port) &<< 8 | UInt32(hop == RouteStage.noPlainHop ? 0 : state.stage.port(hop))
      outcome = carryOutPlain(place, ports, headers.key.address0, headers.key.identity, frame.byteCount, now)
    }
    switch outcome {
    case .isRouted: break
    case .isUnknown: return nil
    case .isDecided(let verdict): return verdict
    }
    state.stage.rewrite(plain: &frame, for: hop)
    let verdict = state.stage.verdict(hop)
    return state.sources.isolates ? apart(verdict, port) : verdict
  }

  /// Of a plain packet's flags those that rules ask for.
  @inlinable static var plainFlags: PacketSummary.Flags { [.flow, .addresses] }

  /// What became of a plain packet.
  @frozen @usableFromInline enum PlainOutcome {
    /// It is to be sent where its route says.
    case isRouted
    /// More has to be known of it; nothing has been counted or changed.
    case isUnknown
    case isDecided(Verdict)
  }

  /// As `carryOut`, of a plain packet that meets a rule with steps. Its key comes in pieces, which are passed in registers.
  ///
  /// - Parameters:
  ///   - place: the entry of the rule that it meets.
  ///   - ports: that it came in on, in bits 8 to 15; that its route leads to, in the lower ones.
  ///   - addresses: `FlowKey.address0`.
  @usableFromInline @inline(never)
  mutating func carryOutPlain(
    _ place: Int, _ ports: UInt32, _ addresses: UInt64, _ identity: UInt64, _ bytes: Int, _ burstTime: UInt64
  ) -> PlainOutcome {
    let kinds = state.access.kinds(ports)
    guard kinds <= AccessLane.asksForFlow else { return .isUnknown }
    state.counters.add(place, packets: 1, bytes: bytes)
    let now = replayTime == 0 ? burstTime : replayTime
    if let verdict = carryOutSteps(place, addresses, identity, bytes, now) { return .isDecided(verdict) }
    return kinds == 0 ? .isRouted : passPlain(ports, addresses, identity, bytes, now)
  }

  /// Counts a plain packet that a rule has routed, and has it meet the lists on its way. Parameters as for `carryOutPlain`.
  @usableFromInline @inline(never)
  mutating func meetLists(
    _ place: Int, _ ports: UInt32, _ addresses: UInt64, _ identity: UInt64, _ bytes: Int, _ burstTime: UInt64
  ) -> PlainOutcome {
    let kinds = state.access.kinds(ports)
    guard kinds == AccessLane.asksForFlow else {
      guard kinds == 0 else { return .isUnknown }
      state.counters.add(place, packets: 1, bytes: bytes)
      return .isRouted
    }
    state.counters.add(place, packets: 1, bytes: bytes)
    return passPlain(ports, addresses, identity, bytes, replayTime == 0 ? burstTime : replayTime)
  }

  /// The steps of a rule, and of those behind it as long as none is terminal.
  ///
  /// - Returns: the packet's verdict; nil: it is to be routed.
  @inline(never)
  private mutating func carryOutSteps(
    _ first: Int, _ addresses: UInt64, _ identity: UInt64, _ bytes: Int, _ now: UInt64
  ) -> Verdict? {
    let key = FlowKey(upper: (addresses, 0), lower: (0, 0), identity: identity)
    var place = first
    while true {
      let entry = state.entries[place]
      if entry.kind == .verdict { return entry.verdict }
      var next = place &+ 1
      for number in Int(entry.first)..<Int(entry.first &+ entry.count) {
        let step = state.steps[number]
        switch step.kind {
        case .verdict: return step.verdict
        case .limit:
          let conforms = state.limiters[Int(step.number)].take(key, packets: 1, bits: bytes &* 8, now: now) > 0
          state.counters.add(state.places.limiter(Int(step.number)) &+ (conforms ? 0 : 1), packets: 1, bytes: bytes)
          guard conforms else { return step.verdict }
        case .count: state.counters.add(Int(step.number), packets: 1, bytes: bytes)
        case .skip: next = Int(step.number)
        case .route: return nil
        // None of these is there (`hasPlainStepsOnly`). A trap here would be paid for: the compiler destroys `self` first.
        case .host, .malformed, .sample, .setVLAN, .removeVLAN, .setMark:
          assertionFailure("a step that is not for plain packets")
          return .drop(.policy)
        }
      }
      let found = state.plainClassifier.firstMatch(
        key, Self.plainFlags, .none, context: PrefixSetContext(state.sets.span), from: next)
      place = found ?? state.ruleCount
      state.counters.add(place, packets: 1, bytes: bytes)
    }
  }
}
