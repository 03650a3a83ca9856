import Glibc
import TenantAPI

/// The addresses that a container gets, and where it sends what is not for them.
struct AssignedAddresses {
  struct IP: Hashable {
    /// With its prefix length.
    var address: String
    var gateway: String?
    var isIPv6: Bool { address.contains(":") }
  }

  struct Route: Hashable {
    var destination: String
    var gateway: String
  }

  /// A routed container's next hop: xskd's end of its interface answers for it, whatever the container's network.
  static let gateway4 = "169.254.1.1"
  static let gateway6 = "fe80::1"

  var ips: [IP] = []
  var routes: [Route] = []
  var dns: JSONValue?

  /// What an IPAM plugin gave.
  init(result: JSONValue, from plugin: String) throws(CNIError) {
    func broken(_ value: JSONValue) -> CNIError {
      CNIError(
        .decoding, "ipam \(plugin): its result is not understood; use another version of it", details: value.text)
    }
    for entry in result["ips"]?.array ?? [] {
      guard let address = entry["address"]?.string else { throw broken(entry) }
      try add(address, gateway: entry["gateway"]?.string, from: "ipam \(plugin)")
    }
    guard !ips.isEmpty else { throw broken(result) }
    for entry in result["routes"]?.array ?? [] {
      guard let destination = entry["dst"]?.string else { throw broken(entry) }
      let isIPv6 = destination.contains(":")
      guard let gateway = entry["gw"]?.string ?? ips.first(where: { $0.isIPv6 == isIPv6 })?.gateway else { continue }
      routes.append(Route(destination: destination, gateway: gateway))
    }
    dns = result["dns"].flatMap { $0 == .object([:]) ? nil : $0 }
  }

  /// What the runtime asked for: the capability `ips`, a list of addresses with or without prefix length.
  init(requested value: JSONValue?) throws(CNIError) {
    guard let value else { return }
    guard let list = value.array else {
      throw CNIError(.invalidConfiguration, "ips: \(value.text): no list; give addresses")
    }
    for entry in list {
      guard let text = entry.string else {
        throw CNIError(.invalidConfiguration, "ips: \(entry.text): no address; write 10.1.0.5/32")
      }
      try add(text, gateway: nil, from: "ips")
    }
  }

  private mutating func add(_ text: String, gateway: String?, from source: String) throws(CNIError) {
    let halves = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let host = String(halves[0])
    let bits = Self.bits(of: host)
    let length = halves.count == 2 ? Int(halves[1]) : bits
    guard let bits, let length, (0...bits).contains(length) else {
      throw CNIError(.invalidConfiguration, "\(source): \(text): not an address; write 10.1.0.5/32 or fd00::5/128")
    }
    ips.append(IP(address: "\(host)/\(length)", gateway: gateway))
  }

  /// Routed: no neighbour is on the container's link but the gateway, so each address is alone there, and there is one way out.
  mutating func route() {
    for index in ips.indices {
      let host = ips[index].address.split(separator: "/")[0]
      ips[index] = IP(address: "\(host)/\(ips[index].isIPv6 ? 128 : 32)", gateway: nil)
    }
    routes = []
    if ips.contains(where: { !$0.isIPv6 }) { routes.append(Route(destination: "0.0.0.0/0", gateway: Self.gateway4)) }
    if ips.contains(where: \.isIPv6) { routes.append(Route(destination: "::/0", gateway: Self.gateway6)) }
  }

  /// How many bits an address has; nil if the text is none.
  private static func bits(of text: String) -> Int? {
    var bytes = [UInt8](repeating: 0, count: 16)
    let isIPv6 = text.contains(":")
    // Safe: inet_pton() writes 4 or 16 bytes.
    return unsafe inet_pton(isIPv6 ? AF_INET6 : AF_INET, text, &bytes) == 1 ? (isIPv6 ? 128 : 32) : nil
  }
}
