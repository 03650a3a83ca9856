import CXsk
import Glibc
import XSKEngine

/// A route of the main table, as far as it matters here.
package struct LinkRoute: Hashable, Sendable {
  /// With its prefix length: `0.0.0.0/0`.
  package var destination: String
  package var gateway: String?
  /// The device's index.
  package var device: Int32
}

extension Netlink {
  /// Routes a prefix to a device.
  ///
  /// - Parameters:
  ///   - destination: `10.1.0.5/32`, `0.0.0.0/0`.
  ///   - gateway: on the device's link, whatever networks its addresses have; nil: the destination itself is there.
  package func addRoute(_ destination: String, through gateway: String? = nil, dev device: String) throws(XSKError) {
    let (address, prefix) = try IPBytes.withPrefix(destination)
    var header = rtmsg()
    header.rtm_family = UInt8(address.family)
    header.rtm_dst_len = prefix
    header.rtm_table = UInt8(RT_TABLE_MAIN.rawValue)
    header.rtm_protocol = UInt8(RTPROT_STATIC)
    header.rtm_type = UInt8(RTN_UNICAST)
    header.rtm_scope = UInt8((gateway == nil ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE).rawValue)
    if gateway != nil { header.rtm_flags = UInt32(RTNH_F_ONLINK) }
    var message = NetlinkMessage(type: RTM_NEWROUTE, flags: NetlinkFlag.replace)
    message.append(header)
    if prefix > 0 { message.attribute(Int(RTA_DST.rawValue), address.bytes) }
    if let gateway { message.attribute(Int(RTA_GATEWAY.rawValue), try IPBytes(gateway).bytes) }
    message.attribute(Int(RTA_OIF.rawValue), UInt32(try link(device).index))
    try request(message, device, "does not take the route \(destination)")
  }

  /// The main table's routes of a family.
  package func routes(isIPv6: Bool) throws(XSKError) -> [LinkRoute] {
    var header = rtmsg()
    header.rtm_family = UInt8(isIPv6 ? AF_INET6 : AF_INET)
    var message = NetlinkMessage(type: RTM_GETROUTE, flags: NetlinkFlag.dump)
    message.append(header)
    let fixed = MemoryLayout<rtmsg>.size
    return try request(message, "routes", "can't be listed").compactMap { reply in
      guard reply.type == RTM_NEWROUTE, reply.payload.count >= fixed else { return nil }
      let bytes = Array(reply.payload.prefix(fixed))
      let attributes = NetlinkAttributes(reply.payload.dropFirst(fixed))
      guard Int32(bytes[0]) == header.rtm_family, UInt32(bytes[4]) == RT_TABLE_MAIN.rawValue,
        let device = attributes[Int(RTA_OIF.rawValue)]?.number(Int32.self)
      else { return nil }
      let any = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
      let destination = IPBytes(bytes: attributes[Int(RTA_DST.rawValue)].map(Array.init) ?? any)
      return LinkRoute(
        destination: "\(destination?.description ?? "?")/\(bytes[1])",
        gateway: attributes[Int(RTA_GATEWAY.rawValue)].flatMap { IPBytes(bytes: Array($0)) }?.description,
        device: device)
    }
  }

  /// Has the kernel answer on a device for an address that is behind another one (ARP, neighbour discovery).
  package func addProxy(_ text: String, on device: String) throws(XSKError) {
    try proxy(text, device, RTM_NEWNEIGH, NetlinkFlag.replace, "does not answer for \(text)")
  }

  package func removeProxy(_ text: String, on device: String) throws(XSKError) {
    try proxy(text, device, RTM_DELNEIGH, NetlinkFlag.acknowledged, "goes on answering for \(text)")
  }

  private func proxy(
    _ text: String, _ device: String, _ type: Int, _ flags: Int32, _ problem: String
  ) throws(XSKError) {
    let address = try IPBytes(text)
    var header = ndmsg()
    header.ndm_family = UInt8(address.family)
    header.ndm_ifindex = try link(device).index
    header.ndm_state = UInt16(NUD_PERMANENT)
    header.ndm_flags = UInt8(NTF_PROXY)
    var message = NetlinkMessage(type: type, flags: flags)
    message.append(header)
    message.attribute(NDA_DST, address.bytes)
    try request(message, device, problem)
  }

  /// The addresses of a device with their prefix lengths, as text.
  package func addresses(of device: String) throws(XSKError) -> [String] {
    let index = try link(device).index
    var message = NetlinkMessage(type: RTM_GETADDR, flags: NetlinkFlag.dump)
    message.append(ifaddrmsg())
    let fixed = MemoryLayout<ifaddrmsg>.size
    return try request(message, device, "does not tell its addresses").compactMap { reply in
      guard reply.type == RTM_NEWADDR, reply.payload.count >= fixed,
        reply.payload.dropFirst(4).number(Int32.self) == index
      else { return nil }
      let attributes = NetlinkAttributes(reply.payload.dropFirst(fixed))
      let length = Array(reply.payload.prefix(2))[1]
      guard let bytes = attributes[IFA_LOCAL] ?? attributes[IFA_ADDRESS], let address = IPBytes(bytes: Array(bytes))
      else { return nil }
      return "\(address)/\(length)"
    }
  }
}
