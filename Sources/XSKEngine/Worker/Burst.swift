import CXsk

/// The packets that one queue received in one go, and the verdict for each.
///
/// A handler reads (and may rewrite) bytes and sets a verdict for every packet; it starts as `drop(.policy)`.
///
///      index        0        1        2      …  count − 1
///      packet    [ bytes ][ bytes ][ bytes ] …
///      verdict   [ drop  ][forward][ drop  ] …
///
/// Bytes are reached through spans, which check bounds. A packet of several descriptors shows the bytes of its first; its
/// `length` is that of all.
///
/// Packets leave in the order of their indices, unless the handler says otherwise (`sequence`).
@frozen public struct Burst: ~Copyable {
  @usableFromInline var descriptors: FixedArray<Descriptor>
  @usableFromInline var verdicts: FixedArray<Verdict>
  /// Descriptors after the first, of all packets of the burst, then room for one held packet's.
  @usableFromInline var fragments: FixedArray<Descriptor>
  @usableFromInline var fragmentCount = 0
  @usableFromInline let layout: UMEMLayout
  /// One: where fragments and frames lie, for `BurstPackets` to point to.
  @usableFromInline let places: FixedArray<BurstPlaces>
  /// Where packets go before others, if the handler says so: `order` and what it is carried out with.
  @usableFromInline var sequence: BurstSequence
  /// The worker's free frames.
  @usableFromInline var pool: FramePool
  /// Packets in the burst.
  public internal(set) var count = 0
  /// The port that they came in on.
  public internal(set) var port: UInt8 = 0
  /// The device queue that they came in on.
  public internal(set) var queue = 0
  /// The worker's queue that they came in on: 0, 1, … over all of its ports.
  public internal(set) var slot = 0
  /// When this turn began, in ticks of `TimestampClock`.
  public internal(set) var now: UInt64 = 0
  /// The worker is stopping: what is held is to be let go of, and the kernel is given no more frames to receive into.
  public internal(set) var isDraining = false
  /// Somebody captures packets: what `note` and `sample` are told may be of use. The same for all of a burst.
  public internal(set) var isCapturing = false
  @usableFromInline var capture: BurstCapture
  /// These are packets of the worker's own, being composed.
  @usableFromInline var isLocal = false
  /// What packets of the worker's own may take now, while they are asked for.
  @usableFromInline var composeRoom: ComposeRoom
  /// Packets of the worker's own that there were no frames for.
  @usableFromInline var uncomposed = 0
  /// Totals for the counters.
  @usableFromInline var unitTotal: UInt64 = 0
  @usableFromInline var unitPacketTotal: UInt64 = 0
  /// Packets of this burst that the handler holds: their verdicts are final.
  @usableFromInline var heldCount = 0
  /// Packets that the handler keeps beyond this burst.
  public var held: HeldPackets

  /// Descriptors after the first that receiving may take; the places behind them are for readmitted packets.
  let receivableFragments: Int

  /// Held packets that can be readmitted to one burst at most.
  static let maximumReadmitted = 1024

  /// Descriptors of one packet: the kernel makes at most 18 (MAX_SKB_FRAGS + 1).
  public static let maximumFragments = 32

  /// Descriptors of one packet that the kernel transmits in copy mode: an skb's linear part and MAX_SKB_FRAGS (17) more.
  static let maximumTransmitFragments: UInt32 = 18

  init(capacity batch: Int, layout: UMEMLayout, holdCapacity: Int, slots: Int, ports: Int = 0) {
    // Room for a burst behind all that is held, which may be readmitted to it.
    let readmittable = min(holdCapacity, Self.maximumReadmitted)
    let capacity = max(batch, Self.maximumFragments) + readmittable
    descriptors = FixedArray(repeating: Descriptor(address: 0, length: 0), count: capacity)
    verdicts = FixedArray(repeating: .drop(.policy), count: capacity)
    fragments = FixedArray(
      repeating: Descriptor(address: 0, length: 0),
      count: max(batch, Self.maximumFragments) + Self.maximumFragments * readmittable)
    receivableFragments = max(batch, Self.maximumFragments)
    self.layout = layout
    places = FixedArray(repeating: BurstPlaces(fragments: fragments.view, layout: layout), count: 1)
    sequence = BurstSequence(capacity: capacity)
    capture = BurstCapture(capacity: capacity)
    pool = FramePool(capacity: layout.frameCount)
    held = HeldPackets(capacity: holdCapacity, slots: slots)
    composeRoom = ComposeRoom(ports: ports)
  }

  /// Bytes of a packet, over all of its descriptors.
  @inlinable public func length(_ index: Int) -> Int {
    precondition(index < count)
    let head = descriptors[index]
    var length = Int(head.length)
    if head.options != 0 {
      for fragment in Self.fragmentRange(head) { length &+= Int(fragments[fragment].length) }
    }
    return length
  }

