import Rtnetlink
import XSKEngine

extension NetworkNamespace {
  /// All devices of the namespace, `lo` included.
  public func links() throws(XSKError) -> [Link] {
    try onThread { () throws(XSKError) in try Netlink().links() }
  }

  /// A device of the namespace, with its counters of this moment.
  public func link(_ name: String) throws(XSKError) -> Link {
    try onThread { () throws(XSKError) in try Netlink().link(name) }
  }

  public func setUp(_ device: String, _ isUp: Bool) throws(XSKError) {
    try onThread { () throws(XSKError) in try Netlink().setUp(device, isUp) }
  }

  public func setMTU(_ device: String, _ mtu: UInt32) throws(XSKError) {
    try onThread { () throws(XSKError) in try Netlink().setMTU(device, mtu) }
  }

  public func rename(_ device: String, to name: String) throws(XSKError) {
    try onThread { () throws(XSKError) in try Netlink().rename(device, to: name) }
  }

  /// Deletes a device; of a veth pair, both ends.
  public func delete(_ device: String) throws(XSKError) {
    try onThread { () throws(XSKError) in try Netlink().delete(device) }
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
