import XSKEngine

/// Finds when a device stopped losing frames, from what was sent and received about each millisecond.
struct RecoveryWatch {
  private struct Moment {
    var seconds: Double
    var sent: UInt64
    var received: UInt64
  }

  private let start: UInt64
  private var moments: [Moment] = []

  init(start: UInt64) { self.start = start }

  var elapsed: Double { Double(TimestampClock.monotonicNanoseconds - start) / 1e9 }

  mutating func add(sent: UInt64, received: UInt64) { add(sent: sent, received: received, at: elapsed) }

  mutating func add(sent: UInt64, received: UInt64, at seconds: Double) {
    moments.append(Moment(seconds: seconds, sent: sent, received: received))
  }

  /// Frames that may be under way while nothing is lost: some milliseconds of them, for the two counters are not read at once.
  static let underWay = 0.005

  func outcome(before: Double, after: Double, sent: UInt64, received: UInt64) -> RecoveryOutcome {
    let lost = sent - min(sent, received)
    let allowance = UInt64(after * Self.underWay) + 64
    // What is missing at a moment and not in the end was only under way. From the last moment on at which more was yet to be lost
    // the device has recovered.
    let first = moments.first.map { $0.sent - min($0.sent, $0.received) } ?? 0
    let last = moments.last { moment in moment.sent - min(moment.sent, moment.received) + allowance < lost }
    let isStillLosing = last.map { $0.seconds == moments.last?.seconds } ?? false
    let growth = lost - min(lost, first)
    return RecoveryOutcome(
      before: before, after: after, seconds: isStillLosing ? nil : last?.seconds ?? 0, lost: growth,
      lostSeconds: after > 0 ? Double(growth) / after : 0)
  }
}
