import Testing

@testable import Measuring

@Suite struct RecoveryWatchTests {
  /// 1000 frames a second at first and after; so many of each hundred lost until a moment, in milliseconds.
  private func outcome(lossUntil end: Int, of total: Int = 1000, underWay: UInt64 = 3) -> RecoveryOutcome {
    var watch = RecoveryWatch(start: 0)
    var (sent, received) = (UInt64(50_000), UInt64(49_000))
    for millisecond in 0..<total {
      watch.add(sent: sent + underWay, received: received, at: Double(millisecond) / 1000)
      sent += 1000
      received += millisecond < end ? 500 : 1000
    }
    return watch.outcome(before: 2e6, after: 1e6, sent: sent, received: received)
  }

  @Test func `it has recovered when nothing more is lost`() throws {
    let found = outcome(lossUntil: 200)
    // Half a millisecond's frames are lost each millisecond; the allowance is five milliseconds' worth of frames.
    let seconds = try #require(found.seconds)
    #expect(seconds > 0.185 && seconds <= 0.2)
    #expect(found.lost > 99_000 && found.lost < 101_100)
  }

  @Test func `one that loses nothing has recovered at once, one that goes on losing never`() {
    #expect(outcome(lossUntil: 0).seconds == 0)
    #expect(outcome(lossUntil: 1000).seconds ?? 1 > 0.98)
  }
}
