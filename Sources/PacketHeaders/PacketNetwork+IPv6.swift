extension PacketNetwork {
  /// Parses an IPv6 header (RFC 8200) and its extension headers.
  ///
  /// - Parameters: as for `init(ipv4:available:)`.
  @inlinable @inline(always)
  init(ipv6 packet: RawSpan, available: Int) {
    self.init(fault: .none)
    guard packet.byteCount >= 40 else {
      fault = packet.byteCount > 0 && packet.load8(0) &>> 4 != 6 ? .ipVersion : .ipv6Truncated
      return
    }
    let first = packet.load64(0)
    guard first & 0xF0 == 0x60 else {
      fault = .ipVersion
      return
    }
    word = first & 0xFFFF_0000_FFFF_FFFF
    flowLabel = UInt32(truncatingIfNeeded: first) & 0xFFFF_0F00
    address0 = packet.load64(8)
    address1 = packet.load64(16)
    address2 = packet.load64(24)
    address3 = packet.load64(32)
    flags = Flags.addresses
    transportOffset = 40
    transportLength = Int(UInt16(truncatingIfNeeded: first &>> 32).byteSwapped)
    var upper = UInt8(truncatingIfNeeded: first &>> 48)
    identity = 6 &<< 40
    guard transportLength &+ 40 <= available else {
      fault = .ipv6PayloadPastFrame
      // As an IPv4 header that is followed by too little says it; behind extension headers it is not known.
      if !Self.isExtension(upper) { identity |= UInt64(upper) &<< 32 }
      return
    }
    if transportLength &+ 40 != available { flags |= Flags.padding }
    if Self.isExtension(upper) {
      let end = min(transportLength &+ 40, packet.byteCount)
      let chain = ExtensionChain(packet.extracting(40..<end), first: upper, jumbo: transportLength == 0, packet)
      fault = chain.fault
      guard fault == .none else { return }
      upper = chain.upper
      flags |= chain.flags
      isLaterFragment = chain.isLaterFragment
      transportOffset &+= chain.length
      transportLength &-= chain.length
    }
    identity |= UInt64(upper) &<< 32
  }

  /// Hop-by-hop, routing, fragment, authentication, destination options, mobility, HIP, shim6.
  @inlinable @inline(always)
  static func isExtension(_ header: UInt8) -> Bool {
    if header == 6 || header == 17 { return false }
    return header == 0 || header == 43 || header == 44 || header == 51 || header == 60 || header == 135
      || header == 139 || header == 140
  }
}

/// IPv6's extension headers, followed to the transport or as far as they can be trusted.
@frozen @usableFromInline
struct ExtensionChain {
  /// The protocol at the end of the chain.
  @usableFromInline var upper: UInt8
  /// Bytes of all headers.
  @usableFromInline var length = 0
  @usableFromInline var flags: UInt16 = PacketNetwork.Flags.ipv6Extensions
  @usableFromInline var isLaterFragment = false
  @usableFromInline var fault: Malformation = .none

  /// - Parameters:
  ///   - bytes: what follows the IPv6 header, without padding.
  ///   - first: the IPv6 header's next header.
  ///   - jumbo: the payload length is 0, as it is in a jumbogram.
  ///   - packet: all bytes from the IPv6 header on, to look for the jumbo option in.
  @inlinable @inline(never)
  init(_ bytes: RawSpan, first: UInt8, jumbo: Bool, _ packet: RawSpan) {
    upper = first
    if jumbo && first == 0 && Self.hasJumboOption(packet.extracting(droppingFirst: 40)) {
      fault = .ipv6Jumbogram
      return
    }
    var count = 0
    while PacketNetwork.isExtension(upper) && !isLaterFragment {
      guard upper != 0 || count == 0 else {
        fault = .ipv6ExtensionOrder
        return
      }
      guard count < PacketSummary.maximumExtensionHeaders else {
        fault = .ipv6ExtensionChain
        return
      }
      fault = step(bytes.extracting(droppingFirst: length))
      guard fault == .none else { return }
      count &+= 1
    }
  }

  /// Takes the header at the start of `rest`, whose type is `upper`.
  @inlinable
  mutating func step(_ rest: RawSpan) -> Malformation {
    guard rest.byteCount >= 8 else { return .ipv6ExtensionTruncated }
    let type = upper
    let size = type == 44 ? 8 : type == 51 ? (Int(rest.load8(1)) &+ 2) &* 4 : (Int(rest.load8(1)) &+ 1) &* 8
    guard size <= rest.byteCount else { return .ipv6ExtensionTruncated }
    if type == 0 || type == 60 {
      guard Self.optionsFit(rest.extracting(2..<size)) else { return .ipv6ExtensionOptionOverrun }
    } else if type == 43 {
      flags |= PacketNetwork.Flags.ipv6Routing
    } else if type == 44 {
      flags |= PacketNetwork.Flags.fragment
      isLaterFragment = rest.load16(2).byteSwapped & 0xFFF8 != 0
    }
    upper = rest.load8(0)
    length &+= size
    return .none
  }

  /// Walks type, length, data; type 0 is one byte of padding.
  @inlinable
  static func optionsFit(_ options: RawSpan) -> Bool {
    var offset = 0
    while offset < options.byteCount {
      if options.load8(offset) == 0 {
        offset &+= 1
        continue
      }
      guard offset &+ 1 < options.byteCount else { return false }
      offset &+= 2 &+ Int(options.load8(offset &+ 1))
    }
    return offset == options.byteCount
  }

  /// A jumbo payload option (0xC2) in a hop-by-hop header, which the payload length of 0 leaves unmeasured.
  @inlinable
  static func hasJumboOption(_ bytes: RawSpan) -> Bool {
    guard bytes.byteCount >= 8 else { return false }
    let end = min((Int(bytes.load8(1)) &+ 1) &* 8, bytes.byteCount)
    var offset = 2
    while offset &+ 1 < end {
      let type = bytes.load8(offset)
      if type == 0xC2 { return true }
      offset &+= type == 0 ? 1 : 2 &+ Int(bytes.load8(offset &+ 1))
    }
    return false
  }
}
