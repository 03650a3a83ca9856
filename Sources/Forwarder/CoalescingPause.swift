/// When GRO is not worth its while: traffic of which hardly anything merges is decided about packet by packet, which takes
/// less, and GRO looks at a burst's worth of it now and then.
///
/// GRO costs something for each packet, and saves a decision for each one that it merges. So it pauses where it merges less
/// than one packet in `worthwhile`: for 64 packets first, then twice as many each time that it finds nothing, up to
/// `longest`. One look that finds something ends that. What leaves is the same either way.
@frozen @usableFromInline struct CoalescingPause: BitwiseCopyable {
  /// Packets that are still to be decided about by themselves.
  @usableFromInline var left = 0
  /// How many these were at first.
  @usableFromInline var length = 0
  /// What the present look has seen.
  @usableFromInline var packets = 0
  @usableFromInline var merged = 0

  /// Packets that are looked at before it is judged.
  @inlinable static var look: Int { 64 }
  @inlinable static var worthwhile: Int { 8 }
  @inlinable static var longest: Int { 2048 }

  @inlinable init() {}

  @inlinable @inline(always) var isOn: Bool { left > 0 }

  @inlinable @inline(always) mutating func pass(_ count: Int) { left &-= count }

  /// GRO has made `units` of `packets`.
  @inlinable @inline(always) mutating func learn(packets count: Int, units: Int) {
    packets &+= count
    merged &+= count &- units
    if packets >= Self.look { judge() }
  }

  @usableFromInline @inline(never) mutating func judge() {
    length = merged * Self.worthwhile >= packets ? 0 : max(Self.look, min(Self.longest, length * 2))
    left = length
    (packets, merged) = (0, 0)
  }
}
