extension Burst {
  /// Whether the engine was configured for metadata: without it every packet's is empty.
  @inlinable @inline(__always) public var hasMetadata: Bool { layout.metadataLength != 0 }

  /// What the XDP program wrote ahead of a packet; empty if the engine was not configured for metadata.
  ///
  /// It lies in the headroom of the packet's first frame and stays there until the packet is given away: read it before that,
  /// and before `moveStart`, which ends it.
  @inlinable @_lifetime(borrow self)
  public func metadata(_ index: Int) -> PacketMetadata {
    precondition(index < count)
    let address = descriptors[index].address
    let length = layout.metadataLength
    // A packet that starts too early in its chunk has no block ahead of it: a program moved its head.
    let count = layout.offset(of: address) >= length ? length : 0
    // Safe: the worker has checked the address against the UMEM, and `count` bytes ahead of it are in the same chunk, which is
    // the burst's until dispatch.
    let span = unsafe RawSpan(_unsafeStart: layout.pointer(to: address) - count, byteCount: count)
    return unsafe _overrideLifetime(PacketMetadata(span), borrowing: self)
  }
}

extension BurstPackets {
  /// As `Burst.hasMetadata`.
  @inlinable @inline(__always) public var hasMetadata: Bool {
    // Safe: they are the burst's, which is borrowed.
    unsafe places.pointee.layout.metadataLength != 0
  }

  /// As `Burst.metadata`.
  @inlinable @_lifetime(borrow self)
  public func metadata(at index: Int) -> PacketMetadata {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
    let address = unsafe descriptors[index].address
    let layout = unsafe places.pointee.layout
    let length = layout.metadataLength
    let count = layout.offset(of: address) >= length ? length : 0
    // Safe: as in `Burst.metadata`.
    let span = unsafe RawSpan(_unsafeStart: layout.pointer(to: address) - count, byteCount: count)
    return unsafe _overrideLifetime(PacketMetadata(span), borrowing: self)
  }
}
