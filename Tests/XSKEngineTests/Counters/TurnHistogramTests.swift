import Testing

@testable import XSKEngine

@Suite("The histogram of turns") struct TurnHistogramTests {
  @Test(
    "a duration falls into the first bucket whose bound is above it",
    arguments: [
      (0, 0), (1, 0), (63, 0), (64, 1), (127, 1), (128, 2), (1_000_000, 14), (4_294_967_295, 26), (4_294_967_296, 27),
      (.max, 27),
    ] as [(UInt64, Int)])
  func buckets(_ nanoseconds: UInt64, _ bucket: Int) {
    #expect(TurnHistogram.bucket(nanoseconds: nanoseconds) == bucket)
    if let bound = TurnHistogram.bound(bucket) { #expect(nanoseconds < bound) }
    if bucket > 0, let below = TurnHistogram.bound(bucket - 1) { #expect(nanoseconds >= below) }
  }

  @Test func `its places lie behind the other counters of a worker, each with a name of its own`() {
    let places = TurnHistogram.places.map(\.1)
    #expect(places == Array(36..<64))
    #expect(WorkerCounter.allCases.allSatisfy { $0.rawValue < places[0] })
    #expect(Set(CounterDescription.Names.current.worker.values).count == WorkerCounter.allCases.count + 28)
  }

  @Test func `ticks become nanoseconds`() {
    let clock = TimestampClock.shared
    for nanoseconds in [100, 10_000, 1_000_000_000, 1 << 40] as [UInt64] {
      let back = TickScale(clock).of(clock.ticks(nanoseconds: nanoseconds))
      #expect(back <= nanoseconds && Double(back) > Double(nanoseconds) * 0.98 - 2, "\(nanoseconds): \(back)")
    }
  }

  @Test func `turns that found packets are counted, each once, empty ones are not`() throws {
    let rig = try SimulatedRig { $0.decideAll(.drop(.policy)) }
    rig.step()
    #expect(rig.receive(count: 5) == 5)
    for _ in 0..<3 { rig.step() }
    let worker = try rig.counters.snapshot().workers[0]
    let counted = (0..<TurnHistogram.count).reduce(0) { $0 + (worker.counters[TurnHistogram.name($1)] ?? 0) }
    #expect(counted == worker[.turns] - worker[.emptyTurns])
    #expect(counted == 1)
  }
}

@Suite("Messages") struct MessageLogTests {
  @Test func `the newest are kept, and all are numbered`() {
    var log = MessageLog()
    #expect(log.lines().isEmpty)
    for number in 0..<1000 { log.append("\(number)") }
    #expect(log.count == 1000)
    #expect(log.lines() == (744..<1000).map(String.init))
    #expect(log.lines(from: 998) == ["998", "999"])
    #expect(log.lines(from: 1000).isEmpty)
    #expect(log.lines(from: .max).isEmpty)
    #expect(log.lines(from: 10).count == 256)
  }
}
