public import Forwarder
import Reporting

extension RoutesReport {
  /// For people: where the packets of the address that was asked about go, or all next hops.
  public var text: String {
    if let answer {
      return "\(answer.address): " + (answer.hop.map { $0.cells.joined(separator: "   ") } ?? "no route")
    }
    let rows = hops.map { $0.cells + [NumberFormats.grouped(UInt64($0.ipv4)), NumberFormats.grouped(UInt64($0.ipv6))] }
    let head = [["next hop", "port", "mac", "vlan", "mtu", "IPv4 routes", "IPv6 routes"]]
    return
      (["\(NumberFormats.grouped(UInt64(ipv4))) IPv4 routes, \(NumberFormats.grouped(UInt64(ipv6))) IPv6 routes"]
      + Columns.lines(head + rows)).joined(separator: "\n")
  }
}

extension RoutesReport.Hop {
  fileprivate var cells: [String] {
    [kind, port ?? "-", mac ?? "-", vlan == 0 ? "untagged" : "\(vlan)", port == nil ? "-" : "\(mtu)"]
  }
}
