import Forwarder
import Glibc
import Reporting
import Testing
import XSKLab

@testable import XSKEngine

extension OnVeth {
  /// What rules and limits are for.
  @Suite("Floods and limits") struct Floods {
    @Test func `a flood is dropped by policy while a well-behaved transfer completes, and every packet is told of`()
      throws
    {
      let lab = try RoutedLab()
      let run = try PolicyProcess(
        in: lab.middle, RoutedLab.routing(["{name: flood, match: {protocol: udp, dport: 9}, then: {drop: flood}}"]))
      #expect(try lab.answers("10.2.0.20"))
      var frame = try RoutedLab.frame()
      frame.replaceSubrange(0..<6, with: RoutedLab.middleMAC.bytes)
      let generator = try LiveFrameGenerator(
        in: lab.left, device: "l0",
        LiveFrameGenerator.Configuration(frame: frame, flows: 100_000, rate: 40_000, batch: 16))
      let hasBegun = try eventually { try run.packets("flood") > 1_000 }
      #expect(hasBegun)
      let transfer = try TCPTransfer.run(from: lab.left, to: lab.right, address: "10.2.0.20", bytes: 2_000_000)
      #expect(transfer.isIntact)
      let report = try generator.stop()
      // What has arrived in a ring is yet to be counted: until the number stands still.
      let dropped = try eventuallyStill { try run.packets("flood") }
      let summary = try run.stop()
      #expect(summary.packets.dropped["flood"] == dropped && dropped > 1_000)
      // The rest was lost where the kernel had no room: in the veth's ring, or for want of frames.
      #expect(dropped <= report.packets)
      let kernel = summary.kernel
      let lost = try lab.middle.link("m0").counters.receiveDropped + kernel.rxDropped + kernel.rxRingFull
      #expect(dropped + lost >= report.packets, "\(report) \(summary)")
    }

    struct Limit: Sendable, CustomTestStringConvertible {
      var rate: String
      var burst: String
      var packetsPerSecond: Double
      var testDescription: String { rate }
    }

    /// Frames of 500 bytes at some 12,000 a second meet a limit of 2,000.
    @Test(
      arguments: [
        Limit(rate: "2 kpps", burst: "1000 packets", packetsPerSecond: 2000),
        Limit(rate: "8 Mbit/s", burst: "500 kB", packetsPerSecond: 2000),
      ])
    func `a limit passes its rate within five in a hundred, and its count is what arrives`(limit: Limit) throws {
      let lab = try RoutedLab(isQuiet: true)
      let run = try PolicyProcess(
        in: lab.middle,
        RoutedLab.bridging(
          ["{name: limited, match: {iif: lan}, then: [{limit: slow}, {forward: wan}]}"],
          "limiters:\n  slow: {rate: \(limit.rate), burst: \(limit.burst), excess: too-much}\n"))
      let before = try lab.right.link("r0").counters.receivedPackets
      let generator = try LiveFrameGenerator(
        in: lab.left, device: "l0",
        LiveFrameGenerator.Configuration(
          frame: try RoutedLab.frame(size: 500), duration: .seconds(60), rate: 12_000, batch: 8))
      let isEmpty = try eventually { try run.counts().limiters[0].exceeded.packets > 0 }
      #expect(isEmpty, "the bucket was never empty")
      let start = try Reading(run)
      var enough = false
      // More than the limit never passes. Less may, for a moment, when a busy machine lets the flood itself wait.
      _ = try eventually {
        usleep(100_000)
        let now = try Reading(run)
        guard start.least(to: now) > 2.5 else { return false }
        let passed = Double(now.passed - start.passed)
        let most = limit.packetsPerSecond * 1.05 * start.most(to: now)
        #expect(passed <= most, "\(passed) of \(most)")
        enough = passed >= limit.packetsPerSecond * 0.95 * start.least(to: now)
        return enough || passed > most
      }
      #expect(enough, "the limit passes less than its rate")
      try generator.stop()
      let passed = try eventuallyStill { try run.counts().limiters[0].passed.packets }
      let counts = try run.counts()
      #expect(counts.limiters[0].exceeded.packets + passed == counts.rules[0].packets)
      #expect(try eventually { try lab.right.link("r0").counters.receivedPackets - before == passed })
      let summary = try run.stop()
      #expect(summary.packets.dropped["too-much"] == counts.limiters[0].exceeded.packets)
    }

    /// What a limiter has passed at a moment between two readings of the clock.
    struct Reading {
      let before: ContinuousClock.Instant
      let after: ContinuousClock.Instant
      let passed: UInt64

      init(_ run: PolicyProcess) throws {
        before = .now
        passed = try run.counts().limiters[0].passed.packets
        after = .now
      }

      func least(to later: Reading) -> Double { (later.before - after) / .seconds(1) }
      func most(to later: Reading) -> Double { (later.after - before) / .seconds(1) }
    }
  }
}

/// A count, once it is the same twice in 50 ms.
func eventuallyStill(_ read: () throws -> UInt64) rethrows -> UInt64 {
  var last = try read()
  for _ in 0..<100 {
    usleep(50_000)
    let now = try read()
    if now == last { return now }
    last = now
  }
  return last
}
