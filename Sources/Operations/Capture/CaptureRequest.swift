import XSKEngine

/// What a client wants captured: the query of `POST /v1/capture`, in the names that it knows.
public struct CaptureRequest: Hashable, Sendable {
  /// Only dropped packets; under one of these reasons, if there are any.
  public var dropsOnly = false
  public var reasons: [String] = []
  /// Only packets that came in on this port, or were to leave by it; and of this queue.
  public var port: String?
  public var queue: Int?
  /// Only packets that this rule decided about, or sampled.
  public var rule: String?
  /// Only packets that rules sample.
  public var samplesOnly = false
  /// One packet in so many.
  public var oneIn: UInt32?
  /// Packets at most, and seconds.
  public var count: UInt64?
  public var duration: Double?
  /// Bytes of a packet at most.
  public var snapLength: Int?
  public var filter: PacketFilter?

  public init() {}

  /// The request's target; the filter is its body.
  public var target: String { Self.target("/v1/capture", query) }

  /// A path with a query behind it.
  static func target(_ path: String, _ query: [(String, String)]) -> String {
    guard !query.isEmpty else { return path }
    return path + "?" + query.map { "\($0.0)=\($0.1.percentEncoded)" }.joined(separator: "&")
  }

  /// The query that says it.
  var query: [(String, String)] {
    var query: [(String, String)] = []
    if dropsOnly { query.append(("drops", "1")) }
    if !reasons.isEmpty { query.append(("reason", reasons.joined(separator: ","))) }
    if let port { query.append(("port", port)) }
    if let queue { query.append(("queue", "\(queue)")) }
    if let rule { query.append(("rule", rule)) }
    if samplesOnly { query.append(("samples", "1")) }
    if let oneIn { query.append(("one-in", "\(oneIn)")) }
    if let count { query.append(("count", "\(count)")) }
    if let duration { query.append(("duration", "\(duration)")) }
    if let snapLength { query.append(("snaplen", "\(snapLength)")) }
    return query
  }

  public static let durations = 0.1...31_536_000

  /// - Throws: an unknown name, or a value that is none.
  init(_ request: HTTPRequest) throws(XSKError) {
    for (name, value) in request.query {
      switch name {
      case "drops": dropsOnly = try Self.flag(name, value)
      case "samples": samplesOnly = try Self.flag(name, value)
      case "reason": reasons = value.split(separator: ",").map(String.init)
      case "port": port = value
      case "rule": rule = value
      case "queue": queue = Int(try Self.number(name, value, 0...65_535))
      case "one-in": oneIn = UInt32(try Self.number(name, value, 1...UInt64(UInt32.max)))
      case "count": count = try Self.number(name, value, 1...UInt64.max)
      case "snaplen": snapLength = Int(try Self.number(name, value, 1...UInt64(CaptureSelection.maximumSnapLength)))
      case "duration":
        guard let seconds = Double(value), Self.durations.contains(seconds) else {
          throw XSKError("duration \(value)", "out of range", remedy: "give 0.1 to 31536000 seconds")
        }
        duration = seconds
      default:
        throw XSKError(
          name, "is not known here",
          remedy: "give drops, reason, port, queue, rule, samples, one-in, count, duration, snaplen")
      }
    }
    if !request.body.isEmpty { filter = try PacketFilter(text: String(decoding: request.body, as: UTF8.self)) }
  }

  private static func flag(_ name: String, _ value: String) throws(XSKError) -> Bool {
    switch value {
    case "", "1": return true
    case "0": return false
    default: throw XSKError("\(name)=\(value)", "neither 1 nor 0", remedy: "give \(name)=1, or leave it out")
    }
  }

  static func number(
    _ name: String, _ value: String, _ range: ClosedRange<UInt64>
  ) throws(XSKError) -> UInt64 {
    guard let number = UInt64(value), range.contains(number) else {
      throw XSKError(
        "\(name) \(value)", "out of range", remedy: "give \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// The selection that it means.
  ///
  /// - Throws: a port, reason or rule that there is not.
  func selection(_ names: CaptureNames) throws(XSKError) -> CaptureSelection {
    var selection = CaptureSelection()
    selection.dropsOnly = dropsOnly
    for reason in reasons { selection.reasons.insert(try names.reason(reason)) }
    if let port { selection.port = UInt8(try names.port(port)) }
    if let queue { selection.queue = try names.queue(queue) }
    if let rule { selection.rule = try names.rule(rule) }
    selection.samplesOnly = samplesOnly
    selection.oneIn = oneIn ?? 1
    selection.count = count ?? .max
    selection.snapLength = snapLength ?? CaptureSelection.maximumSnapLength
    selection.filter = filter
    return selection
  }
}

extension String {
  /// As a query's value (RFC 3986 3.4).
  public var percentEncoded: String {
    utf8.map { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: String(UnicodeScalar(byte))
      default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }.joined()
  }
}
