import Measuring
import XSKEngine

/// A device with a known capacity and a known buffer, and a generator with a known limit; nothing is sent.
final class FakeTester: LoadTester {
  /// Frames a second that it forwards, by trial: the last goes on for ever.
  var capacities: [Double]
  /// Frames that it buffers.
  var buffer: Double = 0
  /// What the generator can send a second.
  var generator = Double.infinity
  /// Seconds for which others hold the generator up, by trial: the last goes on for ever.
  var held = [0.0]
  private(set) var trials: [TrialOutcome] = []
  private(set) var calls = 0
  /// Fails once so many calls were answered.
  var callLimit = Int.max

  struct Stopped: Error {}

  init(capacity: Double) { capacities = [capacity] }

  private func count() throws {
    guard calls < callLimit else { throw Stopped() }
    calls += 1
  }

  private var capacity: Double { capacities[min(trials.count, capacities.count - 1)] }

  func trial(load: Double, seconds: Double, size: SizeMix) throws -> TrialOutcome {
    try count()
    let requested = (load * seconds).rounded()
    let sent = min(requested, (generator * seconds).rounded(.down))
    var outcome = TrialOutcome(
      load: load, seconds: seconds, lasted: seconds, requested: UInt64(requested), sent: UInt64(sent),
      received: UInt64(min(sent, (capacity * seconds).rounded(.down) + buffer)))
    outcome.held = held[min(trials.count, held.count - 1)]
    trials.append(outcome)
    return outcome
  }

  func burst(frames: UInt64, size: SizeMix) throws -> TrialOutcome {
    try count()
    let rate = 5_000_000.0
    let seconds = Double(frames) / rate
    return TrialOutcome(
      load: rate, seconds: seconds, lasted: seconds, requested: frames, sent: frames,
      received: UInt64(min(Double(frames), buffer + capacity * seconds)))
  }

  func latency(load: Double, seconds: Double, size: SizeMix) throws -> LatencyOutcome {
    try count()
    var counts = ProbeCounts()
    counts.received = UInt64(load * seconds)
    return LatencyOutcome(load: load, seconds: seconds, sent: counts.received, counts: counts, latency: nil)
  }

  func recovery(overload: Double, load: Double, seconds: Double, size: SizeMix) throws -> RecoveryOutcome {
    try count()
    return RecoveryOutcome(before: overload, after: load, seconds: 0.01, lost: 7, lostSeconds: 0.001)
  }

  func reset(load: Double, seconds: Double, size: SizeMix) throws -> RecoveryOutcome {
    try count()
    return RecoveryOutcome(before: load, after: load, seconds: 0.5, lost: 700, lostSeconds: 0.4)
  }
}
