/// Netlink's messages and attributes, read where they lie. Nothing is taken on trust: lengths are compared with what is there,
/// and a read beyond the end is nil. Numbers are in the processor's own order, addresses in the network's.
extension RawSpan {
  /// The number that begins `offset` bytes in; nil if it does not fit.
  func number<Number: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: Number.Type = Number.self)
    -> Number?
  {
    guard offset >= 0, offset <= byteCount - MemoryLayout<Number>.size else { return nil }
    // Checked above; every bit pattern is a number.
    return unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: type)
  }

  /// The first number.
  func number<Number: FixedWidthInteger & BitwiseCopyable>(as type: Number.Type = Number.self) -> Number? {
    number(at: 0, as: type)
  }

  /// The six bytes of a MAC address, as `NextHop` has them; nil if there are not exactly six.
  var macAddress: UInt64? {
    guard byteCount == 6, let high = number(at: 0, as: UInt16.self), let low = number(at: 2, as: UInt32.self) else {
      return nil
    }
    return UInt64(high.bigEndian) << 32 | UInt64(low.bigEndian)
  }
}

/// The header of a message (struct nlmsghdr).
struct NetlinkHeader: Hashable {
  static let length = 16

  var type: UInt16
  var flags: UInt16
  var sequence: UInt32

  /// NLMSG_ERROR, also an acknowledgement, with code 0; NLMSG_DONE ends a dump.
  static let error: UInt16 = 2
  static let done: UInt16 = 3
}

enum NetlinkBytes {
  /// As below, for the first `count` bytes of a buffer.
  static func forEachMessage(_ buffer: [UInt8], count: Int, _ body: (NetlinkHeader, RawSpan) -> Void) -> Bool {
    // Bytes have no padding that nobody has written.
    forEachMessage(unsafe buffer.span.bytes.extracting(0..<count), body)
  }

  /// Calls `body` for each message of a datagram, with what follows the header.
  ///
  /// - Returns: false if what is left at the end is no message.
  static func forEachMessage(_ datagram: RawSpan, _ body: (NetlinkHeader, RawSpan) -> Void) -> Bool {
    var offset = 0
    while datagram.byteCount - offset >= NetlinkHeader.length {
      guard let length = datagram.number(at: offset, as: UInt32.self).map({ Int($0) }),
        let type = datagram.number(at: offset + 4, as: UInt16.self),
        let flags = datagram.number(at: offset + 6, as: UInt16.self),
        let sequence = datagram.number(at: offset + 8, as: UInt32.self),
        length >= NetlinkHeader.length, length <= datagram.byteCount - offset
      else { return false }
      body(
        NetlinkHeader(type: type, flags: flags, sequence: sequence),
        datagram.extracting(offset + NetlinkHeader.length..<offset + length))
      offset += (length + 3) & ~3
    }
    return offset >= datagram.byteCount
  }

  /// Calls `body` for each attribute from `offset` on (struct nlattr, each aligned to 4), without the flags in the type's
  /// upper two bits.
  ///
  /// - Returns: false if an attribute claims more than there is, or less than its header, or `body` refuses one.
  static func forEachAttribute(_ bytes: RawSpan, from offset: Int = 0, _ body: (UInt16, RawSpan) -> Bool) -> Bool {
    var offset = offset
    guard offset <= bytes.byteCount else { return false }
    while offset < bytes.byteCount {
      guard let length = bytes.number(at: offset, as: UInt16.self).map({ Int($0) }),
        let type = bytes.number(at: offset + 2, as: UInt16.self), length >= 4, length <= bytes.byteCount - offset
      else { return false }
      guard body(type & 0x3FFF, bytes.extracting(offset + 4..<offset + length)) else { return false }
      offset += (length + 3) & ~3
    }
    return true
  }
}

/// A request being put together.
struct NetlinkRequest {
  /// NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP, NLM_F_CREATE.
  static let request: UInt16 = 0x1
  static let acknowledged: UInt16 = 0x5
  static let dump: UInt16 = 0x301
  static let create: UInt16 = 0x400

  private(set) var bytes: [UInt8] = []

  init(type: UInt16, flags: UInt16, sequence: UInt32) {
    append(UInt32(0))  // The length, when it is known.
    append(type)
    append(flags)
    append(sequence)
    append(UInt32(0))  // The port: the kernel fills it in.
  }

  mutating func append<Number: FixedWidthInteger>(_ number: Number) {
    var rest = number.littleEndian
    for _ in 0..<MemoryLayout<Number>.size {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  mutating func append(attribute type: UInt16, _ value: [UInt8]) {
    append(UInt16(4 + value.count))
    append(type)
    bytes += value
    while bytes.count % 4 != 0 { bytes.append(0) }
  }

  mutating func append(attribute type: UInt16, _ value: UInt32) {
    append(UInt16(8))
    append(type)
    append(value)
  }

  var finished: [UInt8] {
    var bytes = bytes
    for place in 0..<4 { bytes[place] = UInt8(truncatingIfNeeded: self.bytes.count >> (8 * place)) }
    return bytes
  }
}
