/// The IP header, while parsing. Offsets count from its first byte.
@frozen @usableFromInline
struct PacketNetwork {
  @usableFromInline var address0: UInt64 = 0
  @usableFromInline var address1: UInt64 = 0
  @usableFromInline var address2: UInt64 = 0
  @usableFromInline var address3: UInt64 = 0
  @usableFromInline var word: UInt64 = 0
  /// Protocol and version where `FlowKey.identity` has them.
  @usableFromInline var identity: UInt64 = 0
  @usableFromInline var flowLabel: UInt32 = 0
  @usableFromInline var identification: UInt16 = 0
  @usableFromInline var flags: UInt16 = 0
  @usableFromInline var transportOffset: Int = 0
  @usableFromInline var transportLength: Int = 0
  /// A fragment that is not the first: no transport header.
  @usableFromInline var isLaterFragment = false
  @usableFromInline var fault: Malformation

  /// Nothing but a fault.
  @inlinable @inline(always)
  init(fault: Malformation) { self.fault = fault }

  /// Not IP: the payload is all that is left.
  @inlinable @inline(always)
  init(other available: Int) {
    fault = .none
    transportLength = min(available, 0xFFFF)
  }

  @inlinable @inline(always) var ipProtocol: UInt8 { UInt8(truncatingIfNeeded: identity &>> 32) }
}

extension PacketNetwork {
  /// Parses an IPv4 header (RFC 791).
  ///
  /// - Parameters:
  ///   - packet: the bytes at hand from the header on.
  ///   - available: bytes of the whole packet from the header on, padding included.
  @inlinable @inline(always)
  init(ipv4 packet: RawSpan, available: Int) {
    self.init(fault: .none)
    guard packet.byteCount >= 20 else {
      fault = packet.byteCount > 0 && packet.load8(0) &>> 4 != 4 ? .ipVersion : .ipv4Truncated
      return
    }
    let first = packet.load64(0)
    let second = packet.load64(8)
    let third = packet.load32(16)
    guard first & 0xF0 == 0x40 else {
      fault = .ipVersion
      return
    }
    // Version, IHL, TOS, flags and offset, with TTL and protocol where length and identification were.
    word = first & 0xFFFF_0000_0000_FFFF | (second & 0xFFFF) &<< 16
    address0 = second &>> 32 | UInt64(third) &<< 32
    identity = (second &>> 8 & 0xFF) &<< 32 | 4 &<< 40
    identification = UInt16(truncatingIfNeeded: first &>> 32).byteSwapped
    flags = Flags.addresses
    let headerLength = Int(first & 0x0F) &* 4
    let totalLength = Int(UInt16(truncatingIfNeeded: first &>> 16).byteSwapped)
    // 64-bit halves of a ones' complement sum: each pair adds up to less than 2³³.
    var sum = (first & 0xFFFF_FFFF) &+ (first &>> 32) &+ (second & 0xFFFF_FFFF) &+ (second &>> 32) &+ UInt64(third)
    if headerLength != 20 {
      fault = Self.checkIPv4Options(packet, headerLength, available, &sum)
      guard fault == .none else { return }
      flags |= Flags.ipv4Options
    }
    guard totalLength >= headerLength else {
      fault = .ipv4TotalLengthSmall
      return
    }
    guard totalLength <= available else {
      fault = .ipv4TotalLengthPastFrame
      return
    }
    if InternetChecksum.fold(sum) != 0xFFFF { flags |= Flags.ipv4ChecksumBad }
    if totalLength != available { flags |= Flags.padding }
    // Offset 13 bits, more-fragments, don't-fragment, reserved; in memory order.
    let fragment = UInt16(truncatingIfNeeded: first &>> 48)
    if fragment & 0xFFBF != 0 { noteFragment(fragment.byteSwapped) }
    transportOffset = headerLength
    transportLength = totalLength &- headerLength
  }

  @inlinable @inline(always)
  mutating func noteFragment(_ field: UInt16) {
    if field & 0x8000 != 0 { flags |= Flags.ipv4ReservedBit }
    if field & 0x3FFF != 0 { flags |= Flags.fragment }
    isLaterFragment = field & 0x1FFF != 0
  }

  /// Looks through IPv4's options, and adds them to the header's sum.
  @inlinable @inline(never)
  static func checkIPv4Options(
    _ packet: RawSpan, _ headerLength: Int, _ available: Int, _ sum: inout UInt64
  ) -> Malformation {
    guard headerLength >= 20 else { return .ipv4HeaderLength }
    guard headerLength <= available else { return .ipv4HeaderPastFrame }
    guard headerLength <= packet.byteCount else { return .ipv4Truncated }
    let options = packet.extracting(20..<headerLength)
    sum &+= InternetChecksum.sum(options)
    switch OptionList.check(options) {
    case .good: return .none
    case .length: return .ipv4OptionLength
    case .overrun: return .ipv4OptionOverrun
    }
  }

  /// `PacketSummary.Flags` as they are collected.
  @usableFromInline
  enum Flags {
    @inlinable static var flow: UInt16 { PacketSummary.Flags.flow.rawValue }
    @inlinable static var addresses: UInt16 { PacketSummary.Flags.addresses.rawValue }
    @inlinable static var ipv6Extensions: UInt16 { PacketSummary.Flags.ipv6Extensions.rawValue }
    @inlinable static var padding: UInt16 { PacketSummary.Flags.padding.rawValue }
    @inlinable static var fragment: UInt16 { PacketSummary.Flags.fragment.rawValue }
    @inlinable static var ipv4Options: UInt16 { PacketSummary.Flags.ipv4Options.rawValue }
    @inlinable static var ipv4ReservedBit: UInt16 { PacketSummary.Flags.ipv4ReservedBit.rawValue }
    @inlinable static var ipv4ChecksumBad: UInt16 { PacketSummary.Flags.ipv4ChecksumBad.rawValue }
    @inlinable static var ipv6Routing: UInt16 { PacketSummary.Flags.ipv6Routing.rawValue }
    @inlinable static var udpChecksumAbsent: UInt16 { PacketSummary.Flags.udpChecksumAbsent.rawValue }
    @inlinable static var tcpOptions: UInt16 { PacketSummary.Flags.tcpOptions.rawValue }
    @inlinable static var udpLengthMismatch: UInt16 { PacketSummary.Flags.udpLengthMismatch.rawValue }
  }
}

/// The options of IPv4 and TCP, which share one format: kind, length, data; kinds 0 (end) and 1 (padding) have no length.
@usableFromInline
enum OptionList {
  @usableFromInline
  enum Verdict { case good, length, overrun }

  @inlinable @inline(never)
  static func check(_ options: RawSpan) -> Verdict {
    var offset = 0
    while offset < options.byteCount {
      let kind = options.load8(offset)
      if kind == 0 { return .good }
      if kind == 1 {
        offset &+= 1
        continue
      }
      guard offset &+ 1 < options.byteCount else { return .overrun }
      let length = Int(options.load8(offset &+ 1))
      guard length >= 2 else { return .length }
      offset &+= length
      guard offset <= options.byteCount else { return .overrun }
    }
    return .good
  }
}
