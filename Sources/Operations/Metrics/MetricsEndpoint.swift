/// Where metrics are served: `9100` (loopback), `192.0.2.1:9100`, `[2001:db8::1]:9100`. Addresses are numbers: names would
/// have to be looked up.
public struct MetricsEndpoint: Hashable, Sendable, CustomStringConvertible {
  public let address: String
  /// 0: any that is free.
  public let port: UInt16

  public init(address: String, port: UInt16) {
    self.address = address
    self.port = port
  }

  /// nil if it isn't one. Whether the address is of this machine shows when it is listened on.
  public init?(_ text: String) {
    let (host, number): (Substring, Substring)
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]"), text[end...].hasPrefix("]:") else { return nil }
      host = text[text.index(after: text.startIndex)..<end]
      number = text[text.index(end, offsetBy: 2)...]
      guard host.contains(":") else { return nil }
    } else if let colon = text.firstIndex(of: ":") {
      host = text[..<colon]
      number = text[text.index(after: colon)...]
      guard !host.isEmpty, !host.contains("[") else { return nil }
    } else {
      (host, number) = ("127.0.0.1", text[...])
    }
    guard !number.isEmpty, number.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(number),
      !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
    else { return nil }
    self.init(address: String(host), port: port)
  }

  public var description: String { address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)" }
}
