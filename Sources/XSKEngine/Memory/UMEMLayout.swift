import CXsk

/// How addresses of a UMEM translate to frames and bytes. A plain value that the packet path keeps at hand.
///
///      UMEM   [ frame 0 | frame 1 | frame 2 | … ]      each `chunkSize` bytes
///      frame  [ 256 B for XDP | headroom | packet …  ]     metadata, if any, is the end of the headroom, or of XDP's part
///
/// An *address* is what rings carry: with aligned chunks an offset from the UMEM's start; with unaligned chunks its lower
/// 48 bits are an offset and its upper 16 bits another to be added. The worker works with *plain* addresses: that sum.
@frozen @safe public struct UMEMLayout: BitwiseCopyable, Sendable {
  // Safe: bytes are reached only after `contains` has checked address and length against `size`.
  @usableFromInline nonisolated(unsafe) let base: UnsafeMutableRawPointer
  /// Bytes of all frames.
  public let size: UInt64
  /// Frames of the UMEM.
  public let frameCount: Int
  /// The kernel may pack an offset into the upper 16 bits of an address.
  public let isUnaligned: Bool
  /// log2 of the chunk size.
  @usableFromInline let chunkShift: UInt64
  // Chunk size, and what of an offset lies within its chunk: chunk sizes are powers of two.
  @usableFromInline let chunkBytes: UInt64
  @usableFromInline let chunkMask: UInt64
  /// Bytes of metadata ahead of each received packet; 0: none.
  public let metadataLength: Int
  /// Where in its frame the kernel puts a packet.
  let packetOffset: Int

  init(base: UnsafeMutableRawPointer, _ configuration: UMEMConfiguration) {
    let chunkSize = configuration.chunkSize
    isUnaligned = configuration.unaligned
    unsafe self.base = base
    frameCount = configuration.frames
    size = UInt64(frameCount) * UInt64(chunkSize)
    metadataLength = configuration.metadataLength
    packetOffset = UMEMConfiguration.xdpHeadroom + configuration.headroom
    chunkShift = UInt64(chunkSize.trailingZeroBitCount)
    chunkBytes = UInt64(chunkSize)
    chunkMask = UInt64(chunkSize) - 1
  }

  /// Bytes of a frame.
  @inlinable public var chunkSize: Int { Int(chunkBytes) }

  /// An address as rings carry it, made plain: with unaligned chunks the kernel packs an offset into the upper 16 bits.
  @inlinable @inline(__always) public func plain(_ address: UInt64) -> UInt64 {
    (address & 0xffff_ffff_ffff) &+ (address &>> 48)
  }

  /// The frame that a plain address lies in, as the address of its first byte. The engine's frames start at multiples of
  /// the chunk size in both modes.
  @inlinable @inline(__always) public func frame(of address: UInt64) -> UInt64 { address & ~chunkMask }

  /// The number, from 0, of the frame that a plain address lies in; out of range if the address is.
  @inlinable @inline(__always) public func index(of address: UInt64) -> Int {
    Int(truncatingIfNeeded: address &>> chunkShift)
  }

  /// The address of a frame's first byte.
  @inlinable public func address(ofFrame index: Int) -> UInt64 { UInt64(truncatingIfNeeded: index) &<< chunkShift }

  /// Whether `length` bytes from a plain address lie inside one frame of the UMEM.
  @inlinable public func contains(_ address: UInt64, length: UInt32) -> Bool {
    UInt(bitPattern: index(of: address)) < UInt(bitPattern: frameCount) && fitsChunk(address, length: length)
  }

  /// Whether `length` bytes from a plain address lie inside one chunk, wherever that is.
  @inlinable @inline(__always) func fitsChunk(_ address: UInt64, length: UInt32) -> Bool {
    (address & chunkMask) &+ UInt64(length) <= chunkBytes
  }

  /// Bytes from a plain address to the end of its chunk, wherever that is.
  @inlinable @inline(__always) func room(from address: UInt64) -> UInt64 { chunkBytes &- (address & chunkMask) }

  @inlinable @unsafe func pointer(to address: UInt64) -> UnsafeMutableRawPointer {
    unsafe base + Int(truncatingIfNeeded: address)
  }
}
