import CXsk
public import PacketHeaders
public import XSKEngine

/// Token buckets for each source, network or flow, in a fixed memory. One worker's own.
///
/// Buckets are found by a hash (with a secret seed) in sets of four, a cache line each, with a fifth that is shared:
///
///     │ full 0…3: 4 × 64 bits │ full of the shared bucket: 64 │ tags 0…3: 4 × (known 1 │ hash 31) │ unused 64 │
///
/// Who has no bucket yet gets one in its set, with a full burst: an empty one, or else the one that has been full for
/// longest. A bucket that isn't full is nobody else's, nor is, for a second after it was full, the bucket of one who sent a
/// second packet ("known"). If the set has no other the packet is counted against the set's shared bucket, which has the same
/// rate.
///
/// What follows, whoever sends what:
/// - A full bucket that changes hands forgets nothing. So a bucket, whoever has it, passes no more than `burst + rate × t` in
///   any time *t*, and the table 1.25 × `entries` times as much: a flood of random sources exempts nobody from the limit,
///   itself included.
/// - Who sends more than the limit, or at least once a second, keeps its bucket from its second packet on: a flood neither
///   takes tokens from it nor gives it any.
/// - Who is new, or comes back, while all four buckets of its set are in use shares one with others in its place, the flood
///   among them, and is limited more tightly than it should be. A flood of sources that send once needs `entries × rate`
///   packets a second for that (burst 1 or more: each holds a bucket until it is full again), one that sends twice from each
///   needs `entries` sources a second. `sharedPackets` counts what it does. So have four entries for each source that is
///   expected within a second, and bound the sum of all sources by a rule's limit besides.
/// - Two sources are taken for one with a probability of about 2⁻²⁹.
///
/// On the next configuration a table whose limit, key and size stay the same should be kept, or every source gets one more
/// burst.
@frozen @safe public struct RateTable: ~Copyable, @unchecked Sendable {
  // Safe: `base` has a set of 64 bytes for each value of `mask` and lives as long as `memory`; only the owner reaches it.
  @usableFromInline let base: UnsafeMutableRawPointer
  @usableFromInline let mask: UInt64
  @usableFromInline let seed: UInt64
  @usableFromInline let rate: TokenRate
  /// How long a known one's bucket is kept when it is full.
  @usableFromInline let grace: UInt64
  @usableFromInline let memory: TableMemory

  public let limit: RateLimit
  public let key: RateKey
  @usableFromInline var limited: UInt64 = 0
  @usableFromInline var shared: UInt64 = 0

  /// Packets that were over a limit.
  public var limitedPackets: UInt64 { limited }
  /// Packets that were counted against a shared bucket.
  public var sharedPackets: UInt64 { shared }

  /// Buckets; the shared ones come on top.
  public var entries: Int { Int(mask + 1) * 4 }
  /// Bytes of memory: 16 for each entry, in whole pages of 2 MiB.
  public var byteCount: Int { memory.byteCount }

  /// - Parameters:
  ///   - entries: a power of two, 1,024…67,108,864.
  ///   - ticksPerSecond, now: of the clock that will be passed, as for `TokenRate`.
  ///   - seed: which buckets share a set; unknown to senders, so that nobody can aim at a set.
  /// - Throws: a number of entries out of range, or more memory than there is.
  public init(
    _ limit: RateLimit, forEach key: RateKey, entries: Int = 65_536, ticksPerSecond: Double, now: UInt64,
    seed: UInt64 = .random(in: 0 ... .max)
  ) throws(XSKError) {
    guard (1024...1 << 26).contains(entries), entries.nonzeroBitCount == 1 else {
      throw XSKError(
        "rate limit with \(entries) entries", "out of range",
        remedy: "use a power of two, 1024 to \(1 << 26), four for each source expected within a second")
    }
    memory = try TableMemory(byteCount: entries * 16, subject: "rate limit with \(entries) entries")
    unsafe base = memory.base
    mask = UInt64(entries / 4 - 1)
    self.limit = limit
    self.key = key
    self.seed = seed
    rate = TokenRate(limit, ticksPerSecond: ticksPerSecond)
    grace = TokenRate.time(UInt64(ticksPerSecond))
    for set in 0..<entries / 4 {
      // Safe: as said above.
      unsafe base.storeBytes(of: TokenRate.time(now), toByteOffset: set * 64 + 32, as: UInt64.self)
    }
  }

