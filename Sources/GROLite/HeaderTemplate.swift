import PacketHeaders

/// The header bytes that all packets of an aggregate share, cut out of one of them that was parsed and found good: up to 96
/// bytes from the frame's start, with what may differ set to 0.
///
/// A packet with the same bytes is just as well formed, of the same flow and of the same epoch: that one comparison of a few
/// wide words stands for parsing and for nearly all of the rules. It covers untagged TCP (without options, or with 12
/// bytes of them) and UDP, IPv4 without options and IPv6 without extension headers. What is left out: IPv4's
/// identification and checksum, TCP's sequence number, the transport checksum, and payload. *Included* are lengths, so that
/// only full segments match, and all TCP flags, so that PSH and FIN don't.
@frozen @usableFromInline
struct HeaderTemplate: BitwiseCopyable {
  @usableFromInline typealias Chunk = SIMD2<UInt64>

  @frozen @usableFromInline
  enum Kind: UInt8, BitwiseCopyable {
    case udp, tcp, tcpWithOptions
  }

  @usableFromInline var chunk0 = Chunk(), chunk1 = Chunk(), chunk2 = Chunk()
  @usableFromInline var chunk3 = Chunk(), chunk4 = Chunk(), chunk5 = Chunk()
  @usableFromInline var kind = Kind.udp
  @usableFromInline var isIPv4 = false
  /// IPv4: by how much the identification grows.
  @usableFromInline var step: UInt8 = 0
  /// IPv4: the checksum that the next packet's header has, in host order.
  @usableFromInline var checksum: UInt16 = 0

  @inlinable @inline(always)
  init() {}

  /// Bytes that a frame must have for the comparison.
  @inlinable @inline(always)
  static func size(_ kind: Kind, isIPv4: Bool) -> Int {
    switch kind {
    case .udp: isIPv4 ? 48 : 64
    case .tcp: isIPv4 ? 64 : 80
    case .tcpWithOptions: isIPv4 ? 80 : 96
    }
  }

  /// Cuts the template out of a frame. Chunks that a kind does not have are left as they are.
  ///
  /// - Precondition: the frame has `size(kind, isIPv4:)` bytes.
  @inlinable @inline(always)
  mutating func cut(_ frame: RawSpan, _ kind: Kind, isIPv4: Bool) {
    self.kind = kind
    self.isIPv4 = isIPv4
    let size = Self.size(kind, isIPv4: isIPv4)
    chunk0 = frame.chunk(0)
    chunk1 = frame.chunk(16) & Self.mask(1, kind, isIPv4: isIPv4)
    chunk2 = frame.chunk(32) & Self.mask(2, kind, isIPv4: isIPv4)
    if size > 48 { chunk3 = frame.chunk(48) & Self.mask(3, kind, isIPv4: isIPv4) }
    if size > 64 { chunk4 = frame.chunk(64) & Self.mask(4, kind, isIPv4: isIPv4) }
    if size > 80 { chunk5 = frame.chunk(80) & Self.mask(5, kind, isIPv4: isIPv4) }
  }

  /// What counts of a chunk. (Constant arguments: it is worked out when this is compiled.)
  @inlinable @inline(always)
  static func mask(_ chunk: Int, _ kind: Kind, isIPv4: Bool) -> Chunk {
    let all = UInt64.max
    switch (isIPv4, kind, chunk) {
    // Without bytes 18, 19 (identification) and 24, 25 (checksum).
    case (true, _, 1): return Chunk(0xFFFF_FFFF_0000_FFFF, 0xFFFF_FFFF_FFFF_0000)
    // UDP up to byte 39: the checksum and payload follow. TCP without bytes 38…41 (sequence) and 50, 51 (checksum).
    case (true, .udp, 2): return Chunk(all, 0)
    case (true, _, 2): return Chunk(0x0000_FFFF_FFFF_FFFF, 0xFFFF_FFFF_FFFF_0000)
    case (true, .tcp, 3): return Chunk(0x0000_FFFF_0000_FFFF, 0)
    case (true, .tcpWithOptions, 3): return Chunk(0xFFFF_FFFF_0000_FFFF, all)
    case (true, .tcpWithOptions, 4): return Chunk(0xFFFF, 0)
    // UDP up to byte 59. TCP without bytes 58…61 (sequence) and 70, 71 (checksum).
    case (false, .udp, 3): return Chunk(all, 0x0000_0000_FFFF_FFFF)
    case (false, _, 3): return Chunk(all, 0xFFFF_0000_0000_FFFF)
    case (false, .tcp, 4): return Chunk(0x0000_FFFF_FFFF_FFFF, 0xFFFF)
    case (false, .tcpWithOptions, 4): return Chunk(0x0000_FFFF_FFFF_FFFF, all)
    case (false, .tcpWithOptions, 5): return Chunk(0x0000_FFFF_FFFF_FFFF, 0)
    default: return Chunk(all, all)
    }
  }

  /// Whether `frame` matches.
  ///
  /// - Parameter isIPv4: what the frame is. Templates of the other version are shorter or longer, and match nothing of it.
  /// - Precondition: the frame has as many bytes as the template was made for.
  @inlinable @inline(always)
  func matches(_ frame: RawSpan, isIPv4: Bool) -> Bool {
    guard self.isIPv4 == isIPv4 else { return false }
    // One branch for each kind: within it, which chunks there are is known.
    switch kind {
    case .udp: return differs(frame, .udp, isIPv4: isIPv4) == 0
    case .tcp: return differs(frame, .tcp, isIPv4: isIPv4) == 0
    case .tcpWithOptions: return differs(frame, .tcpWithOptions, isIPv4: isIPv4) == 0
    }
  }

  @inlinable @inline(always)
  func differs(_ frame: RawSpan, _ kind: Kind, isIPv4: Bool) -> UInt64 {
    var other = HeaderTemplate()
    other.cut(frame, kind, isIPv4: isIPv4)
    var difference = (chunk0 ^ other.chunk0) | (chunk1 ^ other.chunk1) | (chunk2 ^ other.chunk2)
    let size = Self.size(kind, isIPv4: isIPv4)
    if size > 48 { difference |= chunk3 ^ other.chunk3 }
    if size > 64 { difference |= chunk4 ^ other.chunk4 }
    if size > 80 { difference |= chunk5 ^ other.chunk5 }
    return difference.x | difference.y
  }
}

extension RawSpan {
  @inlinable @inline(always)
  func chunk(_ offset: Int) -> SIMD2<UInt64> {
    // The offset is checked, and any bit pattern is a pair of integers.
    unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: SIMD2<UInt64>.self)
  }
}
