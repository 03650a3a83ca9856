import GROLite
import PacketHeaders
import XSKEngine

/// A burst as GRO is to see it where its packets may begin with their IP headers.
///
/// A plain value: one that held `BurstPackets` would be destroyed through a value witness. Everything that the protocol asks
/// for is here, as its own answers would be called through its witness table.
@safe struct CaptureBurst: PacketBatch {
  // Safe: made and used within `withUnsafePointer(to:)` only, while nobody changes the burst.
  private let burst: UnsafePointer<Burst>
  let link: PacketSummary.LinkLayer

  private init(_ burst: UnsafePointer<Burst>, _ link: PacketSummary.LinkLayer) {
    unsafe self.burst = burst
    self.link = link
  }

  /// Calls `body` with a burst seen like that.
  static func with(
    _ burst: borrowing Burst, _ link: PacketSummary.LinkLayer, _ body: (borrowing CaptureBurst) -> Void
  ) {
    unsafe withUnsafePointer(to: burst) { body(unsafe CaptureBurst($0, link)) }
  }

  var count: Int { unsafe burst.pointee.count }

  @_lifetime(borrow self)
  func bytes(at index: Int) -> RawSpan {
    // Safe: as above; frames stay the burst's.
    let span = unsafe burst.pointee.bytes(index)
    return unsafe _overrideLifetime(span, borrowing: self)
  }

  func packetLength(at index: Int) -> Int { unsafe burst.pointee.length(index) }

  func prefetch(at index: Int) { unsafe burst.pointee.prefetch(index) }

  var hasFlowTags: Bool { false }

  func flowTag(at index: Int) -> FlowTag? { nil }
}
