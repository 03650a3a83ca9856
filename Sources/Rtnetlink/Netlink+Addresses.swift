import CXsk
import Glibc
import XSKEngine

extension Netlink {
  /// Gives a device an address, such as `10.0.0.1/24`; an IPv6 address is used at once, unprobed (RFC 4862, 5.4).
  ///
  /// - Parameter isLinkScope: it is for the device's own link alone.
  package func addAddress(
    _ text: String, to device: String, isLinkScope: Bool = false
  ) throws(XSKError) {
    let (address, prefix) = try IPBytes.withPrefix(text)
    var header = ifaddrmsg()
    header.ifa_family = UInt8(address.family)
    header.ifa_prefixlen = prefix
    header.ifa_flags = address.isIPv6 ? UInt8(IFA_F_NODAD) : 0
    if isLinkScope { header.ifa_scope = UInt8(RT_SCOPE_LINK.rawValue) }
    header.ifa_index = UInt32(try link(device).index)
    var message = NetlinkMessage(type: RTM_NEWADDR, flags: NetlinkFlag.create)
    message.append(header)
    message.attribute(IFA_LOCAL, address.bytes)
    message.attribute(IFA_ADDRESS, address.bytes)
    try request(message, device, "does not take the address \(text)")
  }

  /// Fixes the Ethernet address of a neighbour, so that nobody has to ask for it.
  package func addNeighbour(_ text: String, at target: LinkAddress, on device: String) throws(XSKError) {
    let address = try IPBytes(text)
    var header = ndmsg()
    header.ndm_family = UInt8(address.family)
    header.ndm_ifindex = try link(device).index
    header.ndm_state = UInt16(NUD_PERMANENT)
    var message = NetlinkMessage(type: RTM_NEWNEIGH, flags: NetlinkFlag.replace)
    message.append(header)
    message.attribute(NDA_DST, address.bytes)
    message.attribute(NDA_LLADDR, target.bytes)
    try request(message, device, "does not take the neighbour \(text)")
  }
}
