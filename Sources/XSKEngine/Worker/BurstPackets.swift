import CXsk

/// Where the fragments and the frames of a worker's bursts lie. It never changes.
@frozen @usableFromInline struct BurstPlaces: BitwiseCopyable {
  @usableFromInline let fragments: FixedArray<Descriptor>.View
  @usableFromInline let layout: UMEMLayout

  init(fragments: FixedArray<Descriptor>.View, layout: UMEMLayout) {
    (self.fragments, self.layout) = (fragments, layout)
  }
}

/// A burst's packets, for reading: what stands between a burst and code that looks at every packet. It is four words, so
/// that calls pass it on in registers, where a burst itself would be copied to the stack for each.
@frozen @safe public struct BurstPackets: ~Copyable, ~Escapable {
  // Safe: the arrays of the burst, which it borrows; the first has `count` elements, which every index is checked against.
  @usableFromInline let descriptors: UnsafePointer<Descriptor>
  @usableFromInline let frames: UnsafeRawPointer
  @usableFromInline let places: UnsafePointer<BurstPlaces>
  public let count: Int

  @inlinable @inline(__always) @_lifetime(borrow burst)
  init(_ burst: borrowing Burst) {
    unsafe descriptors = UnsafePointer(burst.descriptors.view.piece(0..<burst.count).baseAddress.unsafelyUnwrapped)
    unsafe frames = UnsafeRawPointer(burst.layout.pointer(to: 0))
    unsafe places = UnsafePointer(burst.places.base)
    count = burst.count
  }

  /// As `Burst.bytes`.
  @inlinable @inline(__always) @_lifetime(borrow self)
  public func bytes(at index: Int) -> RawSpan {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
    let head = unsafe descriptors[index]
    // Safe: the worker has checked address and length against the UMEM, and the frame is the burst's until dispatch.
    let span = unsafe RawSpan(_unsafeStart: pointer(to: head.address), byteCount: Int(head.length))
    return unsafe _overrideLifetime(span, borrowing: self)
  }

  /// A packet's first descriptor, whose options say where the others are.
  @inlinable @inline(__always)
  func descriptor(at index: Int) -> Descriptor {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
    return unsafe descriptors[index]
  }

  @inlinable @inline(__always) @unsafe
  func pointer(to address: UInt64) -> UnsafeRawPointer { unsafe frames + Int(truncatingIfNeeded: address) }

  /// As `Burst.length`.
  @inlinable @inline(__always)
  public func packetLength(at index: Int) -> Int {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
    let head = unsafe descriptors[index]
    return unsafe head.options == 0 ? Int(head.length) : Self.length(head, places.pointee.fragments)
  }

  @inlinable @inline(never)
  static func length(_ head: Descriptor, _ fragments: FixedArray<Descriptor>.View) -> Int {
    var length = Int(head.length)
    for fragment in Burst.fragmentRange(head) { length &+= Int(fragments[fragment].length) }
    return length
  }

  /// Asks for the two cache lines of a packet's headers: Ethernet, IP, and TCP with options.
  @inlinable @inline(__always)
  public func prefetch(at index: Int) {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
    let first = unsafe pointer(to: descriptors[index].address)
    unsafe cxsk_prefetch(first)
    // Reads nothing and never faults: the line may lie past the frame.
    unsafe cxsk_prefetch(first + 64)
  }

  /// The same for each packet of a range within 0 ..< `count`.
  ///
  /// - Parameter isDeep: the second line is wanted, too.
  @inlinable @inline(__always)
  public func prefetch(_ range: Range<Int>, isDeep: Bool) {
    precondition(UInt(bitPattern: range.upperBound) <= UInt(bitPattern: count))
    // Safe: the range was checked.
    for index in range { unsafe cxsk_prefetch(pointer(to: descriptors[index].address)) }
    guard isDeep else { return }
    for index in range { unsafe cxsk_prefetch(pointer(to: descriptors[index].address) + 64) }
  }
}

extension Burst {
  /// The packets, for reading.
  @inlinable @inline(__always)
  public var packets: BurstPackets {
    @_lifetime(borrow self)
    get { BurstPackets(self) }
  }
}
