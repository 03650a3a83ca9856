import CXsk
import Glibc
import XSKEngine

extension Netlink {
  /// Gives a device an address, such as `10.0.0.1/24`; an IPv6 address is used at once, unprobed (RFC 4862, 5.4).
  func addAddress(_ text: String, to device: String) throws(XSKError) {
    let (address, prefix) = try IPBytes.withPrefix(text)
    var header = ifaddrmsg()
    header.ifa_family = UInt8(address.family)
    header.ifa_prefixlen = prefix
    header.ifa_flags = address.isIPv6 ? UInt8(IFA_F_NODAD) : 0
    header.ifa_index = UInt32(try link(device).index)
    var message = NetlinkMessage(type: RTM_NEWADDR, flags: NetlinkFlag.create)
    message.append(header)
    message.attribute(IFA_LOCAL, address.bytes)
    message.attribute(IFA_ADDRESS, address.bytes)
    try request(message, device, "does not take the address \(text)")
  }

  /// Fixes the Ethernet address of a neighbour, so that nobody has to ask for it.
  func addNeighbour(_ text: String, at target: LinkAddress, on device: String) throws(XSKError) {
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

extension NetworkNamespace {
  /// Gives a device an address, such as `10.0.0.1/24` or `fd00::1/64`.
  public func addAddress(_ address: String, to device: String) throws(XSKError) {
    try onThread { () throws(XSKError) in try Netlink().addAddress(address, to: device) }
  }

  /// Makes `address` a permanent neighbour on `device`: no ARP or neighbour solicitation is sent for it.
  public func addNeighbour(_ address: String, at target: LinkAddress, on device: String) throws(XSKError) {
    try onThread { () throws(XSKError) in try Netlink().addNeighbour(address, at: target, on: device) }
  }
}