  /// The bytes of a packet (of its first descriptor).
  @inlinable @_lifetime(borrow self)
  public func bytes(_ index: Int) -> RawSpan {
    precondition(index < count)
    let head = descriptors[index]
    // Safe: the worker has checked address and length against the UMEM, and the frame is the burst's until dispatch.
    let span = unsafe RawSpan(_unsafeStart: layout.pointer(to: head.address), byteCount: Int(head.length))
    return unsafe _overrideLifetime(span, borrowing: self)
  }

  /// Asks for a packet's first bytes to be brought into the cache. Any index: one past the end does nothing.
  @inlinable public func prefetch(_ index: Int) {
    guard index < count else { return }
    unsafe cxsk_prefetch(layout.pointer(to: descriptors[index].address))
  }

  /// The verdict for a packet. That of a held packet is final: its frames are not the burst's any more.
  @inlinable public subscript(verdict index: Int) -> Verdict {
    get { verdicts[index] }
    set {
      precondition(index < count && verdicts[index] != .held, "a held packet has its verdict")
      verdicts[index] = newValue
    }
  }

  /// Sets the same verdict for every packet. Before any is held, not after.
  @inlinable public mutating func decideAll(_ verdict: Verdict) {
    precondition(heldCount == 0, "a held packet has its verdict")
    verdicts.view.fill(verdict, count: count)
  }

  /// Calls `body` with the bytes of each packet (of its first descriptor), which it may rewrite, and sets the verdict that it
  /// answers. The headers of packets further on are fetched meanwhile. Before any is held, not after.
  ///
  /// - Parameter distance: how many packets ahead, 0…: 4 for a handler that does next to nothing with a packet, 8 to 16 where
  ///   more is done. Frames are a power of two apart, so their headers share few sets of the first cache level, and lines
  ///   that are fetched too early push each other out.
  @inlinable public mutating func decideEach(
    prefetching distance: Int = 4, _ body: (inout MutableRawSpan) -> Verdict
  ) {
    precondition(heldCount == 0, "a held packet has its verdict")
    let layout = layout
    // Safe: both pieces are checked to hold `count` elements, and every index below is less.
    let descriptors = unsafe descriptors.view.piece(0..<count)
    let verdicts = unsafe verdicts.view.mutablePiece(0..<count)
    let distance = min(distance, count)
    for index in 0..<distance { unsafe cxsk_prefetch(layout.pointer(to: descriptors[index].address)) }
    for index in 0..<count {
      // Past the end the first packets' lines are asked for again: they are there, and it saves a branch.
      if distance > 0 {
        let ahead = index &+ distance
        unsafe cxsk_prefetch(layout.pointer(to: descriptors[ahead < count ? ahead : 0].address))
      }
      let head = unsafe descriptors[index]
      // Safe: the worker has checked address and length against the UMEM, and the frame is the burst's until dispatch.
      var span = unsafe MutableRawSpan(_unsafeStart: layout.pointer(to: head.address), byteCount: Int(head.length))
      unsafe verdicts[index] = body(&span)
    }
  }

  /// Counts what a handler that coalesces has decided about.
  @inlinable public mutating func count(units: Int, packets: Int) {
    unitTotal &+= UInt64(truncatingIfNeeded: units)
    unitPacketTotal &+= UInt64(truncatingIfNeeded: packets)
  }

  /// Keeps a packet beyond this burst ("recycle later"). It counts as held until `held.release`.
  ///
  /// - Returns: the handle to release it with; nil, and the packet is dropped (`holdLimit`), when as many are held as
  ///   were configured.
  public mutating func hold(_ index: Int) -> HeldPacket? {
    precondition(index < count && verdicts[index] != .held)
    let head = descriptors[index]
    guard let packet = held.insert(head, slot: slot) else {
      verdicts[index] = .drop(.holdLimit)
      return nil
    }
    for (place, fragment) in Self.fragmentRange(head).enumerated() {
      held.setFragment(place, of: packet, to: fragments[fragment])
    }
    verdicts[index] = .held
    heldCount &+= 1
    return packet
  }

  // A head's options say where its further descriptors lie in `fragments`: start in the upper half, count in the lower.
  @inlinable static func fragmentRange(_ head: Descriptor) -> Range<Int> {
    let start = Int(head.options &>> 16)
    return start..<start &+ Int(head.options & 0xffff)
  }

  static func fragmentOptions(start: Int, count: Int) -> UInt32 {
    precondition(start <= 0xFFFF && count <= 0xFFFF)
    return UInt32(start) << 16 | UInt32(count)
  }
}

extension Burst {
  /// The bytes of a packet (of its first descriptor), to be rewritten in place.
  @inlinable @_lifetime(&self)
  public mutating func mutableBytes(_ index: Int) -> MutableRawSpan {
    precondition(index < count)
    let head = descriptors[index]
    // Safe: as in `bytes`; the burst is borrowed mutably as long as the span lives, so nobody else reads.
    let span = unsafe MutableRawSpan(_unsafeStart: layout.pointer(to: head.address), byteCount: Int(head.length))
    return unsafe _overrideLifetime(span, mutating: &self)
  }
}
