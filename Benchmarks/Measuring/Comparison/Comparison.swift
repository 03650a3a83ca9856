import XSKEngine

/// Two sides of the same measurements, one divided by the other so that above 1 the first is the faster.
public struct Comparison: Hashable, Sendable {
  /// What both sides have measured.
  public struct Metric: Hashable, Sendable {
    public var name: String
    public var unit: String
    /// Of each pair: how many times as fast the first is.
    public var ratios: [Double]
    /// The figures that the ratios come from, in `unit`.
    public var first: [Double]
    public var second: [Double]

    /// In the order of pairs, or of the figures where those aren't pairs.
    public var median: Double { ratios.median }
    /// The middle half of the ratios.
    public var middle: ClosedRange<Double> { ratios.quantile(0.25)...ratios.quantile(0.75) }
    public var range: ClosedRange<Double> { (ratios.min() ?? .nan)...(ratios.max() ?? .nan) }
  }

  public private(set) var metrics: [Metric] = []
  /// What speaks against quoting it.
  public private(set) var irregular: [String] = []
  /// Measured in turn, or from two runs that know nothing of each other.
  public let isInterleaved: Bool

  /// Fewer pairs than this don't tell.
  public static let enoughPairs = 10

  /// Two documents that were made independently: each result's trials against those of the other's, every one with every
  /// one, so that the spread is that of both.
  ///
  /// - Throws: `XSKError` if they have no result in common.
  public init(_ first: ResultDocument, _ second: ResultDocument, only wanted: String? = nil) throws(XSKError) {
    isInterleaved = false
    for result in first.results where wanted == nil || result.name == wanted {
      guard let other = second.results.first(where: { $0.isSame(as: result) }) else { continue }
      let inCycles = result.cyclesPerPacket != nil && other.cyclesPerPacket != nil
      let (ours, theirs) = (result.figures(inCycles: inCycles), other.figures(inCycles: inCycles))
      let ratios = ours.flatMap { our in theirs.map { inCycles ? $0 / our : our / $0 } }
      append(result.identity, inCycles ? "TSC cycles a packet" : "million packets a second", ratios, ours, theirs)
    }
    try checkNotEmpty(wanted)
    if first.machine != second.machine { irregular.append("the two were measured on different machines or kernels") }
    if first.command != second.command {
      irregular.append("the two commands differ: \(first.command) and \(second.command)")
    }
    for document in [first, second] where document.isIrregular {
      irregular += document.irregular.map { "of \(document.started): \($0)" }
    }
  }

  /// Runs in turn, as many of each: each result of a run against that of the one it makes a pair with.
  public init(pairs: [(ResultDocument, ResultDocument)], only wanted: String? = nil) throws(XSKError) {
    isInterleaved = true
    for result in pairs.first?.0.results ?? [] where wanted == nil || result.name == wanted {
      let both = pairs.compactMap { first, second -> (ResultDocument.Result, ResultDocument.Result)? in
        guard let one = first.results.first(where: { $0.isSame(as: result) }),
          let other = second.results.first(where: { $0.isSame(as: result) })
        else { return nil }
        return (one, other)
      }
      guard both.count == pairs.count else { continue }
      let inCycles = both.allSatisfy { $0.0.cyclesPerPacket != nil && $0.1.cyclesPerPacket != nil }
      let ours = both.map { inCycles ? $0.0.cyclesPerPacket ?? .nan : $0.0.mpps }
      let theirs = both.map { inCycles ? $0.1.cyclesPerPacket ?? .nan : $0.1.mpps }
      append(
        result.identity, inCycles ? "TSC cycles a packet" : "million packets a second",
        zip(ours, theirs).map { inCycles ? $1 / $0 : $0 / $1 }, ours, theirs)
    }
    try checkNotEmpty(wanted)
    notePairs(pairs.count)
    let reasons = pairs.flatMap { $0.0.irregular + $0.1.irregular }
    let broken = pairs.count { $0.0.isIrregular || $0.1.isIrregular }
    if broken > 0, let reason = reasons.first {
      irregular.append("\(broken) of \(pairs.count) pairs were irregular, for example: \(reason)")
    }
  }

  /// Times of two commands that were run in turn, seconds.
  public init(seconds pairs: [(Double, Double)]) {
    isInterleaved = true
    append("wall-clock time", "seconds", pairs.map { $0.1 / $0.0 }, pairs.map(\.0), pairs.map(\.1))
    notePairs(pairs.count)
  }

  /// Those whose median is below a bound.
  public func below(_ bound: Double) -> [Metric] { metrics.filter { $0.median < bound } }

  /// The comparison as a document.
  public func document(command: String, first: String, second: String) -> ResultDocument {
    var document = ResultDocument(command: command)
    document.peers = ["A: \(first)", "B: \(second)"]
    document.irregular = irregular
    for metric in metrics {
      var ratio = ResultDocument.Ratio(name: "\(metric.name), A / B", of: metric.ratios)
      if !isInterleaved { ratio.values = nil }
      document.ratios.append(ratio)
    }
    return document
  }

  private mutating func append(
    _ name: String, _ unit: String, _ ratios: [Double], _ first: [Double], _ second: [Double]
  ) {
    guard !ratios.isEmpty, ratios.allSatisfy({ $0.isFinite && $0 > 0 }) else { return }
    metrics.append(Metric(name: name, unit: unit, ratios: ratios, first: first, second: second))
  }

  private mutating func notePairs(_ count: Int) {
    guard count < Self.enoughPairs else { return }
    irregular.append("\(count) pairs: fewer than \(Self.enoughPairs) don't tell")
  }

  private func checkNotEmpty(_ wanted: String?) throws(XSKError) {
    guard metrics.isEmpty else { return }
    throw XSKError(
      wanted.map { "--only \($0)" } ?? "these two",
      wanted == nil ? "have no result in common" : "is not a result of both",
      remedy: "compare two runs of the same command")
  }
}

extension ResultDocument {
  public var isIrregular: Bool { !irregular.isEmpty }
}

extension ResultDocument.Result {
  /// What tells it from the others of its document.
  public var identity: String { "\(name), \(set)" + (frameBytes.map { ", \($0) B" } ?? "") }

  func isSame(as other: Self) -> Bool { identity == other.identity }

  /// Of each trial, or the median if there are none.
  func figures(inCycles: Bool) -> [Double] {
    let trials = (trials ?? []).compactMap { inCycles ? $0.cyclesPerPacket : $0.mpps }
    return trials.isEmpty ? [inCycles ? cyclesPerPacket ?? .nan : mpps] : trials
  }
}
