import CXsk
import Glibc
import Rtnetlink
import TenantAPI
import XSKEngine

/// A tenant's veth pair and what belongs to it: addresses, routes and neighbours at both ends, the kernel's settings.
///
/// Routed tenants have one way out, a link-local gateway at the host's end. Every host's end has that address, and permanent
/// neighbours at both ends spare everybody asking; whoever asks all the same (a tenant that takes its packets itself) is
/// answered by the kernel.
struct TenantLink: Sendable {
  let tenant: Tenant
  let group: UInt32
  /// Both ways, at both ends.
  var queues = 1

  static let gateway4 = "169.254.1.1"
  static let gateway6 = "fe80::1"

  private var hasIPv4: Bool { tenant.addresses.contains { !$0.contains(":") } }
  private var hasIPv6: Bool { tenant.addresses.contains { $0.contains(":") } }
  private var isRouted: Bool { tenant.vlan == nil }

  /// Makes it all, or nothing. Both ends are set up at the same time.
  ///
  /// - Parameters:
  ///   - addresses: the tenant's, with the prefix lengths that its end is to have.
  ///   - routes: where to, in a VLAN.
  ///   - also: what else is made in the container's namespace once its end is there.
  ///   - undo: takes that back, as something else failed.
  /// - Returns: what `also` has made.
  func make<Made: Sendable>(
    addresses: [String], routes: [AttachRequest.Route], also: @escaping @Sendable () throws(XSKError) -> Made,
    undo: (Made) -> Void
  ) throws(XSKError) -> Made {
    let door = try NamespaceDoor(tenant.namespace)
    guard !door.isOwn else {
      throw XSKError(
        tenant.namespace, "the node's own network namespace", remedy: "name the container's", code: EINVAL)
    }
    let queues = UInt32(queues)
    let netlink = try Netlink()
    try netlink.createVeth(
      VethLink(
        name: tenant.hostDevice, address: LinkAddress(tenant.hostMAC), mtu: UInt32(tenant.mtu), rxQueues: queues,
        txQueues: queues, group: group),
      peer: VethLink(
        name: tenant.device, address: LinkAddress(tenant.mac), mtu: UInt32(tenant.mtu), rxQueues: queues,
        txQueues: queues, namespace: door.descriptor))
    do throws(XSKError) {
      // Before the other end has a program: from then on some of them are fixed, though off.
      try KernelSetting.turnOffloadsOff(tenant.hostDevice)
      let link = self
      var here = Result<Void, XSKError>.success(())
      let made = try TenantNamespace(path: tenant.namespace).run { () throws(XSKError) in
        try link.setUpContainerEnd(addresses, routes)
        return try also()
      } beside: {
        here = Result { () throws(XSKError) in try link.setUpHostEnd(netlink) }
      }
      do throws(XSKError) { try here.get() } catch {
        undo(made)
        throw error
      }
      awaitCarrier(netlink)
      return made
    } catch {
      try? netlink.delete(tenant.hostDevice)
      throw error
    }
  }

  /// On a thread in the container's namespace.
  private func setUpContainerEnd(_ addresses: [String], _ routes: [AttachRequest.Route]) throws(XSKError) {
    let device = tenant.device
    let netlink = try Netlink()
    try KernelSetting.turnOffloadsOff(device)
    // No probes for an address that is this container's alone.
    if hasIPv6 {
      try KernelSetting.set(
        "ipv6", device, ["accept_dad": 0, "accept_ra": 0, "router_solicitations": 0, "disable_ipv6": 0])
    } else if isRouted {
      try KernelSetting.set("ipv6", device, ["disable_ipv6": 1])
    }
    for address in addresses { try netlink.addAddress(address, to: device) }
    try netlink.setUp(device, true)
    guard isRouted, let gateway = LinkAddress(tenant.hostMAC) else {
      for route in routes { try netlink.addRoute(route.destination, through: route.gateway, dev: device) }
      return
    }
    if hasIPv4 {
      try netlink.addNeighbour(Self.gateway4, at: gateway, on: device)
      try netlink.addRoute("0.0.0.0/0", through: Self.gateway4, dev: device)
    }
    if hasIPv6 {
      try netlink.addNeighbour(Self.gateway6, at: gateway, on: device)
      try netlink.addRoute("::/0", through: Self.gateway6, dev: device)
    }
  }

