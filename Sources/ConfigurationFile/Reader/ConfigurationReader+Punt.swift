import Forwarder
import XSKEngine

// What the XDP program leaves to the kernel's stack.

extension ConfigurationReader {
  mutating func readPunt(_ element: Element) -> ConfiguredPunt {
    guard element.isMapping else {
      switch choice(element, Words.punt).map({ Words.punt[$0] }) {
      case "host": return .given(.host)
      case "off": return .given(.none)
      default: return .auto
      }
    }
    guard let fields = fields(element, .punt) else { return .auto }
    var punt = PuntConfiguration.none
    punt.addresses = readPuntAddresses(fields["addresses"])
    switch choice(fields["neighbours"], Words.puntNeighbours).map({ Words.puntNeighbours[$0] }) {
    case "own": punt.neighbours = .own
    case "all": punt.neighbours = .all
    default: punt.neighbours = .none
    }
    if punt.neighbours == .own, punt.addresses == .none, let neighbours = fields["neighbours"] {
      report(neighbours, value: neighbours.text, "but no address is the host's own", "name addresses, or write all")
    }
    punt.listenerQueries = boolean(fields["listener-queries"]) ?? false
    for item in fields["ethertypes"].flatMap({ items($0) }) ?? [] {
      guard let type = value(item, "a number", PacketValue.etherType) else { continue }
      guard ![0x0800, 0x86DD, 0x8100, 0x88A8].contains(type) else {
        report(item, value: item.text, "would take all of IP, or of a VLAN", "name addresses, protocols or services")
        continue
      }
      punt.etherTypes.insert(type)
    }
    for item in fields["protocols"].flatMap({ items($0) }) ?? [] {
      guard let number = value(item, "a protocol", PacketValue.ipProtocol) else { continue }
      punt.protocols.insert(number.rawValue)
    }
    for item in fields["services"].flatMap({ items($0) }) ?? [] {
      guard let service = value(item, "a service, udp/67", Self.service) else { continue }
      punt.services.insert(service)
    }
    return .given(punt)
  }

  private mutating func readPuntAddresses(_ element: Element?) -> PuntConfiguration.Addresses {
    guard let element, let items = items(element) else { return .none }
    if items.count == 1, items[0].text == "kernel" { return .kernel }
    var addresses: Set<NetworkAddress> = []
    for item in items {
      let address = value(item, "kernel, or addresses, 192.0.2.1") { text throws(ValueFault) in
        guard let address = NetworkAddress(text) else {
          throw ValueFault("neither kernel nor an IP address", "write kernel, or addresses like 192.0.2.1")
        }
        guard address.isUnicast else {
          throw ValueFault("not a host's own", "name unicast addresses")
        }
        return address
      }
      if let address { addresses.insert(address) }
    }
    return addresses.isEmpty ? .none : .given(addresses)
  }

  /// `udp/67`, `tcp/179`.
  private static func service(_ text: String) throws(ValueFault) -> PuntConfiguration.Service {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let ipProtocol: UInt8 = ["tcp": 6, "udp": 17][String(parts[0])],
      let port = NumberValue.unsigned(parts[1]), (1...65_535).contains(port)
    else { throw ValueFault("no service", "write it like udp/67 or tcp/179, the port from 1 to 65535") }
    return PuntConfiguration.Service(ipProtocol: ipProtocol, port: UInt16(port))
  }
}
