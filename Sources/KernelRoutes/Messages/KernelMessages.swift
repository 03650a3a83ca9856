import Forwarder

/// What a message is read as.
enum Decoded<Value> {
  case value(Value)
  /// About something that doesn't matter here.
  case irrelevant
  /// Not what the kernel sends: shorter than its structure, or with lengths that don't add up.
  case malformed
}

extension Decoded: Equatable where Value: Equatable {}

/// Message types (linux/rtnetlink.h): `new` ones tell of what is there, the next number is its end, and the one behind that
/// asks.
enum MessageType {
  static let link: UInt16 = 16
  static let address: UInt16 = 20
  static let route: UInt16 = 24
  static let neighbour: UInt16 = 28
  static let nexthop: UInt16 = 104
}

enum AddressFamily {
  static let unspecified: UInt8 = 0
  static let ipv4: UInt8 = 2
  static let ipv6: UInt8 = 10
}

extension IPAddress {
  /// An address of a message; nil if it is too short, or of another family.
  init?(_ bytes: RawSpan, family: UInt8) {
    if family == AddressFamily.ipv4, let number = bytes.number(as: UInt32.self) {
      self = .ipv4(number.bigEndian)
    } else if family == AddressFamily.ipv6, let number = bytes.number(as: UInt128.self) {
      self = .ipv6(number.bigEndian)
    } else {
      return nil
    }
  }

  /// The family of an IP version is told by the bytes.
  var family: UInt8 {
    if case .ipv4 = self { return AddressFamily.ipv4 }
    return AddressFamily.ipv6
  }

  /// In the order of the network.
  var bytes: [UInt8] {
    switch self {
    case .ipv4(let number): (0..<4).map { UInt8(truncatingIfNeeded: number >> UInt32(24 - 8 * $0)) }
    case .ipv6(let number): (0..<16).map { UInt8(truncatingIfNeeded: number >> UInt128(120 - 8 * $0)) }
    }
  }
}

/// A device (struct ifinfomsg and its attributes).
struct KernelLink: Hashable, Sendable {
  var index: Int32
  var name: String
  /// Switched on, and with carrier: IFF_UP and IFF_RUNNING.
  var isUsable: Bool
  /// 0 if it has no address of six bytes.
  var mac: UInt64
  var mtu: Int
  /// The device below, and the id, of a VLAN device (802.1Q); nil: it is none, or the one below is in another namespace.
  var vlan: Tag?

  struct Tag: Hashable, Sendable {
    var parent: Int32
    var id: UInt16
  }

  static func decode(_ body: RawSpan) -> Decoded<KernelLink> {
    guard let family = body.number(at: 0, as: UInt8.self), let index = body.number(at: 4, as: Int32.self),
      let flags = body.number(at: 8, as: UInt32.self)
    else { return .malformed }
    // A bridge's messages about its ports have the same types: their end is not the device's.
    guard family == AddressFamily.unspecified else { return .irrelevant }
    var link = KernelLink(index: index, name: "", isUsable: flags & 0x41 == 0x41, mac: 0, mtu: 0)
    var (parent, isElsewhere) = (Int32?.none, false)
    var (kind, id, proto) = (String?.none, UInt16?.none, UInt16(0x8100))
    let isWhole = NetlinkBytes.forEachAttribute(body, from: 16) { type, value in
      switch type {
      case 1: link.mac = value.macAddress ?? 0
      case 3: link.name = value.text
      case 4: link.mtu = Int(value.number(as: UInt32.self) ?? 0)
      case 5: parent = value.number()
      case 37: isElsewhere = true
      case 18:  // IFLA_LINKINFO
        return NetlinkBytes.forEachAttribute(value) { type, value in
          if type == 1 { kind = value.text }
          guard type == 2, kind == "vlan" else { return true }
          return NetlinkBytes.forEachAttribute(value) { type, value in
            if type == 1 { id = value.number() }
            if type == 5 { proto = value.number(as: UInt16.self)?.bigEndian ?? proto }
            return true
          }
        }
      default: break
      }
      return true
    }
    guard isWhole, !link.name.isEmpty else { return .malformed }
    if let parent, let id, (1...4094).contains(id), proto == 0x8100, !isElsewhere {
      link.vlan = Tag(parent: parent, id: id)
    }
    return .value(link)
  }
}

