import CXsk
import XSKEngine

/// One end of a veth pair that is to be made.
package struct VethLink: Sendable {
  package var name: String
  /// nil: the kernel picks one.
  package var address: LinkAddress?
  package var mtu: UInt32
  package var rxQueues: UInt32
  package var txQueues: UInt32
  /// A number that devices share (`ip link show group N`); 0: none.
  package var group: UInt32
  /// A descriptor of the network namespace that it is to be in; nil: the socket's.
  package var namespace: CInt?

  package init(
    name: String, address: LinkAddress? = nil, mtu: UInt32 = 1500, rxQueues: UInt32 = 1, txQueues: UInt32 = 1,
    group: UInt32 = 0, namespace: CInt? = nil
  ) {
    self.name = name
    self.address = address
    self.mtu = mtu
    self.rxQueues = rxQueues
    self.txQueues = txQueues
    self.group = group
    self.namespace = namespace
  }

  fileprivate func describe(in message: inout NetlinkMessage) {
    message.attribute(IFLA_IFNAME, name)
    message.attribute(IFLA_MTU, mtu)
    message.attribute(IFLA_NUM_RX_QUEUES, rxQueues)
    message.attribute(IFLA_NUM_TX_QUEUES, txQueues)
    if group != 0 { message.attribute(IFLA_GROUP, group) }
    if let address { message.attribute(IFLA_ADDRESS, address.bytes) }
    if let namespace { message.attribute(IFLA_NET_NS_FD, UInt32(namespace)) }
  }
}

extension Netlink {
  /// Makes a device of a kind that needs nothing else said.
  package func create(_ name: String, kind: String) throws(XSKError) {
    var message = NetlinkMessage(type: RTM_NEWLINK, flags: NetlinkFlag.create)
    message.append(ifinfomsg())
    message.attribute(IFLA_IFNAME, name)
    message.nested(IFLA_LINKINFO) { $0.attribute(IFLA_INFO_KIND, kind) }
    try request(message, "\(kind) device \(name)", "can't be made")
  }

  /// Makes a veth pair, each end at once in its namespace and with its address: there is no moment at which one could be
  /// seen elsewhere.
  package func createVeth(_ end: VethLink, peer: VethLink) throws(XSKError) {
    var message = NetlinkMessage(type: RTM_NEWLINK, flags: NetlinkFlag.create)
    message.append(ifinfomsg())
    end.describe(in: &message)
    message.nested(IFLA_LINKINFO) { message in
      message.attribute(IFLA_INFO_KIND, "veth")
      message.nested(IFLA_INFO_DATA) { message in
        message.nested(VETH_INFO_PEER) { message in
          message.append(ifinfomsg())
          peer.describe(in: &message)
        }
      }
    }
    try request(message, "veth pair \(end.name), \(peer.name)", "can't be made")
  }
}
