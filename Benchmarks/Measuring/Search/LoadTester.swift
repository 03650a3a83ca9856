import XSKEngine

/// What became of a number of frames that were to be sent at a rate.
public struct TrialOutcome: Codable, Hashable, Sendable {
  /// Frames a second that were asked for.
  public var load: Double
  /// Seconds that it was to last, and lasted.
  public var seconds: Double
  public var lasted: Double
  /// Frames that should have been sent, that were, and that arrived.
  public var requested: UInt64
  public var sent: UInt64
  public var received: UInt64

  public init(load: Double, seconds: Double, lasted: Double, requested: UInt64, sent: UInt64, received: UInt64) {
    (self.load, self.seconds, self.lasted) = (load, seconds, lasted)
    (self.requested, self.sent, self.received) = (requested, sent, received)
  }

  /// Of the frames that should have been sent, the share that did not arrive. What was not sent is lost.
  public var lossRatio: Double {
    requested == 0 ? 0 : Double(requested - min(requested, received)) / Double(requested)
  }

  /// Frames a second that arrived.
  public var forwardingRate: Double { seconds > 0 ? Double(received) / seconds : 0 }

  /// The generator sent less than this share of what it should have: the loss is at least in part its own.
  static let sentLimit = 0.999

  /// What is odd about it.
  public var irregular: [String] {
    var notes: [String] = []
    if Double(sent) < Double(requested) * Self.sentLimit {
      let share = (Double(sent) / Double(max(1, requested)) * 1e4).rounded() / 100
      notes.append("at \(FrameRate.text(load)) the generator sent \(share) % of the frames; the rest counts as lost")
    }
    if received > sent {
      notes.append("at \(FrameRate.text(load)) more frames arrived than were sent: others send, too")
    }
    return notes
  }

  enum CodingKeys: String, CodingKey {
    case load, seconds, lasted, requested, sent, received
  }
}

/// A trial of delays.
public struct LatencyOutcome: Codable, Hashable, Sendable {
  public var load: Double
  public var seconds: Double
  public var sent: UInt64
  public var received: UInt64
  public var duplicated: UInt64
  public var reordered: UInt64
  /// null: nothing arrived.
  public var latency: LatencySummary?

  public init(load: Double, seconds: Double, sent: UInt64, counts: ProbeCounts, latency: LatencySummary?) {
    (self.load, self.seconds, self.sent, self.latency) = (load, seconds, sent, latency)
    (received, duplicated, reordered) = (counts.received, counts.duplicated, counts.reordered)
  }
}

/// How long a device took to be itself again.
public struct RecoveryOutcome: Codable, Hashable, Sendable {
  /// Frames a second before and after the change.
  public var before: Double
  public var after: Double
  /// Seconds until no frame was lost any more; null: it never was so within the trial.
  public var seconds: Double?
  /// Frames lost since the change, and the time in which so many are sent.
  public var lost: UInt64
  public var lostSeconds: Double

  public init(before: Double, after: Double, seconds: Double?, lost: UInt64, lostSeconds: Double) {
    (self.before, self.after, self.seconds, self.lost, self.lostSeconds) = (before, after, seconds, lost, lostSeconds)
  }

  enum CodingKeys: String, CodingKey {
    case before, after, seconds, lost
    case lostSeconds = "lost_seconds"
  }
}

/// What searches drive: a generator, a device under test and a far end that counts; or a model of them.
public protocol LoadTester: AnyObject {
  /// Sends `load × seconds` frames at a rate, waits until no more arrive, and counts.
  func trial(load: Double, seconds: Double, size: SizeMix) throws -> TrialOutcome
  /// Sends a number of frames as fast as they go, waits, and counts.
  func burst(frames: UInt64, size: SizeMix) throws -> TrialOutcome
  func latency(load: Double, seconds: Double, size: SizeMix) throws -> LatencyOutcome
  /// Sends at one rate for some time, then at another, and watches when frames stop being lost.
  func recovery(overload: Double, load: Double, seconds: Double, size: SizeMix) throws -> RecoveryOutcome
  /// Sends at a rate, and resets the device meanwhile.
  func reset(load: Double, seconds: Double, size: SizeMix) throws -> RecoveryOutcome
}
