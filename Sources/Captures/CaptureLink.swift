import CCaptures
public import PacketHeaders
import XSKEngine

/// A capture's link type, of those that are understood: Ethernet, and raw IP in its several numbers.
public struct CaptureLink: Hashable, Sendable {
  /// The number that libpcap writes captures with: 1 (Ethernet), 12 (raw IP; 101 in the file), 228 (IPv4) or 229 (IPv6).
  public let type: CInt

  public static let ethernet = CaptureLink(type: CInt(CCAPTURES_ETHERNET))
  public static let rawIP = CaptureLink(type: CInt(CCAPTURES_RAW_HERE))

  /// What the packets' first bytes are.
  public var layer: PacketSummary.LinkLayer { self == .ethernet ? .ethernet : .rawIP }

  private init(type: CInt) { self.type = type }

  /// - Parameter type: as libpcap gives it. Raw IP is 12 here, 14 on OpenBSD, and 101 in files, so all three are found in
  ///   files; https://www.tcpdump.org/linktypes.html
  init?(_ type: CInt) {
    switch Int(type) {
    case CCAPTURES_ETHERNET, CCAPTURES_IPV4, CCAPTURES_IPV6: self.init(type: type)
    case CCAPTURES_RAW_HERE, CCAPTURES_RAW_OPENBSD, CCAPTURES_RAW: self = .rawIP
    default: return nil
    }
  }

  /// Its name and number: `LINUX_SLL (113)`.
  static func name(of type: CInt) -> String {
    // The name is a constant of libpcap's.
    guard let name = unsafe ccaptures_link_name(type) else { return "\(type)" }
    return unsafe "\(String(cString: name)) (\(type))"
  }
}
