import XSKEngine
import XSKLab

/// What arrived of a stream of probes.
public struct ProbeCounts: Codable, Hashable, Sendable {
  /// Frames of any kind, and their bytes without FCS.
  public var frames: UInt64 = 0
  public var bytes: UInt64 = 0
  /// Frames without a probe, and probes of other streams.
  public var others: UInt64 = 0
  public var otherStreams: UInt64 = 0
  /// The stream's number; nil: no probe came.
  public var stream: UInt16?
  /// Probes of the stream, each counted once.
  public var received: UInt64 = 0
  /// Probes that had come before.
  public var duplicated: UInt64 = 0
  /// Probes behind a later one of their flow (RFC 4737, section 3: Type-P-Reordered).
  public var reordered: UInt64 = 0
  /// How far the latest of these was behind, in probes of the stream.
  public var reorderedBy: UInt64 = 0
  /// Probes so far behind that nobody remembers whether they had come before.
  public var tooLate: UInt64 = 0
  /// The lowest and highest number that came.
  public var first: UInt64?
  public var highest: UInt64?

  public init() {}

  /// Probes between the first and the highest number that have not come.
  public var missing: UInt64 {
    guard let first, let highest else { return 0 }
    let span = highest - first + 1
    return span - min(span, received)
  }

  /// Probes that have not come, of those that were sent.
  public func lost(of sent: UInt64) -> UInt64 { sent - min(sent, received) }

  enum CodingKeys: String, CodingKey {
    case frames, bytes, others, stream, received, duplicated, reordered, first, highest
    case otherStreams = "other_streams"
    case reorderedBy = "reordered_by"
    case tooLate = "too_late"
  }
}

/// Checks probes as they arrive: which came, which came twice, which came late, how long each took. Memory and work for each are
/// bounded, whatever arrives.
public struct ProbeChecker: ~Copyable {
  /// Numbers behind the highest that are remembered.
  public static let window: UInt64 = 1 << 20

  public private(set) var counts = ProbeCounts()
  private var delays = DelayCounts()
  private let wanted: UInt16?
  /// One bit for each number of the window.
  private var seen: FixedArray<UInt64>
  /// The highest number of each flow, plus one.
  private var last: FixedArray<UInt64>

  /// The delays so far. It allocates.
  public var latency: LatencyRecorder { delays.recorder }

  /// - Parameters:
  ///   - stream: the only one that counts; nil: the first that comes.
  ///   - flows: what the generator was told, 1…2²⁴; order is checked within each.
  public init(stream: UInt16? = nil, flows: UInt32 = 1) throws(XSKError) {
    guard 1...(1 << 24) ~= flows else {
      throw XSKError("\(flows) flows", "out of range", remedy: "use 1 to 16777216")
    }
    wanted = stream
    seen = FixedArray(repeating: 0, count: Int(Self.window / 64))
    last = FixedArray(repeating: 0, count: Int(flows))
  }

  /// Takes a frame that arrived.
  ///
  /// - Parameters:
  ///   - length: its bytes; a frame of several descriptors shows only the first's.
  ///   - time: CLOCK_MONOTONIC in nanoseconds.
  public mutating func take(_ frame: RawSpan, length: Int, time: UInt64) {
    counts.frames &+= 1
    counts.bytes &+= UInt64(length)
    guard let probe = ProbePayload(frame: frame) else {
      counts.others &+= 1
      return
    }
    if counts.stream == nil, wanted == nil || wanted == probe.stream { counts.stream = probe.stream }
    guard counts.stream == probe.stream else {
      counts.otherStreams &+= 1
      return
    }
    guard isNew(probe.sequence) else { return }
    counts.received &+= 1
    checkOrder(probe.sequence)
    if probe.time != 0, time >= probe.time { delays.record(time - probe.time) }
  }

  /// Forgets everything, for the next trial.
  public mutating func reset() {
    counts = ProbeCounts()
    delays.reset()
    for index in 0..<seen.count { seen[index] = 0 }
    for index in 0..<last.count { last[index] = 0 }
  }

  /// Notes a number; false if it was noted before, or can't be told.
  private mutating func isNew(_ sequence: UInt64) -> Bool {
    guard let highest = counts.highest else {
      (counts.first, counts.highest) = (sequence, sequence)
      return mark(sequence)
    }
    if sequence > highest {
      forget(from: highest + 1, upTo: sequence)
      counts.highest = sequence
      return mark(sequence)
    }
    guard highest - sequence < Self.window else {
      counts.tooLate &+= 1
      return false
    }
    counts.first = min(counts.first ?? sequence, sequence)
    guard mark(sequence) else {
      counts.duplicated &+= 1
      return false
    }
    return true
  }

  /// Sets a number's bit; false if it was set.
  private mutating func mark(_ sequence: UInt64) -> Bool {
    let place = sequence % Self.window
    let bit: UInt64 = 1 << (place % 64)
    let word = seen[Int(place / 64)]
    seen[Int(place / 64)] = word | bit
    return word & bit == 0
  }

  /// Clears the bits of numbers that enter the window.
  private mutating func forget(from first: UInt64, upTo end: UInt64) {
    guard end - first < Self.window else {
      for index in 0..<seen.count { seen[index] = 0 }
      return
    }
    var sequence = first
    while sequence <= end {
      let place = sequence % Self.window
      if place % 64 == 0 && end - sequence >= 63 {
        seen[Int(place / 64)] = 0
        sequence += 64
      } else {
        seen[Int(place / 64)] &= ~(1 << (place % 64))
        sequence += 1
      }
    }
  }

  private mutating func checkOrder(_ sequence: UInt64) {
    let flow = last.count == 1 ? 0 : Int(sequence % UInt64(last.count))
    let next = last[flow]
    guard sequence < next else {
      last[flow] = sequence + 1
      return
    }
    counts.reordered &+= 1
    counts.reorderedBy = max(counts.reorderedBy, (counts.highest ?? sequence) - sequence)
  }
}
