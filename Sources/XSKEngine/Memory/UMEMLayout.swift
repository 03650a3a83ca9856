import CXsk

/// How addresses of a UMEM translate to frames and bytes. A plain value that the packet path keeps at hand.
///
///      UMEM   [ frame 0 | frame 1 | frame 2 | … ]      each `chunkSize` bytes
///      frame  [ 256 B for XDP | headroom | packet …  ]
///
/// An *address* is what rings carry. With aligned chunks it is an offset from the UMEM's start, and its frame is the
/// chunk that it lies in. With unaligned chunks its lower 48 bits name the frame and its upper 16 bits an offset into it.
@frozen @safe public struct UMEMLayout: Sendable {
  // Safe: bytes are reached only after `contains` has checked address and length against `size`.
  @usableFromInline nonisolated(unsafe) let base: UnsafeMutableRawPointer
  /// Bytes of all frames.
  public let size: UInt64
  /// log2 of the chunk size.
  @usableFromInline let chunkShift: UInt64
  @usableFromInline let frameMask: UInt64
  // What of an offset must not leave its chunk: chunkSize − 1 when aligned, nothing (0) when not.
  @usableFromInline let withinChunkMask: UInt64

  init(base: UnsafeMutableRawPointer, frames: Int, chunkSize: Int, unaligned: Bool) {
    unsafe self.base = base
    size = UInt64(frames) * UInt64(chunkSize)
    chunkShift = UInt64(chunkSize.trailingZeroBitCount)
    frameMask = unaligned ? Self.offsetMask : ~(UInt64(chunkSize) - 1)
    withinChunkMask = unaligned ? 0 : UInt64(chunkSize) - 1
  }

  @inlinable static var offsetMask: UInt64 { 0xffff_ffff_ffff }

  /// Bytes of a frame.
  @inlinable public var chunkSize: Int { 1 << Int(chunkShift) }

  /// Frames of the UMEM.
  @inlinable public var frameCount: Int { Int(size >> chunkShift) }

  /// Where the bytes of `address` lie, counted from the UMEM's start.
  @inlinable public func offset(of address: UInt64) -> UInt64 {
    (address & Self.offsetMask) &+ (address &>> 48)
  }

  /// The frame that an address belongs to, as the address of its first byte.
  @inlinable public func frame(of address: UInt64) -> UInt64 { address & frameMask }

  /// The number of a frame, from 0; out of range if the address is.
  @inlinable public func index(ofFrame frame: UInt64) -> Int { Int(truncatingIfNeeded: frame &>> chunkShift) }

  /// Whether `length` bytes from `address` lie inside the UMEM and, with aligned chunks, inside one chunk.
  @inlinable public func contains(_ address: UInt64, length: UInt32) -> Bool {
    let start = offset(of: address)
    let inside = start &+ UInt64(length) <= size
    let one = (start & withinChunkMask) &+ UInt64(length) <= UInt64(1) &<< chunkShift
    return inside && (one || withinChunkMask == 0)
  }

  @inlinable @unsafe func pointer(to address: UInt64) -> UnsafeMutableRawPointer {
    unsafe base + Int(truncatingIfNeeded: offset(of: address))
  }
}
