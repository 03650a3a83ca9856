public import Forwarder

/// Texts of a tenant that are addresses.
public enum TenantAddress {
  /// A device's own MAC address, `02:00:00:00:00:01`: the low 48 bits, first byte highest. nil: it is none, or not unicast.
  public static func mac(_ text: String) -> UInt64? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let bytes = parts.compactMap { part in
      part.utf8.count == 2 && !part.hasPrefix("+") && !part.hasPrefix("-") ? UInt8(part, radix: 16) : nil
    }
    guard parts.count == 6, bytes.count == 6 else { return nil }
    let mac = bytes.reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    return mac == 0 || mac >> 40 & 1 == 1 ? nil : mac
  }

  /// `02:00:00:00:00:01` of a number.
  public static func macText(_ mac: UInt64) -> String {
    (0..<6).map { place in
      let byte = mac >> (40 - 8 * UInt64(place)) & 0xFF
      return (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined(separator: ":")
  }

  /// An address that a tenant can have, `10.1.0.5/32` or `fd00::5/128`; nil: it is none, or not for one host alone.
  ///
  /// - Parameter inNetwork: with the length of a network, too: `10.1.0.5/24`.
  public static func address(_ text: String, inNetwork: Bool = false) -> IPAddress? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let address = IPAddress(String(parts[0])) else { return nil }
    func fits(_ bits: Int) -> Bool {
      parts[1] == "\(bits)" || inNetwork && (1..<bits).contains { parts[1] == "\($0)" }
    }
    switch address {
    case .ipv4(let number):
      // 0/8, 127/8, 169.254/16 (the gateway is there), 224/4 and above.
      let isHost = number >> 24 != 0 && number >> 24 != 127 && number >> 16 != 0xA9FE && number >> 28 < 0xE
      return isHost && fits(32) ? address : nil
    case .ipv6(let number):
      // :: and ::1, addresses of IPv4 in IPv6's form, fe80::/10, ff00::/8.
      let isHost = number >> 32 > 0xFFFF && !address.isLinkLocal && number >> 120 != 0xFF
      return isHost && fits(128) ? address : nil
    }
  }
}
