import PacketHeaders
import XSKEngine

/// A worker's buckets for one limiter of the configuration.
struct WorkerLimiter: ~Copyable {
  private var bucket: TokenBucket
  /// One where the limit is for each of something, else none.
  private var table: FixedArray<RateTable>

  /// - Parameter workers: what a limit on all packets of a rule is divided among.
  init(_ limiter: RateLimiter, workers: Int) throws(XSKError) {
    let clock = TimestampClock.shared
    let now = TimestampClock.now
    let limit = limiter.key == nil ? limiter.limit.divided(among: workers) : limiter.limit
    bucket = TokenBucket(TokenRate(limit, ticksPerSecond: clock.ticksPerSecond), now: now)
    table = try FixedArray(count: limiter.key == nil ? 0 : 1) { _ throws(XSKError) in
      try RateTable(
        limiter.limit, forEach: limiter.key ?? .flow, entries: limiter.entries, ticksPerSecond: clock.ticksPerSecond,
        now: now)
    }
  }

  /// Takes packets' tokens; how many of them conform: the first ones. Packets without addresses share a bucket.
  mutating func take(_ key: FlowKey, packets: Int, bits: Int, now: UInt64) -> Int {
    guard table.count > 0 else { return bucket.take(packets: packets, bits: bits, now: now) }
    return table[0].take(table[0].hash(key), packets: packets, bits: bits, now: now)
  }

  /// Packets that were counted against a bucket which several sources share, the table being full.
  var sharedPackets: UInt64 { table.count > 0 ? table[0].sharedPackets : 0 }
}