  private func setUpHostEnd(_ netlink: Netlink) throws(XSKError) {
    let device = tenant.hostDevice
    // What a tenant sends past the dataplane goes to this host at most, and only from the tenant's addresses.
    try KernelSetting.set(
      "ipv4", device,
      [
        "forwarding": 0, "rp_filter": 1, "accept_redirects": 0, "send_redirects": 0, "proxy_arp": 0,
        // In a VLAN this host is nobody: it answers for no address.
        "arp_ignore": isRouted ? 0 : 8,
      ])
    if hasIPv6 && isRouted {
      try KernelSetting.set(
        "ipv6", device, ["addr_gen_mode": 1, "accept_dad": 0, "accept_ra": 0, "accept_redirects": 0, "disable_ipv6": 0])
    } else {
      try KernelSetting.set("ipv6", device, ["disable_ipv6": 1])
    }
    try netlink.setAlias(device, "xskd \(tenant.id)")
    try netlink.setUp(device, true)
    guard isRouted, let mac = LinkAddress(tenant.mac) else { return }
    if hasIPv4 { try netlink.addAddress("\(Self.gateway4)/32", to: device, isLinkScope: true) }
    if hasIPv6 { try netlink.addAddress("\(Self.gateway6)/64", to: device, isLinkScope: true) }
    for address in tenant.addresses {
      let bare = String(address.prefix { $0 != "/" })
      try netlink.addNeighbour(bare, at: mac, on: device)
      try netlink.addRoute(address, dev: device)
    }
  }

  /// The kernel gives a device its transmit queue a moment after it is up at both ends; what is sent before is lost.
  private func awaitCarrier(_ netlink: Netlink) {
    for _ in 0..<100 {
      if (try? netlink.link(tenant.hostDevice))?.isRunning ?? true { return }
      usleep(500)
    }
  }

  /// Removes it; done if it is gone already, as it is with its container's namespace.
  func remove() throws(XSKError) {
    let netlink = try Netlink()
    // A device of the same name that somebody else made is left alone.
    guard let link = try netlink.links().first(where: { $0.name == tenant.hostDevice }), link.group == group else {
      return
    }
    do throws(XSKError) { try netlink.delete(tenant.hostDevice) } catch {
      guard error.code == ENODEV else { throw error }
    }
  }

  /// Whether the host's end is there; with it is the other one.
  func isThere(among links: [Link]) -> Bool {
    links.contains { $0.name == tenant.hostDevice && $0.group == group }
  }

  /// What is not as it was made.
  func problems() throws(XSKError) -> [String] {
    let netlink = try Netlink()
    guard let host = try netlink.links().first(where: { $0.name == tenant.hostDevice }), host.group == group else {
      return ["\(tenant.hostDevice) is gone"]
    }
    var problems = host.isUp ? [] : ["\(tenant.hostDevice) is down"]
    if host.address.description != tenant.hostMAC {
      problems.append("\(tenant.hostDevice) has MAC address \(host.address)")
    }
    for isIPv6 in [false, true] where isRouted {
      let routes = try netlink.routes(isIPv6: isIPv6).filter { $0.device == host.index }.map(\.destination)
      for address in tenant.addresses where address.contains(":") == isIPv6 && !routes.contains(address) {
        problems.append("the host has no route to \(address)")
      }
    }
    return problems + (try inside { link throws(XSKError) in try link.containerProblems() })
  }

  /// Runs something on a thread in the container's namespace.
  private func inside<Answer: Sendable>(
    _ body: @escaping @Sendable (TenantLink) throws(XSKError) -> Answer
  ) throws(XSKError) -> Answer {
    let link = self
    return try TenantNamespace(path: tenant.namespace).run { () throws(XSKError) in try body(link) }
  }

  /// On a thread in the container's namespace.
  private func containerProblems() throws(XSKError) -> [String] {
    let netlink = try Netlink()
    guard let link = try netlink.links().first(where: { $0.name == tenant.device }) else {
      return ["\(tenant.device) is gone from the container"]
    }
    var problems = link.isUp ? [] : ["\(tenant.device) is down"]
    if link.address.description != tenant.mac { problems.append("\(tenant.device) has MAC address \(link.address)") }
    if link.mtu != tenant.mtu { problems.append("\(tenant.device) has an MTU of \(link.mtu)") }
    let hosts = try netlink.addresses(of: tenant.device).map { $0.prefix { $0 != "/" } }
    for address in tenant.addresses where !hosts.contains(address.prefix { $0 != "/" }) {
      problems.append("\(tenant.device) has no address \(address)")
    }
    for isIPv6 in [false, true] where isRouted && (isIPv6 ? hasIPv6 : hasIPv4) {
      let hasDefault = try netlink.routes(isIPv6: isIPv6).contains {
        $0.device == link.index && $0.destination == (isIPv6 ? "::/0" : "0.0.0.0/0")
      }
      if !hasDefault { problems.append("\(tenant.device) has no default route for IPv\(isIPv6 ? 6 : 4)") }
    }
    return problems
  }
}
