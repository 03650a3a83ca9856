public import GROLite
public import PacketHeaders
public import XSKEngine

/// What is done with units: the stage behind GRO. One instance a worker.
public protocol UnitHandler: ~Copyable {
  /// Decides about a unit, once for all of its packets, which leave in the unit's order.
  ///
  /// - Parameters:
  ///   - unit: an aggregate of one flow, or a lone packet.
  ///   - gro: what the unit is of: `gro.summary(of: unit)` has its headers, `gro.forEachPacket(of: unit)` its packets.
  ///   - burst: the packets' bytes, which may be rewritten.
  /// - Returns: the verdict for all of the unit's packets; nil: they have theirs already, one by one.
  mutating func decide(_ unit: GROUnit, of gro: borrowing GROLite, in burst: inout Burst) -> Verdict?

  /// Whether packets may be units by themselves where GRO would merge too few to be worth its while. A constant.
  static var decidesAlone: Bool { get }

  /// As `prefetch`, for a packet that is going to be a unit by itself, and that nobody has parsed yet.
  func prefetch(alone frame: RawSpan)

  /// Whether plain packets of a burst may be asked about by their headers alone.
  func decidesPlain(_ burst: borrowing Burst) -> Bool

  /// Decides about a plain packet by itself: one in one piece that `PacketSummary(plain:)` takes.
  ///
  /// - Parameters:
  ///   - headers: its headers. Not to be passed on out of line, lest they have to be in memory.
  ///   - frame: its bytes, which may be rewritten.
  ///   - port: the port that it came in on.
  ///   - now: when this turn began, as `Burst.now`.
  /// - Returns: its verdict; nil if more has to be known: then nothing is counted or changed, and `decide(_:of:in:)` is asked.
  mutating func decide(
    plain headers: PacketSummary, _ frame: inout MutableRawSpan, on port: UInt8, now: UInt64
  ) -> Verdict?

  /// Units ahead of `decide` that `prefetch` is called for: 0…64, a constant. 0: it isn't called.
  static var prefetchDistance: Int { get }

  /// Asks for the memory that deciding about a unit will need. Changes nothing.
  func prefetch(_ unit: GROUnit, of gro: borrowing GROLite)

  /// As `PacketHandler.originate`.
  mutating func originate(_ burst: inout Burst)

  /// As `PacketHandler.wakeDescriptor`.
  var wakeDescriptor: CInt { get }

  /// As `PacketHandler.housekeeping`; the packets that GRO holds are not this handler's.
  mutating func housekeeping(nanoseconds: UInt64)
}

extension UnitHandler where Self: ~Copyable {
  @inlinable public static var prefetchDistance: Int { 0 }

  @inlinable public static var decidesAlone: Bool { false }

  @inlinable public func prefetch(alone frame: RawSpan) {}

  @inlinable public func decidesPlain(_ burst: borrowing Burst) -> Bool { false }

  @inlinable
  public mutating func decide(
    plain headers: PacketSummary, _ frame: inout MutableRawSpan, on port: UInt8, now: UInt64
  ) -> Verdict? {
    nil
  }

  @inlinable public func prefetch(_ unit: GROUnit, of gro: borrowing GROLite) {}

  @inlinable public mutating func housekeeping(nanoseconds: UInt64) {}

  @inlinable public mutating func originate(_ burst: inout Burst) {}

  @inlinable public var wakeDescriptor: CInt { -1 }
}
