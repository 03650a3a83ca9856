import Reporting

extension FlowsReport {
  /// For people:
  ///
  /// ```
  /// 1.0 s   ~1,204,112 packets/s   ~6.2 Gbit/s   4,812 flows in 100,343 packets drawn, 1 in 12
  /// port   flow                                   packets/s   Gbit/s  share   fate
  /// eth1   udp 203.0.113.9:53 > 192.0.2.1:4444    312,000     3.5     56.1 %  dropped: dns   rule amplified
  /// ```
  public var text: String {
    var rows = [["port", grouping.printable, "packets/s", "bit/s", "share", "dropped", "most of them"]]
    for row in self.rows {
      let dropped = row.packets == 0 ? 0 : Double(row.dropped) / Double(row.packets)
      rows.append([
        row.port.printable, row.name.printable, NumberFormats.scaled(row.packetsPerSecond),
        NumberFormats.scaled(row.bitsPerSecond), NumberFormats.fixed(row.share * 100, decimals: 1) + " %",
        NumberFormats.fixed(dropped * 100, decimals: 0) + " %",
        (row.fate + (row.rule.map { ", rule \($0)" } ?? "")).printable,
      ])
    }
    return ([head] + (self.rows.isEmpty ? ["no such packet came by"] : Columns.lines(rows))).joined(separator: "\n")
  }

  private var head: String {
    let about = oneIn > 1 || lost > 0 ? "about " : ""
    let drawn = oneIn > 1 ? " drawn, 1 in \(NumberFormats.grouped(UInt64(oneIn)))" : ""
    let lost = lost > 0 ? ", \(NumberFormats.grouped(lost)) lost" : ""
    return "\(NumberFormats.fixed(duration, decimals: 1)) s   \(about)\(NumberFormats.grouped(packets)) packets, "
      + "\(NumberFormats.grouped(bytes)) bytes   \(NumberFormats.grouped(UInt64(max(0, count)))) \(grouping.printable)s in "
      + "\(NumberFormats.grouped(sampled)) packets\(drawn)\(lost)"
  }
}

extension FlowsReport.Row {
  /// `tcp 192.0.2.1:443 > 198.51.100.7:50112`, or what of it there is.
  public var name: String {
    if let etherType { return "ethertype 0x" + String(etherType, radix: 16) }
    func end(_ address: String?, _ port: UInt16?) -> String? {
      guard let address, let port else { return address }
      return address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
    }
    let ends = [end(source, sourcePort), end(destination, destinationPort)].compactMap { $0 }
    guard !ends.isEmpty else { return "not to be read" }
    guard let ipProtocol else { return ends[0] }
    return Self.protocolName(ipProtocol) + " " + ends.joined(separator: " > ")
  }

  private static func protocolName(_ number: UInt8) -> String {
    switch number {
    case 1: "icmp"
    case 6: "tcp"
    case 17: "udp"
    case 58: "icmpv6"
    default: "protocol \(number)"
    }
  }
}
