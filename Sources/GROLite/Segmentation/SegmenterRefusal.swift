public import PacketHeaders

/// Why a frame with a virtio-net header can't be sent.
@frozen public enum SegmenterRefusal: Hashable, Sendable {
  /// A GSO type that was not asked for: UFO, or one that this code does not know.
  case gsoType
  /// GSO with segments of 0 bytes.
  case gsoSize
  /// GSO without a checksum to complete.
  case gsoWithoutChecksum
  /// The GSO type is not that of the packet: of another IP version or protocol, a fragment, or no IP at all.
  case gsoMismatch
  /// The checksum is to go where that packet has none, or past the frame's end.
  case checksumPlace
  /// Headers of more than `Segmenter.maximumHeader` bytes.
  case headersTooLong
  /// The datagram's length is not what IP says.
  case udpLength
  /// The frame's own headers are malformed.
  case malformed(Malformation)

  /// Its name in messages.
  public var name: String {
    switch self {
    case .gsoType: "gso_type"
    case .gsoSize: "gso_size"
    case .gsoWithoutChecksum: "gso_without_checksum"
    case .gsoMismatch: "gso_mismatch"
    case .checksumPlace: "checksum_place"
    case .headersTooLong: "headers_too_long"
    case .udpLength: "udp_length"
    case .malformed(let malformation): malformation.name
    }
  }
}

extension Segmenter {
  /// Why a frame of these headers can't be cut as its virtio-net header says; nil: it can. (`headerLength` there is a hint,
  /// and ignored.)
  @inlinable
  static func refusal(_ header: VirtioNetHeader, _ summary: PacketSummary) -> SegmenterRefusal? {
    let type = header.gsoType & ~VirtioNetHeader.gsoECN
    let isTCP = type == VirtioNetHeader.gsoTCPv4 || type == VirtioNetHeader.gsoTCPv6
    guard isTCP || header.gsoType == VirtioNetHeader.gsoUDP else { return .gsoType }
    guard header.gsoSize > 0 else { return .gsoSize }
    guard header.flags & VirtioNetHeader.needsChecksum != 0 else { return .gsoWithoutChecksum }
    guard !summary.isMalformed else { return .malformed(summary.malformation) }
    // UDP comes with one type for both versions.
    let version: UInt8 = type == VirtioNetHeader.gsoTCPv4 ? 4 : type == VirtioNetHeader.gsoTCPv6 ? 6 : 0
    guard isTCP ? summary.isTCP : summary.isUDP, version == 0 || version == summary.key.version else {
      return .gsoMismatch
    }
    // The pseudo-header of such a packet has an address that is not at hand.
    guard !summary.flags.contains(.ipv6Routing) else { return .gsoMismatch }
    guard !summary.flags.contains(.udpLengthMismatch) else { return .udpLength }
    guard Int(summary.payloadOffset) <= maximumHeader else { return .headersTooLong }
    let isInPlace = header.checksumStart == summary.transportOffset && header.checksumOffset == (isTCP ? 16 : 6)
    return isInPlace ? nil : .checksumPlace
  }

  /// Completes the checksum of a frame without GSO: what stands in its place is the pseudo-header's sum, and is summed over.
  /// As the kernel's `skb_checksum_help`, a result of 0 is stored as 0xFFFF, which is right for every protocol.
  ///
  /// - Returns: whether its place is inside the frame.
  @inlinable
  static func completeChecksum(_ header: VirtioNetHeader, _ frame: inout MutableRawSpan) -> Bool {
    let start = Int(header.checksumStart)
    let place = start &+ Int(header.checksumOffset)
    // A checksum at an odd place of what it covers would swap its bytes; no protocol has one.
    guard place &+ 2 <= frame.byteCount, header.checksumOffset & 1 == 0 else { return false }
    let sum = InternetChecksum.sum(frame.bytes.extracting(droppingFirst: start))
    frame.storeBytes(of: InternetChecksum.finishUDP(sum), toByteOffset: place, as: UInt16.self)
    return true
  }
}
