import CXsk
import Glibc
import Rtnetlink
import XSKEngine

/// One end of a veth pair: where it is and how it is set up.
public struct VethEnd: Sendable {
  public var name: String
  public var namespace: NetworkNamespace
  /// Nil: the kernel picks one.
  public var address: LinkAddress?
  /// Addresses with prefix length, `10.0.0.1/24` or `fd00::1/64`. Without an IPv6 address IPv6 is off on this end, so
  /// that no frame appears that the test did not send.
  public var addresses: [String]
  /// Queues in each direction. An XDP program needs as many RX queues here as the other end has TX queues.
  public var rxQueues: UInt32
  public var txQueues: UInt32
  /// Generic receive offload, and with it NAPI on this end: a redirect into the *other* end is refused (ENXIO) unless
  /// this end has GRO or an XDP program.
  public var gro: Bool
  /// Leave checksum, segmentation and VLAN offloads on: frames then carry unfinished checksums and up to 64 KiB.
  public var keepsOffloads: Bool
  public var isUp: Bool

  public init(
    _ name: String, in namespace: NetworkNamespace, address: LinkAddress? = nil, addresses: [String] = [],
    rxQueues: UInt32 = 1, txQueues: UInt32 = 1, gro: Bool = false, keepsOffloads: Bool = false, isUp: Bool = true
  ) {
    self.name = name
    self.namespace = namespace
    self.address = address
    self.addresses = addresses
    self.rxQueues = rxQueues
    self.txQueues = txQueues
    self.gro = gro
    self.keepsOffloads = keepsOffloads
    self.isUp = isUp
  }

  fileprivate func link(mtu: UInt32) -> VethLink {
    VethLink(name: name, address: address, mtu: mtu, rxQueues: rxQueues, txQueues: txQueues)
  }

  /// The device as the kernel has it at this moment.
  public func link() throws(XSKError) -> Link { try namespace.link(name) }

  /// The device's counters at this moment.
  public func counters() throws(XSKError) -> LinkCounters { try link().counters }
}

/// A pair of connected Ethernet devices, the virtual cable between two namespaces (veth(4)).
///
/// It lives until it is deleted or the namespace of either end goes.
public struct VethPair: Sendable {
  public let left: VethEnd
  public let right: VethEnd

  /// Makes the pair and sets both ends up.
  ///
  /// - Parameter mtu: bytes of a packet without its Ethernet header, 68…65,535. Above about 3,500 an XDP program must
  ///   be one that takes fragments.
  /// - Throws: `XSKError` if a name is taken, a value is refused, or the caller lacks CAP_NET_ADMIN. Nothing is left
  ///   behind then.
  public init(_ left: VethEnd, _ right: VethEnd, mtu: UInt32 = 1500) throws(XSKError) {
    self.left = left
    self.right = right
    try Self.create(left, right, mtu: mtu)
    do {
      try Self.configure(left)
      try Self.configure(right)
      if left.isUp { try left.namespace.setUp(left.name, true) }
      if right.isUp { try right.namespace.setUp(right.name, true) }
      if left.isUp && right.isUp { try awaitReadiness() }
    } catch {
      try? delete()
      throw error
    }
  }

  /// Removes both ends.
  public func delete() throws(XSKError) {
    try left.namespace.delete(left.name)
  }

  /// Makes each end know the other's addresses for good: no ARP and no neighbour discovery between them.
  public func fixNeighbours() throws(XSKError) {
    try Self.fix(right, on: left)
    try Self.fix(left, on: right)
  }

  private static func fix(_ far: VethEnd, on near: VethEnd) throws(XSKError) {
    let target = try far.link().address
    for address in far.addresses {
      let bare = String(address.prefix { $0 != "/" })
      try near.namespace.addNeighbour(bare, at: target, on: near.name)
    }
  }

  private static func create(_ left: VethEnd, _ right: VethEnd, mtu: UInt32) throws(XSKError) {
    let near = left.link(mtu: mtu)
    var far = right.link(mtu: mtu)
    far.namespace = right.namespace.fd
    let peer = far
    try left.namespace.onThread { () throws(XSKError) in try Netlink().createVeth(near, peer: peer) }
  }

  /// Everything that has to be in place before the device is up.
  private static func configure(_ end: VethEnd) throws(XSKError) {
    try end.namespace.onThread { () throws(XSKError) in
      let usesIPv6 = end.addresses.contains { $0.contains(":") }
      try quietIPv6(end.name, isUsed: usesIPv6)
      if !end.keepsOffloads {
        try check(end.name, "does not turn its offloads off", unsafe cxsk_lab_offloads_off(end.name))
      }
      try check(end.name, "does not switch GRO", unsafe cxsk_lab_set_gro(end.name, end.gro ? 1 : 0))
      let netlink = try Netlink()
      for address in end.addresses { try netlink.addAddress(address, to: end.name) }
    }
  }

  /// Keeps the kernel from sending anything of its own: no link-local address, no probes, no router solicitations.
  private static func quietIPv6(_ device: String, isUsed: Bool) throws(XSKError) {
    let settings: KeyValuePairs =
      isUsed
      ? ["accept_dad": "0", "accept_ra": "0", "router_solicitations": "0", "addr_gen_mode": "1", "disable_ipv6": "0"]
      : ["disable_ipv6": "1"]
    for (name, value) in settings {
      let path = "/proc/sys/net/ipv6/conf/\(device)/\(name)"
      // A kernel without IPv6 has no such file, and nothing to be kept from sending.
      let code = writeSetting(path, value)
      guard code == 0 || code == ENOENT && !isUsed else {
        throw XSKError(path, refused: "can't be written", code: code, remedy: "run where /proc/sys is writable")
      }
    }
  }

  private static func writeSetting(_ path: String, _ value: String) -> CInt {
    let file = unsafe open(path, O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return errno }
    defer { close(file) }
    // write() reads exactly the text's bytes.
    return unsafe write(file, value, value.utf8.count) < 0 ? errno : 0
  }

  private static func check(_ device: String, _ problem: String, _ code: CInt) throws(XSKError) {
    guard code < 0 else { return }
    throw XSKError(device, refused: problem, code: code, remedy: "run as root (CAP_NET_ADMIN)")
  }
}
