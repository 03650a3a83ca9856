public import GROLite
public import PacketHeaders
public import XSKEngine

extension GROLite {
  /// Packets ahead whose headers are asked for: frames are a power of two apart, so few of their headers have room in the
  /// first cache level at a time.
  @inlinable static var headersAhead: Int { 12 }
  /// Packets ahead that `UnitHandler.prefetch(alone:)` is called for, whose headers are there by then.
  @inlinable static var unitsAhead: Int { 8 }

  /// Has `units` decide about each packet by itself, in the order of arrival, without merging any.
  ///
  /// Nearly all are plain, and decided about in a loop that has their headers in registers. What that loop can't decide, it
  /// leaves as it is to the way that everything else goes; and all the rest of a burst in which that is more than every other
  /// packet, as it has looked at those in vain.
  @inlinable @inline(__always)
  public func decideSeparately<Units: UnitHandler & ~Copyable>(_ burst: inout Burst, _ units: inout Units) {
    let total = burst.count
    for index in -Self.headersAhead..<0 { Self.ask(ahead: index, burst.packets, units) }
    var (next, others) = (0, 0)
    var looksForPlain = units.decidesPlain(burst)
    while next < total {
      if looksForPlain {
        next = Self.decidePlain(from: next, &burst, &units)
        guard next < total else { break }
        others &+= 1
        looksForPlain = others &* 2 <= next &+ 8
      } else {
        Self.ask(ahead: next, burst.packets, units)
      }
      let verdict = units.decide(takeAlone(next, burst.packets), of: self, in: &burst)
      if let verdict { burst[verdict: next] = verdict }
      next &+= 1
    }
  }

  /// Asks for what packets ahead of one will need. From `-headersAhead` on: of a burst's first packets, too.
  @inlinable @inline(__always)
  static func ask<Units: UnitHandler & ~Copyable>(
    ahead index: Int, _ packets: borrowing BurstPackets, _ units: borrowing Units
  ) {
    let (header, unit) = (index &+ headersAhead, index &+ unitsAhead)
    if header < packets.count { packets.prefetch(at: header) }
    if unit >= 0 && unit < packets.count { units.prefetch(alone: packets.bytes(at: unit)) }
  }

  /// Decides about plain packets up to the first that is none, or that `units` has to look at more closely. What is ahead of
  /// `first` has been asked for.
  ///
  /// - Returns: that packet's index; the number of packets if there is none.
  @inlinable @inline(__always)
  static func decidePlain<Units: UnitHandler & ~Copyable>(
    from first: Int, _ burst: inout Burst, _ units: inout Units
  ) -> Int {
    let (port, now) = (burst.port, burst.now)
    var packets = burst.mutablePackets
    let total = packets.count
    var index = first
    while index < total {
      if index &+ headersAhead < total { packets.prefetch(at: index &+ headersAhead) }
      if index &+ unitsAhead < total { units.prefetch(alone: packets.bytes(at: index &+ unitsAhead)) }
      guard packets.isWhole(at: index) else { return index }
      var frame = packets.mutableBytes(at: index)
      // Its summary never lies in memory, so what nobody asks of it costs nothing.
      guard let headers = PacketSummary(plain: frame.bytes),
        let verdict = units.decide(plain: headers, &frame, on: port, now: now)
      else { return index }
      packets.setVerdict(verdict, at: index)
      index &+= 1
    }
    return total
  }
}