extension RawSpan {
  /// Text up to its terminating zero.
  fileprivate var text: String {
    var bytes: [UInt8] = []
    for offset in 0..<byteCount {
      guard let byte = number(at: offset, as: UInt8.self), byte != 0 else { break }
      bytes.append(byte)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// A device's own address (struct ifaddrmsg).
struct KernelAddress: Hashable, Sendable {
  var device: Int32
  var address: IPAddress
  var length: UInt8
  /// Fit for packets of the host's own: global, verified, and not on its way out.
  var isSource: Bool

  static func decode(_ body: RawSpan) -> Decoded<KernelAddress> {
    guard let family = body.number(at: 0, as: UInt8.self), let length = body.number(at: 1, as: UInt8.self),
      let few = body.number(at: 2, as: UInt8.self), let scope = body.number(at: 3, as: UInt8.self),
      let device = body.number(at: 4, as: Int32.self)
    else { return .malformed }
    guard family == AddressFamily.ipv4 || family == AddressFamily.ipv6 else { return .irrelevant }
    var (local, address, flags) = (IPAddress?.none, IPAddress?.none, UInt32(few))
    let isWhole = NetlinkBytes.forEachAttribute(body, from: 8) { type, value in
      if type == 1 { address = IPAddress(value, family: family) }
      if type == 2 { local = IPAddress(value, family: family) }
      if type == 8 { flags = value.number() ?? flags }
      return true
    }
    // On a point-to-point device IFA_ADDRESS is the other end's, and IFA_LOCAL the own; IPv6 has IFA_ADDRESS alone elsewhere.
    guard isWhole, let own = local ?? address else { return .malformed }
    // RT_SCOPE_UNIVERSE; IFA_F_DADFAILED, IFA_F_DEPRECATED, IFA_F_TENTATIVE.
    let isSource = scope == 0 && flags & (0x08 | 0x20 | 0x40) == 0
    return .value(KernelAddress(device: device, address: own, length: length, isSource: isSource))
  }
}

/// An address on a device, as neighbours are told apart.
struct NeighbourKey: Hashable, Sendable {
  var device: Int32
  var address: IPAddress
}

/// A neighbour (struct ndmsg).
struct KernelNeighbour: Hashable, Sendable {
  var key: NeighbourKey
  /// nil: not known, for NUD_INCOMPLETE and NUD_FAILED, and for devices without MAC addresses.
  var mac: UInt64?
  /// NUD_*.
  var state: UInt16

  /// NUD_REACHABLE, STALE, DELAY, PROBE, NOARP, PERMANENT.
  static let known: UInt16 = 0x02 | 0x04 | 0x08 | 0x10 | 0x40 | 0x80
  static let stale: UInt16 = 0x04
  /// NUD_NOARP, NUD_PERMANENT: the kernel never verifies these.
  static let fixed: UInt16 = 0x40 | 0x80

  static func decode(_ body: RawSpan) -> Decoded<KernelNeighbour> {
    guard let family = body.number(at: 0, as: UInt8.self), let device = body.number(at: 4, as: Int32.self),
      let state = body.number(at: 8, as: UInt16.self), let flags = body.number(at: 10, as: UInt8.self),
      body.byteCount >= 12
    else { return .malformed }
    // A bridge's forwarding entries have the same type. NTF_PROXY: answered on behalf of others.
    guard family == AddressFamily.ipv4 || family == AddressFamily.ipv6, flags & 0x08 == 0 else { return .irrelevant }
    var (address, mac) = (IPAddress?.none, UInt64?.none)
    let isWhole = NetlinkBytes.forEachAttribute(body, from: 12) { type, value in
      if type == 1 { address = IPAddress(value, family: family) }
      if type == 2 { mac = value.macAddress }
      return true
    }
    guard isWhole, let address else { return .malformed }
    return .value(
      KernelNeighbour(
        key: NeighbourKey(device: device, address: address), mac: state & known == 0 ? nil : mac, state: state))
  }
}
