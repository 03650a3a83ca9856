import Forwarder
import Testing
import XSKEngine

@Suite struct RateLimitTests {
  @Test(
    arguments: [
      (RateLimit.Unit.packets, 0, nil, "rate limit of 0 packets a second: out of range; use 1 to 1000000000"),
      (.packets, -5, 1, "rate limit of -5 packets a second: out of range; use 1 to 1000000000"),
      (.bits, 999, nil, "rate limit of 999 bits a second: out of range; use 1000 to 400000000000"),
      (.packets, 10, 0, "rate limit of 10 packets a second: burst of 0 packets out of range; use 1 to 864000"),
      (.bits, 8000, 8000, "rate limit of 8000 bits a second: burst of 8000 bits out of range; use 12144 to 691200000"),
      (.packets, 1, 86401, "rate limit of 1 packets a second: burst of 86401 packets out of range; use 1 to 86400"),
    ] as [(RateLimit.Unit, Int, Int?, String)])
  func `a limit out of range is refused in words`(unit: RateLimit.Unit, rate: Int, burst: Int?, message: String) {
    let error = #expect(throws: XSKError.self) { try RateLimit(unit, perSecond: rate, burst: burst) }
    #expect(error?.description == message)
  }

  @Test func `the burst is a tenth of a second unless said otherwise`() throws {
    #expect(try RateLimit(.packets, perSecond: 1000).burst == 100)
    #expect(try RateLimit(.packets, perSecond: 1).burst == 1)
    #expect(try RateLimit(.bits, perSecond: 1000).burst == 524_288)
  }

  @Test func `workers share a limit`() throws {
    let share = try RateLimit(.packets, perSecond: 10, burst: 4).divided(among: 3)
    #expect(share.perSecond == 4 && share.burst == 2)
    let small = try RateLimit(.bits, perSecond: 1000, burst: 12_144).divided(among: 8)
    #expect(small.perSecond == 1000 && small.burst == 12_144)
  }
}