  /// What the limit is for each of, of a packet with addresses, as `prefetch` and `take` want it.
  @inlinable @inline(always) public func hash(_ flow: FlowKey) -> UInt64 { key.hash(flow, seed: seed) }

  /// Asks for the memory that `take` needs. Call it 8 to 16 packets ahead.
  @inlinable @inline(always) public func prefetch(_ hash: UInt64) { unsafe cxsk_prefetch(set(hash)) }

  @inlinable @inline(always) func set(_ hash: UInt64) -> UnsafeMutableRawPointer {
    unsafe base + Int(truncatingIfNeeded: (hash & mask) &* 64)
  }

  /// Takes packets' tokens, as many packets' as there are tokens for.
  ///
  /// - Parameters:
  ///   - hash: of `hash(_:)`.
  ///   - packets: of a unit, 1 or more.
  ///   - bits: of all of them together; each counts an equal share. Not looked at by a limit in packets.
  ///   - now: in ticks.
  /// - Returns: how many of the packets conform: the first ones.
  @inlinable
  public mutating func take(_ hash: UInt64, packets: Int = 1, bits: Int, now: UInt64) -> Int {
    let tag = max(1, UInt32(truncatingIfNeeded: hash &>> 32) & 0x7FFF_FFFF)
    let set = unsafe set(hash)
    var way = 0
    while way < 4 {
      let found = unsafe set.load(fromByteOffset: 40 &+ way &* 4, as: UInt32.self)
      if found & 0x7FFF_FFFF == tag { break }
      way &+= 1
    }
    if way < 4 {
      unsafe set.storeBytes(of: tag | 0x8000_0000, toByteOffset: 40 &+ way &* 4, as: UInt32.self)
    } else {
      way = unsafe makeRoom(set, tag, now)
    }
    var full = unsafe set.load(fromByteOffset: way &* 8, as: UInt64.self)
    let passed = rate.take(&full, packets: packets, bits: bits, now: now)
    unsafe set.storeBytes(of: full, toByteOffset: way &* 8, as: UInt64.self)
    limited &+= UInt64(truncatingIfNeeded: packets &- passed)
    if way == 4 { shared &+= UInt64(truncatingIfNeeded: packets) }
    return passed
  }

  /// Gives the set's emptiest place to a new tag.
  ///
  /// - Returns: the place, 0…3; 4, the shared bucket, if there is none.
  @inlinable @inline(never)
  mutating func makeRoom(_ set: UnsafeMutableRawPointer, _ tag: UInt32, _ now: UInt64) -> Int {
    let time = TokenRate.time(now)
    var best = 4
    var longest: UInt64 = 0
    for way in 0..<4 {
      let found = unsafe set.load(fromByteOffset: 40 &+ way &* 4, as: UInt32.self)
      let full = unsafe set.load(fromByteOffset: way &* 8, as: UInt64.self)
      let age = found == 0 ? .max : idle(full, time)
      // Of a bucket that isn't full the age is 0. An age of 1 is the least that a full one has.
      guard age > longest, found & 0x8000_0000 == 0 || age >= grace else { continue }
      best = way
      longest = age
    }
    guard best < 4 else { return 4 }
    unsafe set.storeBytes(of: tag, toByteOffset: 40 &+ best &* 4, as: UInt32.self)
    unsafe set.storeBytes(of: time, toByteOffset: best &* 8, as: UInt64.self)
    return best
  }

  /// For how long a bucket has been full, and one more; 0 if it isn't.
  @inlinable @inline(always) func idle(_ full: UInt64, _ time: UInt64) -> UInt64 {
    let ahead = full &- time
    if ahead == 0 { return 1 }
    return ahead <= rate.furthest ? 0 : min(time &- full, .max &- 2) &+ 1
  }
}
