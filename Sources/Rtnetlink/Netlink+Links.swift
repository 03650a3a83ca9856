import CXsk
import Glibc
import XSKEngine

/// A network device as the kernel describes it.
public struct Link: Hashable, Sendable {
  public let name: String
  public let index: Int32
  public let mtu: UInt32
  public let address: LinkAddress
  public let isUp: Bool
  /// True once the device has a carrier and the kernel has made it ready to send.
  public let isRunning: Bool
  public let counters: LinkCounters
  /// A number that devices share; 0 unless somebody set it.
  package let group: UInt32
}

/// The kernel's own counters of a device (struct rtnl_link_stats64); bytes count from the Ethernet header, without
/// FCS.
public struct LinkCounters: Hashable, Sendable {
  public var receivedPackets: UInt64
  public var transmittedPackets: UInt64
  public var receivedBytes: UInt64
  public var transmittedBytes: UInt64
  public var receiveErrors: UInt64
  public var transmitErrors: UInt64
  public var receiveDropped: UInt64
  public var transmitDropped: UInt64

  public init(
    receivedPackets: UInt64 = 0, transmittedPackets: UInt64 = 0,
    receivedBytes: UInt64 = 0, transmittedBytes: UInt64 = 0,
    receiveErrors: UInt64 = 0, transmitErrors: UInt64 = 0,
    receiveDropped: UInt64 = 0, transmitDropped: UInt64 = 0
  ) {
    self.receivedPackets = receivedPackets
    self.transmittedPackets = transmittedPackets
    self.receivedBytes = receivedBytes
    self.transmittedBytes = transmittedBytes
    self.receiveErrors = receiveErrors
    self.transmitErrors = transmitErrors
    self.receiveDropped = receiveDropped
    self.transmitDropped = transmitDropped
  }

  /// How much each counter has grown since `earlier`.
  public func since(_ earlier: LinkCounters) -> LinkCounters {
    LinkCounters(
      receivedPackets: receivedPackets &- earlier.receivedPackets,
      transmittedPackets: transmittedPackets &- earlier.transmittedPackets,
      receivedBytes: receivedBytes &- earlier.receivedBytes,
      transmittedBytes: transmittedBytes &- earlier.transmittedBytes,
      receiveErrors: receiveErrors &- earlier.receiveErrors,
      transmitErrors: transmitErrors &- earlier.transmitErrors,
      receiveDropped: receiveDropped &- earlier.receiveDropped,
      transmitDropped: transmitDropped &- earlier.transmitDropped)
  }
}

extension Netlink {
  /// All devices of the namespace.
  package func links() throws(XSKError) -> [Link] {
    var message = NetlinkMessage(type: RTM_GETLINK, flags: NetlinkFlag.dump)
    message.append(ifinfomsg())
    return try request(message, "network devices", "can't be listed").compactMap(Self.link)
  }

  package func link(_ name: String) throws(XSKError) -> Link {
    var message = NetlinkMessage(type: RTM_GETLINK, flags: NetlinkFlag.acknowledged)
    message.append(ifinfomsg())
    message.attribute(IFLA_IFNAME, name)
    guard let link = try request(message, name, "can't be read").compactMap(Self.link).first else {
      throw XSKError(name, "no such device", remedy: "check the device's name", code: ENODEV)
    }
    return link
  }

  package func setUp(_ name: String, _ isUp: Bool) throws(XSKError) {
    var header = ifinfomsg()
    header.ifi_flags = isUp ? UInt32(IFF_UP) : 0
    header.ifi_change = UInt32(IFF_UP)
    try change(name, header, isUp ? "can't be brought up" : "can't be taken down")
  }

  package func setMTU(_ name: String, _ mtu: UInt32) throws(XSKError) {
    try change(name, ifinfomsg(), "does not take an MTU of \(mtu)") { $0.attribute(IFLA_MTU, mtu) }
  }

  /// Before kernel 6.2 only a device that is down can be renamed.
  package func rename(_ name: String, to other: String) throws(XSKError) {
    var header = ifinfomsg()
    header.ifi_index = try link(name).index
    var message = NetlinkMessage(type: RTM_NEWLINK, flags: NetlinkFlag.acknowledged)
    message.append(header)
    message.attribute(IFLA_IFNAME, other)
    try request(message, name, "can't be called \(other)")
  }

  /// A text for people, which `ip link` shows.
  package func setAlias(_ name: String, _ text: String) throws(XSKError) {
    // The kernel takes 255 bytes, without an end mark.
    try change(name, ifinfomsg(), "does not take an alias") { $0.attribute(IFLA_IFALIAS, Array(text.utf8.prefix(255))) }
  }

  package func delete(_ name: String) throws(XSKError) {
    var message = NetlinkMessage(type: RTM_DELLINK, flags: NetlinkFlag.acknowledged)
    message.append(ifinfomsg())
    message.attribute(IFLA_IFNAME, name)
    try request(message, name, "can't be deleted")
  }

  private func change(
    _ name: String, _ header: ifinfomsg, _ problem: String, _ body: (inout NetlinkMessage) -> Void = { _ in }
  ) throws(XSKError) {
    var message = NetlinkMessage(type: RTM_NEWLINK, flags: NetlinkFlag.acknowledged)
    message.append(header)
    message.attribute(IFLA_IFNAME, name)
    body(&message)
    try request(message, name, problem)
  }

  private static func link(_ reply: Reply) -> Link? {
    let fixed = MemoryLayout<ifinfomsg>.size
    guard reply.type == RTM_NEWLINK, reply.payload.count >= fixed else { return nil }
    let attributes = NetlinkAttributes(reply.payload.dropFirst(fixed))
    guard let name = attributes.string(IFLA_IFNAME),
      let index = reply.payload.dropFirst(4).number(Int32.self),
      let flags = reply.payload.dropFirst(8).number(UInt32.self)
    else { return nil }
    return Link(
      name: name, index: index, mtu: attributes[IFLA_MTU]?.number(UInt32.self) ?? 0,
      address: LinkAddress(bytes: attributes[IFLA_ADDRESS] ?? []) ?? .zero,
      isUp: flags & UInt32(IFF_UP) != 0, isRunning: flags & UInt32(IFF_RUNNING) != 0,
      counters: counters(attributes[IFLA_STATS64] ?? []), group: attributes[IFLA_GROUP]?.number(UInt32.self) ?? 0)
  }

  /// The first eight numbers of struct rtnl_link_stats64.
  private static func counters(_ bytes: ArraySlice<UInt8>) -> LinkCounters {
    func number(_ index: Int) -> UInt64 { bytes.dropFirst(index * 8).number(UInt64.self) ?? 0 }
    return LinkCounters(
      receivedPackets: number(0), transmittedPackets: number(1), receivedBytes: number(2),
      transmittedBytes: number(3), receiveErrors: number(4), transmitErrors: number(5),
      receiveDropped: number(6), transmitDropped: number(7))
  }
}

extension Link {
  /// A device of the calling thread's namespace, with its counters of this moment.
  public static func named(_ name: String) throws(XSKError) -> Link { try Netlink().link(name) }
}
