/// One message of a netlink answer (struct nlmsghdr and what follows it).
struct NetlinkMessage: Hashable {
  static let headerLength = 16
  /// NLMSG_ERROR (also an acknowledgement, with code 0) and NLMSG_DONE.
  static let error: UInt16 = 2
  static let done: UInt16 = 3

  let type: UInt16
  let sequence: UInt32
  let body: ArraySlice<UInt8>

  /// The errno of an NLMSG_ERROR or NLMSG_DONE, positive; 0 is an acknowledgement.
  var errorNumber: CInt { -(body.native(at: 0, as: Int32.self) ?? 0) }

  /// The messages of one datagram. What is left after the last whole message is ignored.
  static func parse(_ datagram: ArraySlice<UInt8>) -> [NetlinkMessage] {
    var messages = [NetlinkMessage]()
    var rest = datagram
    while let length = rest.native(at: 0, as: UInt32.self).map({ Int($0) }), length >= headerLength,
      length <= rest.count, let type = rest.native(at: 4, as: UInt16.self),
      let sequence = rest.native(at: 8, as: UInt32.self)
    {
      let start = rest.startIndex
      messages.append(.init(type: type, sequence: sequence, body: rest[start + headerLength..<start + length]))
      rest = rest.dropFirst((length + 3) & ~3)
    }
    return messages
  }

  /// The bytes of a request.
  static func request(type: UInt16, flags: UInt16, sequence: UInt32, body: [UInt8]) -> [UInt8] {
    var bytes = [UInt8]()
    bytes.append(native: UInt32(headerLength + body.count))
    bytes.append(native: type)
    bytes.append(native: flags)
    bytes.append(native: sequence)
    bytes.append(native: UInt32(0))  // port: the kernel fills it in
    return bytes + body
  }
}

/// The attributes in a netlink message (struct nlattr, each aligned to 4), or nested in one of them.
struct NetlinkAttributes {
  /// Values by type, without the flags in the type's upper two bits; the last one wins.
  private var values = [UInt16: ArraySlice<UInt8>]()

  /// Parses attributes up to the first that does not fit.
  init(_ bytes: ArraySlice<UInt8>) {
    var rest = bytes
    while let length = rest.native(at: 0, as: UInt16.self).map({ Int($0) }), length >= 4, length <= rest.count,
      let type = rest.native(at: 2, as: UInt16.self)
    {
      values[type & 0x3fff] = rest[rest.startIndex + 4..<rest.startIndex + length]
      rest = rest.dropFirst((length + 3) & ~3)
    }
  }

  subscript(bytes type: UInt16) -> ArraySlice<UInt8>? { values[type] }
  func has(_ type: UInt16) -> Bool { values[type] != nil }
  func integer<T: FixedWidthInteger>(_ type: UInt16, as integer: T.Type = T.self) -> T? {
    values[type]?.native(at: 0, as: integer)
  }
  func text(_ type: UInt16) -> String? { values[type]?.text() }
  /// What is in each, where each is a nest.
  var nests: [NetlinkAttributes] { values.values.map { NetlinkAttributes($0) } }
  func nested(_ type: UInt16) -> NetlinkAttributes? { values[type].map { NetlinkAttributes($0) } }
}

extension [UInt8] {
  mutating func append<T: FixedWidthInteger>(attribute type: UInt16, _ value: T) {
    append(native: UInt16(4 + MemoryLayout<T>.size))
    append(native: type)
    append(native: value)
    pad()
  }

  /// A text attribute, with its terminating zero.
  mutating func append(attribute type: UInt16, _ text: String) {
    append(native: UInt16(4 + text.utf8.count + 1))
    append(native: type)
    append(contentsOf: text.utf8)
    append(0)
    pad()
  }
}
