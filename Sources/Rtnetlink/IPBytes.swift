import Glibc
import XSKEngine

/// The bytes of an IP address, in the order they go over the wire; their count tells the version.
package struct IPBytes: Hashable, Sendable, CustomStringConvertible {
  package let bytes: [UInt8]

  package var isIPv6: Bool { bytes.count == 16 }
  package var family: Int32 { isIPv6 ? AF_INET6 : AF_INET }

  /// nil unless there are four or sixteen.
  package init?(bytes: [UInt8]) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    self.bytes = bytes
  }

  /// As inet_ntop(3) writes it.
  package var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    // Safe: the address has as many bytes as its family, and the text has room for the longest.
    guard unsafe inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else { return "?" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  package init(_ text: String) throws(XSKError) {
    let isIPv6 = text.contains(":")
    var bytes = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
    // inet_pton() writes 16 or 4 bytes, as many as there are.
    guard unsafe inet_pton(isIPv6 ? AF_INET6 : AF_INET, text, &bytes) == 1 else {
      throw XSKError(text, "not an IP address", remedy: "write it like 10.0.0.1 or fd00::1")
    }
    self.bytes = bytes
  }

  /// An address with a prefix length, such as `10.0.0.1/24`.
  package static func withPrefix(_ text: String) throws(XSKError) -> (address: IPBytes, prefix: UInt8) {
    let parts = text.split(separator: "/")
    let address = try IPBytes(String(parts.first ?? ""))
    guard parts.count == 2, let prefix = UInt8(parts[1]), prefix <= address.bytes.count * 8 else {
      throw XSKError(text, "not an address with a prefix length", remedy: "write it like 10.0.0.1/24 or fd00::1/64")
    }
    return (address, prefix)
  }
}
