import Forwarder

/// What a notification did.
enum RouteOutcome {
  case changed
  case unchanged
  /// It doesn't fit what is known: the kernel must be asked again.
  case doubtful
}

/// The routes of one of the kernel's tables by prefix: all that there are, in the order of preference.
///
/// Nearly every prefix has one route, which takes no allocation.
struct RouteCandidates<Address: IPAddressNumber> {
  struct Candidate: Equatable, BitwiseCopyable {
    var metric: UInt32
    /// Of `HopNumbers`, used once.
    var number: UInt32
  }

  private(set) var first: [IPPrefix<Address>: Candidate] = [:]
  private var more: [IPPrefix<Address>: [Candidate]] = [:]
  /// How many prefixes of each length there are.
  private(set) var lengths = [Int](repeating: 0, count: Address.bitWidth + 1)

  func candidates(_ prefix: IPPrefix<Address>) -> [Candidate] {
    guard let best = first[prefix] else { return [] }
    return more.isEmpty ? [best] : [best] + (more[prefix] ?? [])
  }

  /// The best one that `isUsable`.
  func best(_ prefix: IPPrefix<Address>, _ isUsable: (UInt32) -> Bool) -> UInt32? {
    guard let best = first[prefix] else { return nil }
    if isUsable(best.number) { return best.number }
    return more.isEmpty ? nil : more[prefix]?.first { isUsable($0.number) }?.number
  }

  private mutating func set(_ prefix: IPPrefix<Address>, _ candidates: [Candidate]) {
    let former = first.updateValueOrRemove(candidates.first, forKey: prefix)
    if former == nil, !candidates.isEmpty { lengths[Int(prefix.length)] += 1 }
    if former != nil, candidates.isEmpty { lengths[Int(prefix.length)] -= 1 }
    if candidates.count > 1 {
      more[prefix] = Array(candidates.dropFirst())
    } else if !more.isEmpty {
      more[prefix] = nil
    }
  }

  /// Adds what a dump tells: routes with a prefix and metric come in the order in which the kernel takes them.
  mutating func append(_ prefix: IPPrefix<Address>, _ candidate: Candidate) {
    if first[prefix] == nil {
      first[prefix] = candidate
      lengths[Int(prefix.length)] += 1
    } else {
      let candidates = candidates(prefix)
      set(prefix, Self.inserting(candidate, into: candidates, behindEqual: true))
    }
  }

  private static func inserting(
    _ candidate: Candidate, into candidates: [Candidate], behindEqual: Bool
  ) -> [Candidate] {
    var candidates = candidates
    let place = candidates.firstIndex {
      behindEqual ? $0.metric > candidate.metric : $0.metric >= candidate.metric
    }
    candidates.insert(candidate, at: place ?? candidates.count)
    return candidates
  }

  /// All numbers, each as often as it is used.
  func forEachNumber(_ body: (UInt32) -> Void) {
    for candidate in first.values { body(candidate.number) }
    for candidates in more.values { for candidate in candidates { body(candidate.number) } }
  }
}

// MARK: Notifications

extension RouteCandidates {
  /// RTM_NEWROUTE as the kernel sends it when a route is added, appended, or takes another's place: its flags say which.
  mutating func apply(
    new target: RouteTarget, _ prefix: IPPrefix<Address>, metric: UInt32, flags: UInt16, _ numbers: inout HopNumbers
  ) -> RouteOutcome {
    let (replaces, appends) = (flags & 0x100 != 0, flags & 0x800 != 0)  // NLM_F_REPLACE, NLM_F_APPEND
    var candidates = candidates(prefix)
    let equal = candidates.indices.filter { candidates[$0].metric == metric }
    let number = numbers.use(.kernel(target))
    if equal.contains(where: { candidates[$0].number == number }) {
      // Known already: it was told while the table was read, or only what doesn't matter here has changed.
      numbers.release(number)
      return replaces && equal.count > 1 ? .doubtful : .unchanged
    }
    if replaces, let former = equal.first {
      numbers.release(candidates[former].number)
      candidates[former].number = number
      set(prefix, candidates)
      // IPv6 takes the places of more than one at times.
      return equal.count > 1 ? .doubtful : .changed
    }
    // IPv6 tells the whole of a route that has grown by a path.
    if target.kind == .forward, let grown = equal.first(where: { isPart(candidates[$0].number, of: target, numbers) }) {
      numbers.release(candidates[grown].number)
      candidates[grown].number = number
      set(prefix, candidates)
      return .changed
    }
    let candidate = Candidate(metric: metric, number: number)
    // Of equal ones IPv4 takes the one that was added last, but for an appended one; IPv6 the first.
    let behind = appends || Address.bitWidth == 128
    set(prefix, Self.inserting(candidate, into: candidates, behindEqual: behind))
    return .changed
  }

  /// RTM_DELROUTE: of a whole route, or (IPv6) of some of its paths.
  mutating func apply(
    deleted target: RouteTarget, _ prefix: IPPrefix<Address>, metric: UInt32, _ numbers: inout HopNumbers
  ) -> RouteOutcome {
    var candidates = candidates(prefix)
    let equal = candidates.indices.filter { candidates[$0].metric == metric }
    // Not there: it went before the table was read.
    guard !equal.isEmpty else { return .unchanged }
    if let number = numbers.number(of: .kernel(target)),
      let place = equal.first(where: { candidates[$0].number == number })
    {
      candidates.remove(at: place)
      set(prefix, candidates)
      numbers.release(number)
      return .changed
    }
    for place in equal {
      guard case .kernel(var whole) = numbers[candidates[place].number], whole.kind == .forward, whole.nexthop == 0,
        !target.paths.isEmpty, target.paths.allSatisfy(whole.paths.contains)
      else { continue }
      let left = whole.paths.filter { !target.paths.contains($0) }
      guard !left.isEmpty else { continue }
      (whole.first, whole.more) = (left.first, Array(left.dropFirst()))
      numbers.release(candidates[place].number)
      candidates[place].number = numbers.use(.kernel(whole))
      set(prefix, candidates)
      return .changed
    }
    return .doubtful
  }

  /// Whether a route's paths are among those of `target`, which has more.
  private func isPart(_ number: UInt32, of target: RouteTarget, _ numbers: HopNumbers) -> Bool {
    guard Address.bitWidth == 128, case .kernel(let known) = numbers[number], known.kind == .forward,
      known.nexthop == 0, target.nexthop == 0
    else { return false }
    let paths = target.paths
    return known.paths.count < paths.count && known.paths.allSatisfy(paths.contains)
  }
}

extension Dictionary {
  fileprivate mutating func updateValueOrRemove(_ value: Value?, forKey key: Key) -> Value? {
    guard let value else { return removeValue(forKey: key) }
    return updateValue(value, forKey: key)
  }
}
