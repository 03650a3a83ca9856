import Glibc

/// The unicast addresses of all devices in the namespace of the thread that made it, as rtnetlink(7) tells them, and
/// whether they may have changed since.
struct AddressFollower: ~Copyable {
  private static let getAddress: UInt16 = 22  // RTM_GETADDR
  private static let newAddress: UInt16 = 20  // RTM_NEWADDR
  /// RTNLGRP_IPV4_IFADDR and RTNLGRP_IPV6_IFADDR.
  private static let groups: [CInt] = [5, 9]

  private var events: NetlinkSocket

  private init(events: consuming NetlinkSocket) { self.events = events }

  static func open() throws(ErrorNumber) -> AddressFollower {
    var events = try NetlinkSocket(NetlinkSocket.route)
    for group in groups { try events.join(group) }
    // The first request gives the socket its port, without which the kernel sends it no events.
    _ = try events.request(type: getAddress, dump: true, body: body)
    return AddressFollower(events: events)
  }

  /// Whether anything was said about addresses since the last call. In doubt (events were lost for want of room) it says so.
  func hasNews() -> Bool { events.drain() }

  /// The addresses now. After `hasNews`, so that nothing falls between the two.
  ///
  /// Asked on a socket of its own: a dump and events on one could not be told from each other's ends.
  static func addresses() throws(ErrorNumber) -> Set<NetworkAddress> {
    var socket = try NetlinkSocket(NetlinkSocket.route)
    return Set(try socket.request(type: getAddress, dump: true, body: body).compactMap(address).filter(\.isUnicast))
  }

  /// struct ifaddrmsg: any family, any device.
  private static let body = [UInt8](repeating: 0, count: 8)

  static func address(_ message: NetlinkMessage) -> NetworkAddress? {
    guard message.type == newAddress else { return nil }
    let attributes = NetlinkAttributes(message.body.dropFirst(body.count))
    // IFA_LOCAL; on a point-to-point device IFA_ADDRESS is the other end's. IPv6 has IFA_ADDRESS alone elsewhere.
    return (attributes[bytes: 2] ?? attributes[bytes: 1]).flatMap { NetworkAddress($0) }
  }
}
