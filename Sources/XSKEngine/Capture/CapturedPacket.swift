/// What a capture says of a packet besides its bytes.
public struct CapturedPacket: Hashable, Sendable {
  /// What became of a packet.
  public enum Decision: Hashable, Sendable {
    /// Returned to the pool, counted under this reason.
    case dropped(DropReason)
    /// Put on a port's TX ring.
    case forwarded(to: UInt8)
    /// Put on the TX ring of the queue that it came in on.
    case reflected
    /// Taken where it belongs by the handler.
    case delivered
  }

  /// When its burst was taken: nanoseconds of Unix time.
  public var nanoseconds: UInt64
  /// The port and device queue that it came in on.
  public var port: UInt8
  public var queue: Int
  public var decision: Decision
  /// The port that a dropped packet was to leave by, if it was.
  public var intendedEgress: UInt8?
  /// What the handler noted: its rule that decided.
  public var rule: UInt32?
  /// The rule that sampled it.
  public var sampler: UInt32?
  /// Its length, over all of its frames; 0 where no frame could be trusted (`invalid_descriptor`), or was to be had.
  public var length: Int
  /// Packets of the same port and worker that were to be captured between the one before and this, and were lost: the ring
  /// was full.
  public var lostBefore: UInt32
}

/// A record's head as it lies in a capture's ring, 64 bytes with what is unused; the packet's bytes follow.
struct CaptureRecordHead: BitwiseCopyable {
  enum Decision {
    static let dropped: UInt8 = 0
    static let forwarded: UInt8 = 1
    static let reflected: UInt8 = 2
    static let delivered: UInt8 = 3
  }

  /// Of the time-stamp counter.
  var ticks: UInt64 = 0
  var length: UInt32 = 0
  var captured: UInt32 = 0
  var rule = Self.noRule
  var sampler = Self.noRule
  var lost: UInt32 = 0
  var queue: UInt16 = 0
  var port: UInt8 = 0
  var egress = Self.noPort
  var decision = Decision.dropped
  var reason: UInt8 = 0

  static let noRule = UInt32.max
  static let noPort = UInt8.max
  /// What heads and packets are aligned to, so that a head never wraps around the ring's end.
  static let stride: UInt64 = 64

  /// Bytes of the ring that the record takes.
  var size: UInt64 { Self.stride &+ (UInt64(captured) &+ Self.stride &- 1) & ~(Self.stride &- 1) }
}

extension CapturedPacket {
  init(_ head: CaptureRecordHead, nanoseconds: UInt64) {
    self.nanoseconds = nanoseconds
    port = head.port
    queue = Int(head.queue)
    let egress = head.egress == CaptureRecordHead.noPort ? nil : head.egress
    switch head.decision {
    case CaptureRecordHead.Decision.forwarded: decision = .forwarded(to: head.egress)
    case CaptureRecordHead.Decision.reflected: decision = .reflected
    case CaptureRecordHead.Decision.delivered: decision = .delivered
    default: decision = .dropped(DropReason(rawValue: head.reason))
    }
    intendedEgress = head.decision == CaptureRecordHead.Decision.dropped ? egress : nil
    rule = head.rule == CaptureRecordHead.noRule ? nil : head.rule
    sampler = head.sampler == CaptureRecordHead.noRule ? nil : head.sampler
    length = Int(head.length)
    lostBefore = head.lost
  }
}
