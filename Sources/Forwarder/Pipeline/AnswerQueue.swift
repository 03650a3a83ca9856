public import PacketHeaders
public import XSKEngine

/// ICMP answers on their way out: written while a burst is decided, composed into frames once the turn originates packets.
///
/// Bounded in number, and limited in rate (RFC 1812 section 4.3.2.8): what exceeds either is counted and not answered.
public struct AnswerQueue: ~Copyable {
  private var bytes: FixedArray<UInt8>
  private var entries: FixedArray<PendingAnswer>
  private var first = 0
  private var pending = 0
  /// Answers that may be written now, in units of `ticksPerAnswer`.
  private var credit: UInt64
  private var lastRefill: UInt64 = 0
  /// The time of the packets, in ticks, where it is not now. 0: now.
  var replayTime: UInt64 = 0
  private let ticksPerAnswer: UInt64
  private let largestCredit: UInt64
  /// Answers that were written, and those that were not for want of room or by the rate limit.
  public private(set) var written: UInt64 = 0
  public private(set) var suppressed: UInt64 = 0

  /// - Parameters:
  ///   - capacity: answers that wait for the end of the turn at most.
  ///   - rate: answers a second, 0…1,000,000; 0: none are given.
  public init(capacity: Int = 32, rate: Int = 1000) {
    bytes = FixedArray(repeating: 0, count: capacity * ICMPError.maximumLength)
    entries = FixedArray(repeating: PendingAnswer(), count: capacity)
    ticksPerAnswer = rate == 0 ? 0 : UInt64(TimestampClock.shared.ticksPerSecond) / UInt64(rate)
    // As many as come in 20 ms may come at once, and at least one.
    largestCredit = ticksPerAnswer * UInt64(max(1, rate / 50))
    credit = largestCredit
  }

  /// Writes the answer to a packet, to leave by `port`.
  ///
  /// - Returns: whether there will be one. Packets that must not be answered have none.
  @discardableResult
  public mutating func add(
    _ error: ICMPError, about packet: RawSpan, _ summary: PacketSummary, from router: RouterAddresses, port: UInt8,
    now: UInt64
  ) -> Bool {
    guard error.isAnswerable(packet, summary) else { return false }
    refill(replayTime == 0 ? now : replayTime)
    guard ticksPerAnswer > 0, credit >= ticksPerAnswer, pending < entries.count else {
      suppressed += 1
      return false
    }
    let place = (first + pending) % entries.count
    let length = bytes.withBytes(place * ICMPError.maximumLength, ICMPError.maximumLength) { target in
      error.write(answering: packet, summary, from: router, to: &target)
    }
    guard let length else { return false }
    credit -= ticksPerAnswer
    entries[place] = PendingAnswer(length: length, port: port)
    pending += 1
    written += 1
    return true
  }

  /// Hands the answers to the worker, as many as it has room for. From `PacketHandler.originate`.
  public mutating func send(_ burst: inout Burst) {
    while pending > 0 {
      let entry = entries[first]
      guard burst.fit(length: entry.length, for: .forward(to: entry.port)) != .later else { return }
      bytes.withBytes(first * ICMPError.maximumLength, entry.length) { answer in
        _ = burst.compose(.forward(to: entry.port), answer.bytes)
      }
      first = (first + 1) % entries.count
      pending -= 1
    }
  }

  private mutating func refill(_ now: UInt64) {
    // Time stands still for a clock that goes backwards, from one core's counter to another's for example.
    let passed = now &- lastRefill
    lastRefill = now
    guard passed < UInt64.max / 2 else { return }
    credit = min(largestCredit, credit &+ min(passed, largestCredit))
  }
}

/// An answer that waits: how long it is, and the port that it leaves by.
struct PendingAnswer: BitwiseCopyable {
  var length = 0
  var port: UInt8 = 0
}
