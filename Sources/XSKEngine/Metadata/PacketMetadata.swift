import CXsk

/// The metadata of one packet: values by key, as an XDP program wrote them ahead of the packet's first byte.
///
/// The layout is drawn in `CXsk/bpf/xsk_metadata.h`. A value's place is the sum of the sizes of all smaller keys, which is a
/// matter of counting bits: looking one up takes the same time whatever is there.
///
/// The bytes are not trusted: another program may have written them. A header whose sizes don't fit the block counts as empty,
/// and no lookup leaves the block.
///
///     if let hash = burst.metadata(index).get(.receiveHash) { … }
@frozen public struct PacketMetadata: BitwiseCopyable, ~Escapable {
  /// Size codes of keys 0…31 and 32…63.
  @usableFromInline let low: UInt64
  @usableFromInline let high: UInt64
  /// The whole block, header included.
  public let block: RawSpan

  /// A view of a block: the bytes that end where the packet begins.
  ///
  /// - Parameter block: as long as its writer made it; shorter than a header: no key is present.
  @inlinable @inline(__always) @_lifetime(copy block)
  public init(_ block: RawSpan) {
    self.block = block
    guard block.byteCount >= Self.headerBytes else {
      (low, high) = (0, 0)
      return
    }
    // Any bit pattern is an integer; the length was just checked.
    let low = unsafe block.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt64.self)
    let high = unsafe block.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt64.self)
    let fits = Self.bytes(low) &+ Self.bytes(high) <= block.byteCount &- Self.headerBytes
    (self.low, self.high) = fits ? (low, high) : (0, 0)
  }

  /// Bytes of size codes ahead of the values (XSK_METADATA_HEADER_BYTES).
  @inlinable static var headerBytes: Int { 16 }

  /// The sum of the sizes that a word of codes stands for: 1 → 2, 2 → 4, 3 → 8 bytes.
  ///
  /// A low bit alone is worth 2, a high bit alone 4, and both together 8: 2 more than their sum.
  @inlinable @inline(__always)
  static func bytes(_ codes: UInt64) -> Int {
    let lows = codes & 0x5555_5555_5555_5555
    let highs = codes &>> 1 & 0x5555_5555_5555_5555
    return lows.nonzeroBitCount &* 2 &+ highs.nonzeroBitCount &* 4 &+ (lows & highs).nonzeroBitCount &* 2
  }

  /// Whether no key is present.
  @inlinable public var isEmpty: Bool { low | high == 0 }

  /// Bytes of a key's value: 2, 4 or 8; 0 if it is absent.
  @inlinable @inline(__always)
  public func size(_ key: MetadataKey) -> Int { Self.size(code(key)) }

  /// The value of a key, widened; nil if it is absent. Takes constant time.
  ///
  /// A well-known key of another size than its own counts as present all the same: its writer is to blame.
  @inlinable @inline(__always)
  public func get(_ key: MetadataKey) -> UInt64? {
    let code = code(key)
    guard code != 0 else { return nil }
    let offset = offset(key)
    // Any bit pattern is an integer. Sizes were summed up in init, so the value is in the block; the span checks again.
    return switch code {
    case 1: unsafe UInt64(block.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
    case 2: unsafe UInt64(block.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    default: unsafe block.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }
  }

  @inlinable @inline(__always)
  static func size(_ code: UInt64) -> Int { code == 0 ? 0 : 1 &<< Int(truncatingIfNeeded: code) }

  /// The key's two bits.
  @inlinable @inline(__always)
  func code(_ key: MetadataKey) -> UInt64 {
    (key.isDeployment ? high : low) &>> (UInt64(key.number & 31) &* 2) & 3
  }

  /// Where the key's value is, from the block's start.
  @inlinable @inline(__always)
  func offset(_ key: MetadataKey) -> Int {
    // Codes of smaller keys in the same word.
    let below = (1 as UInt64) &<< (UInt64(key.number & 31) &* 2) &- 1
    return Self.headerBytes
      &+ (key.isDeployment ? Self.bytes(low) &+ Self.bytes(high & below) : Self.bytes(low & below))
  }
}
