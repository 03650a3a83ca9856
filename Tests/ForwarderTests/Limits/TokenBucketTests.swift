import Forwarder
import PacketSamples
import Testing

@Suite struct TokenBucketTests {
  /// Offers packets at a steady pace for some seconds of simulated time.
  ///
  /// - Returns: packets that conformed.
  func offer(
    _ bucket: inout TokenBucket, ticksPerSecond: Double, start: UInt64, seconds: Double, packets: Int, bits: Int = 512
  ) -> Int {
    let step = ticksPerSecond * seconds / Double(packets)
    return (0..<packets).reduce(0) { passed, number in
      passed + bucket.take(bits: bits, now: start &+ UInt64(step * Double(number)))
    }
  }

  /// Clocks: time-stamp counters of x86-64, the generic timers of arm64; just started, and about to wrap.
  static let clocks: [(Double, UInt64)] = [
    (2.45e9, 0), (3.1e9, 12_345_678_901), (25e6, 1 << 40), (1e9, .max - 20_000), (2.45e9, (1 << 56) - 20_000),
  ]

  @Test(arguments: [1, 7, 1000, 1_000_000, 100_000_000], clocks)
  func `a steady excess passes at the limit`(rate: Int, clock: (Double, UInt64)) throws {
    let limit = try RateLimit(.packets, perSecond: rate, burst: min(100, max(2, rate / 10)))
    var bucket = TokenBucket(TokenRate(limit, ticksPerSecond: clock.0), now: clock.1)
    // Twice the rate: from 150 microseconds to hours of simulated time.
    let seconds = 30_000 / Double(rate) / 2
    let passed = offer(&bucket, ticksPerSecond: clock.0, start: clock.1, seconds: seconds, packets: 30_000)
    let expected = Double(rate) * seconds + Double(limit.burst)
    #expect(abs(Double(passed) - expected) <= expected * 0.03, "\(passed), not \(expected)")
  }

  @Test(arguments: [(1_000_000, 12_000), (10_000_000_000, 12_000), (400_000_000_000, 512), (1000, 8000)], clocks)
  func `bits pass at the limit`(limited: (rate: Int, packet: Int), clock: (Double, UInt64)) throws {
    let limit = try RateLimit(.bits, perSecond: limited.rate, burst: max(12_144, limited.rate / 1_000_000))
    var bucket = TokenBucket(TokenRate(limit, ticksPerSecond: clock.0), now: clock.1)
    let seconds = 30_000 * Double(limited.packet) / Double(limited.rate) / 2
    let passed = offer(
      &bucket, ticksPerSecond: clock.0, start: clock.1, seconds: seconds, packets: 30_000, bits: limited.packet)
    let expected = (Double(limited.rate) * seconds + Double(limit.burst)) / Double(limited.packet)
    #expect(abs(Double(passed) - expected) <= expected * 0.03, "\(passed), not \(expected)")
  }

  @Test func `what stays below the limit all passes`() throws {
    let limit = try RateLimit(.packets, perSecond: 1000, burst: 1)
    var bucket = TokenBucket(TokenRate(limit, ticksPerSecond: 3e9), now: 0)
    #expect(offer(&bucket, ticksPerSecond: 3e9, start: 0, seconds: 10, packets: 9999) == 9999)
  }

  /// Clocks whose ticks don't divide evenly: what a packet stands for is rounded.
  @Test(arguments: [1, 7, 1000, 333_333], [2.449_999_873e9, 2.450_000_131e9, 1e9 / 3, 24_999_999])
  func `the whole burst passes at once, however the clock ticks`(rate: Int, ticksPerSecond: Double) throws {
    for burst in [1, 5, 39, 40, 999] {
      let limit = try RateLimit(.packets, perSecond: rate, burst: burst)
      var bucket = TokenBucket(TokenRate(limit, ticksPerSecond: ticksPerSecond), now: 5)
      #expect((0..<1200).map { _ in bucket.take(bits: 512, now: 5) }.reduce(0, +) == burst)
    }
  }

