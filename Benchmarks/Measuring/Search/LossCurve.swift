/// Frame loss rate at falling loads (RFC 2544, section 26.3): from the highest on down in steps of a tenth, until two in a row lose
/// nothing.
public struct LossCurve {
  public let maximum: Double
  /// Of the maximum, in percent.
  public let step: Int
  public private(set) var trials: [TrialOutcome] = []

  public init(maximum: Double, step: Int = 10) {
    self.maximum = maximum
    self.step = max(1, min(step, 10))
  }

  public mutating func record(_ outcome: TrialOutcome) { trials.append(outcome) }

  /// The load that it needs a trial at next; nil: it is done.
  public func next() -> Double? {
    if trials.count >= 2, trials.suffix(2).allSatisfy({ $0.lossRatio == 0 }) { return nil }
    let percent = 100 - step * trials.count
    return percent > 0 ? (maximum * Double(percent) / 100).rounded() : nil
  }
}

/// The longest burst at full speed that loses nothing, found by halving, again and again (RFC 9004).
public struct BurstSearch {
  public struct Result: Codable, Hashable, Sendable {
    /// Of the repeats, in frames.
    public var mean: Double
    public var deviation: Double
    public var minimum: UInt64
    public var maximum: UInt64
    public var repeats: Int
    /// Seconds that so many frames take at full speed: how long the device's buffers lasted.
    public var impliedSeconds: Double
    /// The same without what the device forwarded meanwhile (RFC 9004, section 6.4).
    public var correctedSeconds: Double?
    public var irregular: [String]

    enum CodingKeys: String, CodingKey {
      case mean, deviation, minimum, maximum, repeats, irregular
      case impliedSeconds = "implied_seconds"
      case correctedSeconds = "corrected_seconds"
    }
  }

  public let limit: UInt64
  public let repeats: Int
  /// Bursts of one repeat differ by no less than this share.
  static let precision = 0.01
  private var lower: UInt64 = 0
  private var upper: UInt64
  private(set) var found: [UInt64] = []
  private(set) var notes: Set<String> = []

  /// - Parameter limit: the longest burst, in frames.
  public init(limit: UInt64, repeats: Int) {
    (self.limit, self.repeats) = (max(1, limit), max(1, repeats))
    upper = self.limit + 1
  }

  /// Frames of the next burst; nil: it is done.
  public func next() -> UInt64? {
    guard found.count < repeats else { return nil }
    // The longest first: if it passes there is nothing to search for.
    return lower == 0 && upper > limit ? limit : lower + (upper - lower) / 2
  }

  public mutating func record(_ outcome: TrialOutcome) {
    let frames = outcome.requested
    if outcome.lossRatio == 0 { lower = frames } else { upper = min(upper, frames) }
    let isDone = lower >= limit || Double(upper - lower) <= max(1, Double(upper) * Self.precision)
    guard isDone else { return }
    if lower >= limit { notes.insert("the longest burst, \(limit) frames, lost nothing: the device may take more") }
    if lower == 0 { notes.insert("no burst passed without loss") }
    found.append(lower)
    (lower, upper) = (0, limit + 1)
  }

  /// - Parameters:
  ///   - rate: frames a second at full speed.
  ///   - throughput: what the device forwards without loss, frames a second.
  public func result(rate: Double, throughput: Double?) -> Result {
    let lengths = found.map { Double($0) }
    let mean = lengths.isEmpty ? 0 : lengths.reduce(0, +) / Double(lengths.count)
    let variance =
      lengths.count < 2 ? 0 : lengths.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(lengths.count - 1)
    let implied = rate > 0 ? mean / rate : 0
    return Result(
      mean: mean, deviation: variance.squareRoot(), minimum: found.min() ?? 0, maximum: found.max() ?? 0,
      repeats: found.count, impliedSeconds: implied,
      correctedSeconds: throughput.map { max(0, implied * (1 - min(1, $0 / max(rate, 1)))) }, irregular: notes.sorted())
  }
}
