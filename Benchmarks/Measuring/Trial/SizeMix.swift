import XSKEngine

/// Frame lengths and how often each comes: one, several, or IMIX. Without FCS.
public struct SizeMix: Hashable, Sendable, CustomStringConvertible {
  public struct Part: Hashable, Sendable {
    /// Bytes of a frame.
    public var size: Int
    /// How often it comes in one round.
    public var weight: Int

    public init(size: Int, weight: Int) { (self.size, self.weight) = (size, weight) }
  }

  public let parts: [Part]
  public let description: String

  /// Frames of a round at most: what the generator's schedule holds.
  static let maximumRound = 256
  static let maximumParts = 16

  /// 7 frames of 60, 4 of 590 and 1 of 1514 bytes: with FCS 64, 594 and 1518, the simple IMIX (RFC 6985, section 6.2, on Ethernet).
  public static let imix = SizeMix(
    [Part(size: 60, weight: 7), Part(size: 590, weight: 4), Part(size: 1514, weight: 1)], "imix")

  private init(_ parts: [Part], _ description: String) { (self.parts, self.description) = (parts, description) }

  public init(size: Int) { self.init([Part(size: size, weight: 1)], "\(size)") }

  /// `64`, `64,1514`, `64:7,590:4,1514:1`, or `imix`.
  ///
  /// - Throws: what is wrong with it.
  public init(_ text: String) throws(XSKError) {
    guard text != "imix" else {
      self = .imix
      return
    }
    var parts: [Part] = []
    for word in text.split(separator: ",", omittingEmptySubsequences: false) {
      let numbers = word.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
      guard 1...2 ~= numbers.count, let size = numbers[0], let weight = numbers.count == 2 ? numbers[1] : 1 else {
        throw XSKError(
          "size \(text)", "not a frame length", remedy: "give one, as in 64; several, 64:7,1514:1; or imix")
      }
      guard 60...1514 ~= size else {
        throw XSKError("size \(size)", "out of range", remedy: "give 60 to 1514 bytes without FCS")
      }
      guard 1...Self.maximumRound ~= weight else {
        throw XSKError("weight \(weight)", "out of range", remedy: "give 1 to \(Self.maximumRound)")
      }
      parts.append(Part(size: size, weight: weight))
    }
    guard parts.count <= Self.maximumParts, parts.reduce(0, { $0 + $1.weight }) <= Self.maximumRound else {
      throw XSKError(
        "size \(text)", "too many",
        remedy: "give at most \(Self.maximumParts) lengths, their weights at most \(Self.maximumRound) together")
    }
    self.init(parts, text)
  }

  /// Parts in turn, each as often as its weight says and as evenly as that goes.
  public var schedule: [UInt8] {
    let round = parts.reduce(0) { $0 + $1.weight }
    var credits = [Int](repeating: 0, count: parts.count)
    return (0..<round).map { _ in
      for (place, part) in parts.enumerated() { credits[place] += part.weight }
      let next = credits.indices.max { credits[$0] < credits[$1] } ?? 0
      credits[next] -= round
      return UInt8(next)
    }
  }

  public var smallest: Int { parts.map(\.size).min() ?? 0 }
  public var largest: Int { parts.map(\.size).max() ?? 0 }

  /// Bytes of a frame, on average.
  public var mean: Double {
    Double(parts.reduce(0) { $0 + $1.size * $1.weight }) / Double(parts.reduce(0) { $0 + $1.weight })
  }
}