  @Test func `a burst passes at once and then no more`() throws {
    let limit = try RateLimit(.packets, perSecond: 10, burst: 25)
    var bucket = TokenBucket(TokenRate(limit, ticksPerSecond: 1e9), now: 5)
    #expect((0..<40).map { _ in bucket.take(bits: 512, now: 5) }.reduce(0, +) == 25)
    // A tenth of a second, less a tick and more.
    #expect(bucket.take(bits: 512, now: 100_000_003) == 0)
    #expect(bucket.take(bits: 512, now: 100_000_006) == 1)
    #expect(bucket.take(bits: 512, now: 100_000_006) == 0)
    // Full again after two and a half seconds, and not fuller after an hour.
    #expect((0..<40).map { _ in bucket.take(bits: 512, now: 3_600_000_000_000) }.reduce(0, +) == 25)
  }

  @Test func `of a unit as many packets pass as there are tokens for`() throws {
    let limit = try RateLimit(.packets, perSecond: 10, burst: 25)
    var bucket = TokenBucket(TokenRate(limit, ticksPerSecond: 1e9), now: 0)
    #expect(bucket.take(packets: 20, bits: 0, now: 0) == 20)
    #expect(bucket.take(packets: 20, bits: 0, now: 0) == 5)
    #expect(bucket.take(packets: 2, bits: 0, now: 0) == 0)
    let bits = try RateLimit(.bits, perSecond: 1_000_000, burst: 100_000)
    bucket = TokenBucket(TokenRate(bits, ticksPerSecond: 1e9), now: 0)
    #expect(bucket.take(packets: 16, bits: 16 * 12_000, now: 0) == 8)
    #expect(bucket.take(packets: 16, bits: 16 * 12_000, now: 0) == 0)
  }

  @Test func `a packet larger than the burst counts in full`() throws {
    let limit = try RateLimit(.bits, perSecond: 72_000, burst: 12_144)
    var bucket = TokenBucket(TokenRate(limit, ticksPerSecond: 1e9), now: 0)
    // 9,000 bytes every half second: twice the rate.
    let passed = (0..<200).reduce(0) { $0 + bucket.take(bits: 72_000, now: UInt64($1) * 500_000_000) }
    #expect((85...101).contains(passed))
  }

  @Test(arguments: [1, 2])
  func `a bucket left alone for ages is full`(years: UInt64) throws {
    let limit = try RateLimit(.packets, perSecond: 10, burst: 5)
    var bucket = TokenBucket(TokenRate(limit, ticksPerSecond: 1e9), now: 0)
    #expect(bucket.take(packets: 9, bits: 0, now: 0) == 5)
    let later = years * 365 * 86_400 * 1_000_000_000
    #expect(bucket.take(packets: 9, bits: 0, now: later) == 5)
    #expect(bucket.take(packets: 9, bits: 0, now: later) == 0)
  }

  @Test func `any arrivals pass no more than the burst and the rate's worth`() throws {
    var random = SeededGenerator(9)
    for _ in 0..<20 {
      let limit = try RateLimit(
        .packets, perSecond: .random(in: 1...100_000, using: &random), burst: .random(in: 1...1000, using: &random))
      let start = UInt64.random(in: 0 ... .max, using: &random)
      var bucket = TokenBucket(TokenRate(limit, ticksPerSecond: 1e9), now: start)
      // The same in floating point: tokens, refilled at the rate.
      var (tokens, passed, reference, time) = (Double(limit.burst), 0, 0, UInt64(0))
      for _ in 0..<2000 {
        let pause = random.once(in: 10) ? 1_000_000_000 : 3_000_000_000 / UInt64(limit.perSecond)
        let gap = UInt64.random(in: 0...pause, using: &random)
        time += gap
        tokens = min(Double(limit.burst), tokens + Double(gap) * Double(limit.perSecond) / 1e9)
        let wanted = Int.random(in: 1...4, using: &random)
        let taken = min(wanted, Int(tokens + 1e-6))
        tokens -= Double(taken)
        reference += taken
        passed += bucket.take(packets: wanted, bits: 0, now: start &+ time)
      }
      #expect(abs(passed - reference) <= max(2, reference / 1000), "\(limit): \(passed), not \(reference)")
    }
  }
}
