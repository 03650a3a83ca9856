import Testing

@testable import XSKEngine

/// When a queue that doesn't work is tried again.
@Suite struct RepairTests {
  @Test func `a device that is gone is looked for less and less, a busy queue once a second at least`() {
    func finalDelay(atMost longest: UInt64) -> UInt64 {
      var repair = Repair(step: .vacant)
      for _ in 0..<20 { repair.backOff(atMost: longest) }
      return repair.delay
    }
    #expect(finalDelay(atMost: Repair.longestDelay) == 5_000_000_000)
    #expect(finalDelay(atMost: Repair.longestBusyDelay) == 1_000_000_000)
    // One that was gone for long, and is there now, but busy.
    var repair = Repair(step: .vacant)
    for _ in 0..<20 { repair.backOff() }
    let before = TimestampClock.monotonicNanoseconds
    repair.backOff(atMost: Repair.longestBusyDelay)
    #expect(repair.next <= TimestampClock.monotonicNanoseconds + Repair.longestBusyDelay && repair.next > before)
  }
}
