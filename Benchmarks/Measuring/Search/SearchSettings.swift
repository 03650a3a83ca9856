import XSKEngine

/// A test of RFC 2544.
public enum SearchTest: String, CaseIterable, Codable, Sendable {
  /// Section 26.1, by multiple loss ratio search.
  case throughput
  /// Section 26.2, as RFC 8219 has it.
  case latency
  /// Section 26.3.
  case loss
  /// Section 26.4, as RFC 9004 has it.
  case burst
  /// Section 26.5.
  case recovery
  /// Section 26.6.
  case reset
}

/// What a search is to do. Equal settings make equal searches: a search's file is for one of these.
public struct SearchSettings: Codable, Hashable, Sendable {
  /// The device under test, or both interfaces.
  public var subject: String
  /// Frame lengths with FCS, as RFC 2544 has them, or `imix`.
  public var sizes: [String]
  public var tests: [SearchTest]
  public var goals: [LossGoal]
  /// Frames a second: the lowest load that is tried, and the highest; null: what the generator can do.
  public var minimum: Double
  public var maximum: Double?
  public var flows: UInt32
  /// Seconds of a trial of the other tests.
  public var seconds: Double
  /// Trials of delays, and bursts' repeats.
  public var repeats: Int
  /// Seconds of the longest burst.
  public var burstSeconds: Double
  /// How often a trial is made again that something else than the device disturbed.
  public var retries: Int

  public init(
    subject: String, sizes: [String], tests: [SearchTest], goals: [LossGoal], minimum: Double = 1000,
    maximum: Double? = nil, flows: UInt32 = 1, seconds: Double = 60, repeats: Int = 20, burstSeconds: Double = 2,
    retries: Int = 2
  ) {
    (self.subject, self.sizes, self.tests, self.goals) = (subject, sizes, tests, goals)
    (self.minimum, self.maximum, self.flows, self.seconds) = (minimum, maximum, flows, seconds)
    (self.repeats, self.burstSeconds, self.retries) = (repeats, burstSeconds, retries)
  }

  /// Files from before trials were made again are read, too.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      subject: try fields.decode(String.self, forKey: .subject),
      sizes: try fields.decode([String].self, forKey: .sizes),
      tests: try fields.decode([SearchTest].self, forKey: .tests),
      goals: try fields.decode([LossGoal].self, forKey: .goals),
      minimum: try fields.decode(Double.self, forKey: .minimum),
      maximum: try fields.decodeIfPresent(Double.self, forKey: .maximum),
      flows: try fields.decode(UInt32.self, forKey: .flows), seconds: try fields.decode(Double.self, forKey: .seconds),
      repeats: try fields.decode(Int.self, forKey: .repeats),
      burstSeconds: try fields.decode(Double.self, forKey: .burstSeconds),
      retries: try fields.decodeIfPresent(Int.self, forKey: .retries) ?? 0)
  }

  /// In what two searches differ, as their options are called.
  func differences(from other: SearchSettings) -> [String] {
    let pairs: [(String, Bool)] = [
      ("device or interfaces", subject == other.subject), ("sizes", sizes == other.sizes),
      ("tests", tests == other.tests),
      ("goals or trial lengths", goals == other.goals), ("minimum", minimum == other.minimum),
      ("maximum", maximum == other.maximum), ("flows", flows == other.flows), ("seconds", seconds == other.seconds),
      ("repeats", repeats == other.repeats), ("burst-seconds", burstSeconds == other.burstSeconds),
      ("retries", retries == other.retries),
    ]
    return pairs.filter { !$0.1 }.map(\.0)
  }

  /// RFC 2544 wants 60 seconds, and 20 trials of delays.
  public var shortcuts: [String] {
    var notes: [String] = []
    if seconds < 60 || goals.contains(where: { $0.finalSeconds < 60 }) {
      let shortest = min(seconds, goals.map(\.finalSeconds).min() ?? seconds)
      notes.append("short trials: \(shortest.short) s where RFC 2544 wants 60 s")
    }
    let repeated = tests.filter { $0 == .latency || $0 == .burst }
    if repeats < 20, !repeated.isEmpty {
      notes.append("\(repeats) repeats where RFC 2544 wants 20 of latency, 50 of bursts")
    }
    return notes
  }

  /// The frames of a length with FCS.
  public static func mix(_ size: String) throws(XSKError) -> SizeMix {
    if size == "imix" { return .imix }
    guard let bytes = Int(size), 64...1518 ~= bytes else {
      throw XSKError("size \(size)", "not a frame length", remedy: "give 64 to 1518 bytes, FCS included, or imix")
    }
    return SizeMix(size: bytes - 4)
  }
}

/// What a search found for one frame length.
public struct SizeReport: Codable, Hashable, Sendable {
  /// With FCS, or `imix`.
  public var size: String
  /// What the generator alone can offer, and the highest load that was tried: frames a second.
  public var generator: Double
  public var maximum: Double
  public var throughput: [LossRatioSearch.Result] = []
  /// Every trial of that search, in the order of measuring.
  public var trials: [TrialOutcome] = []
  public var loss: [TrialOutcome] = []
  public var burst: BurstSearch.Result?
  public var latency: [LatencyOutcome] = []
  public var recovery: RecoveryOutcome?
  public var reset: RecoveryOutcome?
  public var irregular: [String] = []

  init(size: String, generator: Double, maximum: Double) {
    (self.size, self.generator, self.maximum) = (size, generator, maximum)
  }
}

/// What a search found.
public struct SearchReport: Codable, Hashable, Sendable {
  public var settings: SearchSettings
  /// The exact command of the device under test; null: it was not started.
  public var command: String?
  public var sizes: [SizeReport] = []
  /// Where this is less than the standards want.
  public var shortcuts: [String]
  /// It did not come to its end; its file, if it has one, knows where to go on.
  public var isInterrupted = false

  public init(settings: SearchSettings) {
    self.settings = settings
    shortcuts = settings.shortcuts
  }

  enum CodingKeys: String, CodingKey {
    case settings, command, sizes, shortcuts
    case isInterrupted = "interrupted"
  }
}
