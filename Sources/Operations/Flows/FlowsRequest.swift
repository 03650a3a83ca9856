import XSKEngine

/// What a client wants to know of the flows that pass: the query of `POST /v1/flows`. Which packets count is said as for
/// captures.
public struct FlowsRequest: Hashable, Sendable {
  /// What is one row of the answer.
  public enum Grouping: String, CaseIterable, Sendable {
    /// Addresses, protocol and ports, in one direction.
    case flow
    /// A source address.
    case source
    /// A destination address.
    case destination
  }

  /// What the answer is sorted by.
  public enum Order: String, CaseIterable, Sendable {
    case bytes, packets
  }

  /// Which packets count. Of its limits only `oneIn` and `duration` mean anything here.
  public var conditions = CaptureRequest()
  public var grouping = Grouping.flow
  public var order = Order.bytes
  /// Rows of the answer at most.
  public var top = 20

  public init() {}

  public static let tops = 1...1000
  /// Seconds of traffic that are looked at.
  public static let durations = 0.1...60.0
  public static let standardDuration = 1.0

  /// The request's target; a filter is its body.
  public var target: String {
    CaptureRequest.target(
      "/v1/flows",
      [("by", grouping.rawValue), ("order", order.rawValue), ("top", "\(top)")] + conditions.query)
  }

  var duration: Double { conditions.duration ?? Self.standardDuration }

  /// - Throws: an unknown name, or a value that is none.
  init(_ request: HTTPRequest) throws(XSKError) {
    var rest = request
    if let value = rest.query.removeValue(forKey: "by") { grouping = try Self.choice("by", value) }
    if let value = rest.query.removeValue(forKey: "order") { order = try Self.choice("order", value) }
    if let value = rest.query.removeValue(forKey: "top") {
      let range = UInt64(Self.tops.lowerBound)...UInt64(Self.tops.upperBound)
      top = Int(try CaptureRequest.number("top", value, range))
    }
    for name in ["count", "snaplen"] where rest.query[name] != nil {
      throw XSKError(name, "is not known here", remedy: "give by, order, top, duration, or a condition as for captures")
    }
    conditions = try CaptureRequest(rest)
    guard Self.durations.contains(duration) else {
      throw XSKError("duration \(duration)", "out of range", remedy: "give 0.1 to 60 seconds")
    }
  }

  private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ name: String, _ value: String
  ) throws(XSKError) -> Choice {
    guard let choice = Choice(rawValue: value) else {
      throw XSKError(
        "\(name) \(value)", "is not known",
        remedy: "give \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return choice
  }
}
