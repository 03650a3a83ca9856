import Glibc

/// An IPv4 or IPv6 address, kept as it stands in a packet.
@frozen public struct NetworkAddress: Hashable, Sendable {
  /// The address in network order, as in memory: IPv4 in the lower half of `word0`.
  public let word0, word1: UInt64
  public let isIPv6: Bool

  /// An IPv4 address in network order, as it is read from a packet.
  @inlinable public init(ipv4 word: UInt32) { (word0, word1, isIPv6) = (UInt64(word), 0, false) }

  /// An IPv6 address in network order, as it is read from a packet: its first and its last 8 bytes.
  @inlinable public init(ipv6 word0: UInt64, _ word1: UInt64) {
    (self.word0, self.word1, isIPv6) = (word0, word1, true)
  }

  /// An address as it is written: `192.0.2.1`, `2001:db8::1`; nil if the text is none.
  public init?(_ text: String) {
    let isIPv6 = text.contains(":")
    var bytes = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
    // inet_pton() writes 16 or 4 bytes, as many as there are.
    guard unsafe inet_pton(isIPv6 ? AF_INET6 : AF_INET, text, &bytes) == 1 else { return nil }
    self.init(bytes[...])
  }

  /// The 4 or 16 bytes of an address; nil if there are fewer or more.
  init?(_ bytes: ArraySlice<UInt8>) {
    switch bytes.count {
    case 4: self.init(ipv4: bytes.native(at: 0) ?? 0)
    case 16: self.init(ipv6: bytes.native(at: 0) ?? 0, bytes.native(at: 8) ?? 0)
    default: return nil
    }
  }

  /// Its bytes in network order.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    if isIPv6 {
      bytes.append(native: word0)
      bytes.append(native: word1)
    } else {
      bytes.append(native: ipv4)
    }
    return bytes
  }

  var ipv4: UInt32 { UInt32(truncatingIfNeeded: word0) }

  /// As the C structures hold an IPv6 address.
  var words: (UInt32, UInt32, UInt32, UInt32) {
    (
      UInt32(truncatingIfNeeded: word0), UInt32(truncatingIfNeeded: word0 >> 32), UInt32(truncatingIfNeeded: word1),
      UInt32(truncatingIfNeeded: word1 >> 32)
    )
  }

  /// Neither unspecified, loopback, multicast nor IPv4's broadcast: one host's address that can be seen on a wire.
  public var isUnicast: Bool {
    let bytes = bytes
    guard isIPv6 else { return bytes[0] != 0 && bytes[0] != 127 && bytes[0] < 224 }
    return bytes[0] != 0xff && !(bytes[..<15].allSatisfy { $0 == 0 } && bytes[15] < 2)
  }
}

extension NetworkAddress: CustomStringConvertible {
  /// As it is written.
  public var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    // inet_ntop() reads as many bytes as the family's addresses have, and writes at most what it is told.
    let isWritten = unsafe inet_ntop(isIPv6 ? AF_INET6 : AF_INET, bytes, &text, socklen_t(text.count)) != nil
    return isWritten ? String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : "?"
  }
}
