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
  /// Seconds for which others kept the generator from sending: it sent what was missing later, and took so much longer.
  public var held = 0.0
  /// Seconds for which the device's thread could have run and had no CPU; null: it has none of its own, or that is not known.
  public var deviceWaited: Double?
  /// Frames that the queue at the device's port had no room for, which is the device's loss; and the queue at the far end, which is
  /// not. null: not known.
  public var portDropped: UInt64?
  public var farDropped: UInt64?
  /// Processor time of the harness itself meanwhile, seconds.
  public var harness = 0.0
  /// How often it was made: the one that was disturbed least counts.
  public var attempts = 1

  public init(load: Double, seconds: Double, lasted: Double, requested: UInt64, sent: UInt64, received: UInt64) {
    (self.load, self.seconds, self.lasted) = (load, seconds, lasted)
    (self.requested, self.sent, self.received) = (requested, sent, received)
  }

  /// Of the frames that should have been sent, the share that did not arrive. What was not sent at all is lost.
  public var lossRatio: Double {
    requested == 0 ? 0 : Double(requested - min(requested, received)) / Double(requested)
  }

  /// Frames a second that arrived.
  public var forwardingRate: Double { seconds > 0 ? Double(received) / seconds : 0 }

  /// The generator sent less than this share of what it should have: the loss is at least in part its own.
  static let sentLimit = 0.999

  /// The generator was kept from sending for a larger share of the time: the load was less by so much.
  static let heldLimit = 0.005
  /// Frames were lost, and the device's thread had no CPU for a larger share of the time: the loss is at least in part others'.
  static let waitLimit = 0.002

  /// Takes what was sent too late from what was sent and what arrived.
  ///
  /// - Parameters:
  ///   - window: seconds in which it had to be done.
  ///   - held: seconds for which the generator was behind its time.
  ///   - others: seconds of it that other threads or the hypervisor had. The rest is its own slowness, or that of a device which
  ///     works on its CPU, as those of the kernel do behind a veth: it can't send at this load, and what is late is lost.
  mutating func settle(window: Double, held: Double, others: Double) {
    self.held = min(held, others)
    guard held - self.held > seconds * Self.heldLimit else { return }
    let took = sent < requested ? window : seconds + held
    let inTime = min(1, (seconds + self.held) / took)
    (sent, received) = (UInt64((Double(sent) * inTime).rounded()), UInt64((Double(received) * inTime).rounded()))
  }

  /// What did not come from the device: by how many times a limit was passed, the worst of them. Above 1 the trial is worth
  /// making again.
  public var disturbance: Double {
    guard requested > 0, seconds > 0 else { return 0 }
    let held = held / seconds / Self.heldLimit
    let waited = received < sent ? (deviceWaited ?? 0) / seconds / Self.waitLimit : 0
    let far = Double(farDropped ?? 0) / Double(requested) / (1 - Self.sentLimit)
    return max(held, waited, far)
  }

  /// What is odd about it.
  public var irregular: [String] {
    var notes: [String] = []
    func share(_ part: Double, _ whole: Double) -> String { "\((part / max(whole, 1e-9) * 1e4).rounded() / 100) %" }
    let rate = FrameRate.text(load)
    if Double(sent) < Double(requested) * Self.sentLimit {
      notes.append(
        "at \(rate) the generator sent \(share(Double(sent), Double(requested))) of the frames in time; the rest counts as lost"
      )
    }
    if held > seconds * Self.heldLimit {
      notes.append(
        "at \(rate) the generator was held up for \(share(held, seconds)) of the time: the load was less by so much")
    }
    if received < sent, let deviceWaited, deviceWaited > seconds * Self.waitLimit {
      notes.append(
        "at \(rate) frames were lost while the device had no CPU for \(share(deviceWaited, seconds)) of the time: others had it"
      )
    }
    if let farDropped, farDropped > 0 {
      notes.append(
        "at \(rate) the far end had no room for \(farDropped) frames: the harness's loss, counted as the device's")
    }
    if received > sent {
      notes.append("at \(FrameRate.text(load)) more frames arrived than were sent: others send, too")
    }
    return notes
  }

  /// Files from before there were the fields below the first six are read, too.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      load: try fields.decode(Double.self, forKey: .load), seconds: try fields.decode(Double.self, forKey: .seconds),
      lasted: try fields.decode(Double.self, forKey: .lasted),
      requested: try fields.decode(UInt64.self, forKey: .requested),
      sent: try fields.decode(UInt64.self, forKey: .sent), received: try fields.decode(UInt64.self, forKey: .received))
    held = try fields.decodeIfPresent(Double.self, forKey: .held) ?? 0
    deviceWaited = try fields.decodeIfPresent(Double.self, forKey: .deviceWaited)
    portDropped = try fields.decodeIfPresent(UInt64.self, forKey: .portDropped)
    farDropped = try fields.decodeIfPresent(UInt64.self, forKey: .farDropped)
    harness = try fields.decodeIfPresent(Double.self, forKey: .harness) ?? 0
    attempts = try fields.decodeIfPresent(Int.self, forKey: .attempts) ?? 1
  }

  enum CodingKeys: String, CodingKey {
    case load, seconds, lasted, requested, sent, received, attempts
    case held = "held_seconds"
    case deviceWaited = "device_waited_seconds"
    case portDropped = "port_dropped"
    case farDropped = "far_dropped"
    case harness = "harness_seconds"
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
