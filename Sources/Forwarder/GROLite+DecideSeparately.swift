public import GROLite
public import PacketHeaders
public import XSKEngine

extension GROLite {
  /// Packets ahead whose headers are asked for. Frames are a power of two apart, so the first cache level has room for sixteen of
  /// their headers at most.
  @inlinable static var separateDistance: Int { 12 }

  /// Has `units` decide about each packet by itself, in the order of arrival, without merging any.
  ///
  /// Nearly all are plain, and decided about in a loop that has their headers in registers. What that loop can't decide, it
  /// leaves as it is to the way that everything else goes.
  @inlinable @inline(__always)
  public func decideSeparately<Units: UnitHandler & ~Copyable>(_ burst: inout Burst, _ units: inout Units) {
    let total = burst.count
    var next = 0
    while next < total {
      if units.decidesPlain(burst) { next = Self.decidePlain(from: next, &burst, &units) }
      guard next < total else { break }
      if let verdict = units.decide(takeAlone(next, burst.packets), of: self, in: &burst) {
        burst[verdict: next] = verdict
      }
      next &+= 1
    }
    burst.count(units: total, packets: total)
  }

  /// Decides about plain packets up to the first that is none, or that `units` has to look at more closely.
  ///
  /// - Returns: that packet's index; the number of packets if there is none.
  @inlinable @inline(__always)
  static func decidePlain<Units: UnitHandler & ~Copyable>(
    from first: Int, _ burst: inout Burst, _ units: inout Units
  ) -> Int {
    let (port, now) = (burst.port, burst.now)
    var frames = burst.frames
    let total = frames.count
    let (far, near) = (separateDistance, separateDistance &- 4)
    for index in first..<min(first &+ far, total) { frames.prefetch(at: index) }
    for index in first..<min(first &+ near, total) { units.prefetch(alone: frames.bytes(at: index)) }
    var index = first
    while index < total {
      if index &+ far < total { frames.prefetch(at: index &+ far) }
      if index &+ near < total { units.prefetch(alone: frames.bytes(at: index &+ near)) }
      guard frames.isWhole(at: index) else { return index }
      var frame = frames.mutableBytes(at: index)
      guard let verdict = decidePlain(&frame, port, now, &units) else { return index }
      frames.decide(index, verdict)
      index &+= 1
    }
    return total
  }

  /// One packet. Its summary never lies in memory, so what nobody asks of it costs nothing.
  @inlinable @inline(__always)
  static func decidePlain<Units: UnitHandler & ~Copyable>(
    _ frame: inout MutableRawSpan, _ port: UInt8, _ now: UInt64, _ units: inout Units
  ) -> Verdict? {
    guard let headers = PacketSummary(plain: frame.bytes) else { return nil }
    return units.decide(plain: headers, &frame, on: port, now: now)
  }
}
