import CXsk

/// A burst's packets, to be rewritten and decided about one after the other by code that looks at every one: a few words that stay
/// in registers, and one check of each index.
///
/// While it lives nothing else of the burst can be reached, so what is known of the burst is known for the whole loop.
@frozen @safe public struct MutableBurstPackets: ~Copyable, ~Escapable {
  // Safe: the arrays of the burst, which it borrows mutably; both have `count` elements, which every index is checked against.
  @usableFromInline let descriptors: UnsafePointer<Descriptor>
  @usableFromInline let verdicts: UnsafeMutablePointer<Verdict>
  @usableFromInline let frames: UnsafeMutableRawPointer
  @usableFromInline let places: UnsafePointer<BurstPlaces>
  /// Packets in the burst.
  public let count: Int

  @inlinable @inline(__always) @_lifetime(&burst)
  init(_ burst: inout Burst) {
    unsafe descriptors = UnsafePointer(burst.descriptors.view.piece(0..<burst.count).baseAddress.unsafelyUnwrapped)
    unsafe verdicts = burst.verdicts.view.mutablePiece(0..<burst.count).baseAddress.unsafelyUnwrapped
    unsafe frames = burst.layout.pointer(to: 0)
    unsafe places = UnsafePointer(burst.places.base)
    count = burst.count
  }

  /// The packet lies in one piece: `bytes(at:)` are all of it.
  @inlinable @inline(__always)
  public func isWhole(at index: Int) -> Bool {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
    return unsafe descriptors[index].options == 0
  }

  /// As `Burst.length`.
  @inlinable @inline(__always)
  public func packetLength(at index: Int) -> Int {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
    let head = unsafe descriptors[index]
    return unsafe head.options == 0 ? Int(head.length) : BurstPackets.length(head, places.pointee.fragments)
  }

  /// As `Burst.bytes`.
  @inlinable @inline(__always) @_lifetime(borrow self)
  public func bytes(at index: Int) -> RawSpan {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
    let head = unsafe descriptors[index]
    // Safe: the worker has checked address and length against the UMEM, and the frame is the burst's until dispatch.
    let span = unsafe RawSpan(
      _unsafeStart: frames + Int(truncatingIfNeeded: head.address), byteCount: Int(head.length))
    return unsafe _overrideLifetime(span, borrowing: self)
  }

  /// As `Burst.mutableBytes`.
  @inlinable @inline(__always) @_lifetime(&self)
  public mutating func mutableBytes(at index: Int) -> MutableRawSpan {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
    let head = unsafe descriptors[index]
    // Safe: as in `bytes(at:)`, and nobody else reads while the span lives.
    let span = unsafe MutableRawSpan(
      _unsafeStart: frames + Int(truncatingIfNeeded: head.address), byteCount: Int(head.length))
    return unsafe _overrideLifetime(span, mutating: &self)
  }

  /// As `Burst[verdict:]`, to be set.
  @inlinable @inline(__always)
  public mutating func setVerdict(_ verdict: Verdict, at index: Int) {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
    precondition(unsafe verdicts[index] != .held, "a held packet has its verdict")
    unsafe verdicts[index] = verdict
  }

  /// Asks for a packet's first cache line: Ethernet, IPv4, and TCP without its options.
  @inlinable @inline(__always)
  public func prefetch(at index: Int) {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
    unsafe cxsk_prefetch(frames + Int(truncatingIfNeeded: descriptors[index].address))
  }
}

extension Burst {
  /// The packets, to be rewritten and decided about.
  @inlinable @inline(__always)
  public var mutablePackets: MutableBurstPackets {
    @_lifetime(&self)
    mutating get { MutableBurstPackets(&self) }
  }
}
