import CXsk

/// What of a port's packets belongs to the host itself: the XDP program passes it to the kernel's stack, before anybody
/// else sees it. So it reaches the stack whether the engine works, hangs, or is gone.
///
/// Only what is destined to the host is caught, never what it is to forward: packets to its own addresses, what
/// neighbours say to each other, and of the configured protocols what goes to a group or to broadcast. Behind up to two
/// VLAN tags it is the same.
public struct PuntConfiguration: Hashable, Sendable {
  /// The host's own unicast addresses.
  public enum Addresses: Hashable, Sendable {
    case none
    /// Those of all devices in the network namespace, as the kernel has them; changes are followed within 100 ms.
    case kernel
    case given(Set<NetworkAddress>)
  }

  /// ARP (RFC 826) and IPv6 neighbour discovery (RFC 4861, ICMPv6 133 … 137).
  public enum Neighbours: Hashable, Sendable {
    case none
    /// Only questions for an own address; answers come to an own address anyway. For a bridge, where others' questions are
    /// to be forwarded.
    case own
    /// For a router, which speaks for itself only.
    case all
  }

  /// A transport service, such as DHCP's UDP port 67.
  public struct Service: Hashable, Sendable {
    /// 6 (TCP) or 17 (UDP).
    public var ipProtocol: UInt8
    /// The destination port.
    public var port: UInt16

    public init(ipProtocol: UInt8, port: UInt16) {
      self.ipProtocol = ipProtocol
      self.port = port
    }
  }

  public var addresses: Addresses
  public var neighbours: Neighbours
  /// Multicast listener queries (RFC 2710, RFC 3810): the host's own answers keep it in its groups.
  public var listenerQueries: Bool
  /// Protocols next to IP, such as LLDP's 0x88CC.
  public var etherTypes: Set<UInt16>
  /// Only packets without VLAN tags: VLANs are somebody else's.
  public var onlyUntagged = false
  /// IP protocols, such as OSPF (89) and VRRP (112): packets to multicast groups and to 255.255.255.255.
  public var protocols: Set<UInt8>
  /// Services: packets to multicast groups and to 255.255.255.255.
  public var services: Set<Service>

  public init(
    addresses: Addresses = .none, neighbours: Neighbours = .none, listenerQueries: Bool = false,
    etherTypes: Set<UInt16> = [], protocols: Set<UInt8> = [], services: Set<Service> = []
  ) {
    self.addresses = addresses
    self.neighbours = neighbours
    self.listenerQueries = listenerQueries
    self.etherTypes = etherTypes
    self.protocols = protocols
    self.services = services
  }

  /// Nothing is punted; a packet costs what it cost before.
  public static let none = PuntConfiguration()

  /// What a host that routes needs: its addresses as the kernel has them, its neighbours, its groups.
  public static let host = PuntConfiguration(addresses: .kernel, neighbours: .all, listenerQueries: true)

  var isOn: Bool { self != .none }

  /// As the program reads it: bits of kinds.
  var bits: UInt32 {
    var kinds: [UInt32] = []
    if addresses != .none { kinds += [XSK_PUNT_IPV4, XSK_PUNT_IPV6].map { UInt32($0) } }
    if neighbours != .none { kinds += [XSK_PUNT_ARP, XSK_PUNT_NEIGHBOUR].map { UInt32($0) } }
    if onlyUntagged { kinds.append(UInt32(XSK_PUNT_ONLY_UNTAGGED)) }
    if neighbours == .own { kinds.append(UInt32(XSK_PUNT_OWN_NEIGHBOURS)) }
    if listenerQueries { kinds.append(UInt32(XSK_PUNT_LISTENER)) }
    if !etherTypes.isEmpty { kinds.append(UInt32(XSK_PUNT_ETHERTYPE)) }
    if !protocols.isEmpty { kinds.append(UInt32(XSK_PUNT_PROTOCOL)) }
    if !services.isEmpty { kinds.append(UInt32(XSK_PUNT_SERVICE)) }
    return kinds.reduce(0) { $0 | 1 << $1 }
  }

  /// The configured numbers, as the program looks them up.
  var extras: [UInt32] {
    etherTypes.map { UInt32(XSK_EXTRA_ETHERTYPE) << 24 | UInt32($0) }
      + protocols.map { UInt32(XSK_EXTRA_PROTOCOL) << 24 | UInt32($0) }
      + services.map { UInt32(XSK_EXTRA_SERVICE) << 24 | UInt32($0.ipProtocol) << 16 | UInt32($0.port) }
  }

  /// - Throws: what would never match, or would catch what is to be forwarded.
  func validate(_ device: String) throws(XSKError) {
    for type in etherTypes.sorted() {
      guard type >= 0x600 else {
        throw XSKError("\(device): punt EtherType \(type)", "is a length", remedy: "name one from 0x600 on")
      }
      guard ![0x0800, 0x86dd, 0x8100, 0x88a8].contains(type) else {
        throw XSKError(
          "\(device): punt EtherType 0x\(String(type, radix: 16))", "would take all of IP, or of a VLAN",
          remedy: "name addresses, IP protocols or services instead")
      }
    }
    for service in services where service.ipProtocol != 6 && service.ipProtocol != 17 {
      throw XSKError(
        "\(device): punt service \(service.ipProtocol):\(service.port)", "only TCP (6) and UDP (17) have ports",
        remedy: "name the IP protocol alone")
    }
    if case .given(let given) = addresses {
      for address in given where !address.isUnicast {
        throw XSKError("\(device): punt address \(address)", "not a host's own", remedy: "name unicast addresses")
      }
    }
    guard neighbours != .own || addresses != .none else {
      throw XSKError(
        "\(device): punt", "neighbours' questions for own addresses, but none are own",
        remedy: "say which addresses are")
    }
  }
}

/// Why a packet was punted, as counters call it.
public enum PuntKind: Int, CaseIterable, Sendable {
  case ipv4, ipv6, arp, neighbour, listener, etherType, ipProtocol, service

  /// Its name in summaries and metrics: snake case.
  public var name: String {
    switch self {
    case .ipv4: "ipv4"
    case .ipv6: "ipv6"
    case .arp: "arp"
    case .neighbour: "neighbour"
    case .listener: "listener"
    case .etherType: "ethertype"
    case .ipProtocol: "protocol"
    case .service: "service"
    }
  }
}
