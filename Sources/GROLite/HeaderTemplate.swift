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
  /// IPv4: by how much the identification grows.
  @usableFromInline var step: UInt8 = 0
  /// IPv4: the checksum that the next packet's header has, in host order.
  @usableFromInline var checksum: UInt16 = 0

  @inlinable @inline(always)
  init() {}

  /// Bytes that a frame must have for the comparison.
  @inlinable
  static func size(_ kind: Kind, isIPv4: Bool) -> Int {
    switch kind {
    case .udp: isIPv4 ? 48 : 64
    case .tcp: isIPv4 ? 64 : 80
    case .tcpWithOptions: isIPv4 ? 80 : 96
    }
  }

  /// - Precondition: the frame has `size(kind, isIPv4:)` bytes.
  @inlinable @inline(always)
  init(_ frame: RawSpan, _ kind: Kind, isIPv4: Bool) {
    self.kind = kind
    chunk0 = frame.chunk(0)
    if isIPv4 {
      cutIPv4(frame)
    } else {
      cutIPv6(frame)
    }
  }

  @inlinable @inline(always)
  mutating func cutIPv4(_ frame: RawSpan) {
    // Without bytes 18, 19 (identification) and 24, 25 (checksum).
    chunk1 = frame.chunk(16) & Chunk(0xFFFF_FFFF_0000_FFFF, 0xFFFF_FFFF_FFFF_0000)
    if kind == .udp {
      // Up to byte 39: the checksum and payload follow.
      chunk2 = frame.chunk(32) & Chunk(.max, 0)
      return
    }
    // Without bytes 38…41 (sequence) and 50, 51 (checksum).
    chunk2 = frame.chunk(32) & Chunk(0x0000_FFFF_FFFF_FFFF, 0xFFFF_FFFF_FFFF_0000)
    if kind == .tcp {
      chunk3 = frame.chunk(48) & Chunk(0x0000_FFFF_0000_FFFF, 0)
    } else {
      chunk3 = frame.chunk(48) & Chunk(0xFFFF_FFFF_0000_FFFF, .max)
      chunk4 = frame.chunk(64) & Chunk(0xFFFF, 0)
    }
  }

  @inlinable @inline(always)
  mutating func cutIPv6(_ frame: RawSpan) {
    chunk1 = frame.chunk(16)
    chunk2 = frame.chunk(32)
    if kind == .udp {
      // Up to byte 59.
      chunk3 = frame.chunk(48) & Chunk(.max, 0x0000_0000_FFFF_FFFF)
      return
    }
    // Without bytes 58…61 (sequence) and 70, 71 (checksum).
    chunk3 = frame.chunk(48) & Chunk(.max, 0xFFFF_0000_0000_FFFF)
    if kind == .tcp {
      chunk4 = frame.chunk(64) & Chunk(0x0000_FFFF_FFFF_FFFF, 0xFFFF)
    } else {
      chunk4 = frame.chunk(64) & Chunk(0x0000_FFFF_FFFF_FFFF, .max)
      chunk5 = frame.chunk(80) & Chunk(0x0000_FFFF_FFFF_FFFF, 0)
    }
  }

  /// Whether `frame` matches.
  ///
  /// - Precondition: the frame has `size(kind, isIPv4:)` bytes.
  @inlinable @inline(always)
  func matches(_ frame: RawSpan, isIPv4: Bool) -> Bool {
    let other = HeaderTemplate(frame, kind, isIPv4: isIPv4)
    var difference = (chunk0 ^ other.chunk0) | (chunk1 ^ other.chunk1) | (chunk2 ^ other.chunk2)
    // Chunks that a kind does not have are 0 on both sides; which those are is known here, so they cost nothing.
    if !isIPv4 || kind != .udp { difference |= chunk3 ^ other.chunk3 }
    if kind == .tcpWithOptions || !isIPv4 && kind != .udp { difference |= chunk4 ^ other.chunk4 }
    if !isIPv4 && kind == .tcpWithOptions { difference |= chunk5 ^ other.chunk5 }
    return difference.x | difference.y == 0
  }
}

extension RawSpan {
  @inlinable @inline(always)
  func chunk(_ offset: Int) -> SIMD2<UInt64> {
    // The offset is checked, and any bit pattern is a pair of integers.
    unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: SIMD2<UInt64>.self)
  }
}
