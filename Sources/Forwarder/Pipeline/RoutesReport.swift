/// What the routing table has: next hops with how many routes lead to each, and, if an address was asked about, where its packets
/// go.
public struct RoutesReport: Codable, Hashable, Sendable {
  public struct Hop: Codable, Hashable, Sendable {
    /// `neighbour`, `unresolved`, `unreachable`, `prohibited`, `blackhole`, …
    public var kind: String
    /// The egress port's name; nil: packets don't leave.
    public var port: String?
    /// The neighbour's MAC address, where it is known.
    public var mac: String?
    /// 0: untagged.
    public var vlan: UInt16
    public var mtu: UInt16
    public var ipv4: Int
    public var ipv6: Int
  }

  public struct Answer: Codable, Hashable, Sendable {
    public var address: String
    /// nil: there is no route.
    public var hop: Hop?
  }

  public var ipv4: Int
  public var ipv6: Int
  public var hops: [Hop]
  public var answer: Answer?
}

extension Policy {
  /// - Parameter address: what to look up; nil: nothing.
  public func routesReport(for address: IPAddress? = nil) -> RoutesReport {
    let hops = routes.hops.indices.map { hop($0) }
    return RoutesReport(
      ipv4: routes.ipv4Counts.reduce(0, +), ipv6: routes.ipv6Counts.reduce(0, +),
      hops: hops.filter { $0.ipv4 + $0.ipv6 > 0 },
      answer: address.map { address in
        let value =
          switch address {
          case .ipv4(let number): routes.ipv4.lookup(number)
          case .ipv6(let number): routes.ipv6.lookup(number)
          }
        return RoutesReport.Answer(address: "\(address)", hop: value.map { hops[Int($0)] })
      })
  }

  private func hop(_ number: Int) -> RoutesReport.Hop {
    let hop = routes.hops[number]
    let leaves = hop.kind == .neighbour || hop.kind == .unresolved
    let names = configuration.ports
    return RoutesReport.Hop(
      kind: "\(hop.kind)", port: leaves && Int(hop.port) < names.count ? names[Int(hop.port)].name : nil,
      mac: hop.kind == .neighbour ? Self.text(mac: hop.destination) : nil, vlan: hop.vlan, mtu: hop.mtu,
      ipv4: routes.ipv4Counts[number], ipv6: routes.ipv6Counts[number])
  }

  private static func text(mac: UInt64) -> String {
    (0..<6).map { byte in
      let text = String(mac >> UInt64(40 - 8 * byte) & 0xFF, radix: 16)
      return text.count == 1 ? "0\(text)" : text
    }.joined(separator: ":")
  }
}
