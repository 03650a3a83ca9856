/// Which packets a capture takes. A packet must meet every condition that is set; by default all packets are taken.
public struct CaptureSelection: Hashable, Sendable {
  /// Only packets that are dropped.
  public var dropsOnly = false
  /// Only packets dropped under one of these reasons; empty: under any, or not at all.
  public var reasons: Set<DropReason> = []
  /// Only packets that came in on this port, or were to leave by it.
  public var port: UInt8?
  /// Only packets that came in on this queue of their device.
  public var queue: Int?
  /// Only packets that the handler has noted this number for: its rule that decided (`Burst.note`), or sampled.
  public var rule: UInt32?
  /// Only packets that the handler has sampled (`Burst.sample`).
  public var samplesOnly = false
  /// Of the packets that meet the other conditions one in so many, drawn at random, 1…4,294,967,295; 1: all.
  public var oneIn: UInt32 = 1
  /// Only packets that this matches, as they are at the end: rewritten. Of a packet of several frames it sees the first.
  public var filter: PacketFilter?
  /// Packets that are taken at most.
  public var count: UInt64 = .max
  /// Bytes that are kept of a packet, 1…262,144.
  public var snapLength = CaptureSelection.maximumSnapLength

  public init() {}

  /// What libpcap reads of a packet at most (MAXIMUM_SNAPLEN).
  public static let maximumSnapLength = 262_144

  func validate() throws(XSKError) {
    guard (1...Self.maximumSnapLength).contains(snapLength) else {
      throw XSKError(
        "snap length \(snapLength)", "out of range", remedy: "give 1 to \(Self.maximumSnapLength) bytes")
    }
    guard oneIn > 0 else { throw XSKError("one packet in 0", "out of range", remedy: "give 1 or more") }
    guard count > 0 else { throw XSKError("a capture of 0 packets", "takes none", remedy: "give 1 or more") }
  }
}

/// A selection as the worker looks at it: a plain value.
struct CaptureTest: BitwiseCopyable {
  let dropsOnly: Bool
  let samplesOnly: Bool
  let hasReasons: Bool
  /// One bit a reason.
  private let reasons: (UInt64, UInt64, UInt64, UInt64)
  /// −1: any.
  private let port: Int
  private let queue: Int
  private let rule: Int
  let oneIn: UInt32
  let limit: UInt64
  let snapLength: Int

  init(_ selection: CaptureSelection) {
    dropsOnly = selection.dropsOnly || !selection.reasons.isEmpty
    samplesOnly = selection.samplesOnly
    hasReasons = !selection.reasons.isEmpty
    let raw = selection.reasons.map(\.rawValue)
    func word(_ number: UInt8) -> UInt64 {
      raw.reduce(0) { $1 >> 6 == number ? $0 | 1 << UInt64($1 & 63) : $0 }
    }
    reasons = (word(0), word(1), word(2), word(3))
    port = selection.port.map { Int($0) } ?? -1
    queue = selection.queue ?? -1
    rule = selection.rule.map { Int($0) } ?? -1
    oneIn = selection.oneIn
    limit = selection.count
    snapLength = selection.snapLength
  }

  /// All conditions but the draw and the filter.
  func holds(_ packet: CaptureRecordHead) -> Bool {
    let isDrop = packet.decision == CaptureRecordHead.Decision.dropped
    if dropsOnly && !isDrop { return false }
    if hasReasons && !has(packet.reason) { return false }
    if port >= 0 && Int(packet.port) != port && Int(packet.egress) != port { return false }
    if queue >= 0 && Int(packet.queue) != queue { return false }
    if samplesOnly && packet.sampler == CaptureRecordHead.noRule { return false }
    return rule < 0 || Int(packet.rule) == rule || Int(packet.sampler) == rule
  }

  private func has(_ reason: UInt8) -> Bool {
    let word =
      switch reason &>> 6 {
      case 0: reasons.0
      case 1: reasons.1
      case 2: reasons.2
      default: reasons.3
      }
    return word &>> UInt64(reason & 63) & 1 == 1
  }
}
