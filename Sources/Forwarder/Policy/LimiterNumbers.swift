/// A limiter of a policy, and the number by which it is known from one policy to the next.
struct KnownLimiter: BitwiseCopyable {
  var number: UInt64
  /// Its index in `ForwarderConfiguration.limiters`.
  var index: Int
}

/// Numbers for limiters: one that stays as it is keeps its number, and one that is changed gets another. They are given by the
/// control plane, so that a worker that takes over buckets compares no more than numbers.
struct LimiterNumbers: Sendable {
  private var known: [RateLimiter: UInt64] = [:]
  private var next: UInt64 = 0

  /// A policy's limiters, in the order of their numbers.
  mutating func limiters(of policy: Policy) -> [KnownLimiter] {
    var limiters: [KnownLimiter] = []
    var given: Set<UInt64> = []
    for (index, limiter) in policy.configuration.limiters.enumerated() {
      var number = known[limiter] ?? next
      // Of equal ones the first is the heir.
      if !given.insert(number).inserted { number = next }
      if number == next {
        next += 1
        given.insert(number)
        if known[limiter] == nil { known[limiter] = number }
      }
      limiters.append(KnownLimiter(number: number, index: index))
    }
    return limiters.sorted { $0.number < $1.number }
  }

  /// Forgets limiters that a policy doesn't have.
  mutating func keep(_ policy: Policy) {
    let limiters = Set(policy.configuration.limiters)
    known = known.filter { limiters.contains($0.key) }
  }
}
